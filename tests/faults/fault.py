"""What every fault of the suite is: when it strikes, how, and how the world is made whole again."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from tests.faults.moments import MOMENTS, wait_for
from tests.faults.processes import NotReadyError
from tests.faults.stage import Stage
from tests.journeys.visitor import Visitor

CLICK_ANSWERS_WITHIN_S = 60.0


@dataclass
class Run:
    """One schedule on its way."""

    stage: Stage
    chance: random.Random
    scenarios: tuple[str, ...]
    number: str = ""
    lost_at: float | None = None
    notes: list[str] = field(default_factory=list)

    def lose_worker(self) -> None:
        """Note that the worker of the session is gone for good from now on."""
        self.lost_at = time.monotonic()

    def click(self, visitor: Visitor, seconds: float = CLICK_ANSWERS_WITHIN_S) -> None:
        """Start the session as a person does; who gets no answer looks, then clicks again."""
        before = self.newest()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                status, body = visitor.call("/api/v1/sessions", {"scenarios": list(self.scenarios)})
            except (OSError, ValueError) as error:
                status, body = 0, str(error)
            if status == 201:
                self.number = str(body["number"])
                return
            self.notes.append(f"click: {status} {str(body)[:120]}")
            time.sleep(1.0)
            if (made := self.newest()) != before:
                self.number = made
                return
        raise NotReadyError(f"no session was made: {self.notes}")

    def newest(self) -> str:
        """Return the number of the newest session."""
        found = self.stage.rows("SELECT number FROM validation_session ORDER BY id DESC LIMIT 1")
        return str(found[0][0]) if found else ""


class Fault:
    """One kind of trouble; `hold` are the seconds from the blow to the remedy, least and most."""

    name: ClassVar[str]
    family: ClassVar[str]
    moments: ClassVar[tuple[str, ...]] = tuple(MOMENTS)
    hold: ClassVar[tuple[float, float]] = (0.5, 4.0)
    # Whether a lost worker can still be noticed within its time while this goes on.
    blinds: ClassVar[bool] = False

    def restart(self, run: Run) -> None:
        """Start processes in another way, while everything is whole."""

    def before(self, run: Run) -> None:
        """Make ready, before the session is asked for."""

    def click(self, run: Run, visitor: Visitor) -> None:
        """Have the session started."""
        run.click(visitor)

    def strike(self, run: Run) -> None:
        """Do it."""

    def heal(self, run: Run) -> None:
        """Make whole what was broken; only called when it did strike."""

    def after(self, run: Run) -> None:
        """Undo what `restart` and `before` did, whether it did strike or not."""

    def play(self, run: Run, moment: str) -> bool:
        """Wait for the moment, strike, hold and heal; False when the session was over before."""
        if not wait_for(run.stage, moment, run.number, run.chance):
            return False
        self.strike(run)
        time.sleep(run.chance.uniform(*self.hold))
        self.heal(run)
        return True


FAULTS: dict[str, type[Fault]] = {}


def fault(name: str, family: str) -> Callable[[type[Fault]], type[Fault]]:
    """Add a class to the list of faults under a name that people read in the table."""

    def add(kind: type[Fault]) -> type[Fault]:
        kind.name, kind.family = name, family
        FAULTS[name] = kind
        return kind

    return add
