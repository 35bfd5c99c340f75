"""What no scenario has to catch: faults that harm nothing, and faults that nobody here can meet.

That a fault harms nothing is proved by the gateway's own records: what it traded is what Crucible
wrote down, nothing of it works on, and nothing is left in the account.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from brokerage.executions import standing
from brokerage.models import Execution
from brokerage.simulator.server import Frame, Gateway
from tests.validation.scenarios.catches import Catch, catch

SIDES = {"BUY", "SELL"}
Bought = Counter[tuple[str, int]]


@dataclass(frozen=True)
class Tolerated:
    """A fault under which a scenario passes, and rightly so; `struck` tells that it was there."""

    catch: Catch
    because: str
    struck: Callable[[Gateway], bool]

    @property
    def name(self) -> str:
        """The fault's name in the catalogue."""
        return self.catch.name

    def __str__(self) -> str:
        return str(self.catch)


@dataclass(frozen=True)
class Unused:
    """A fault that only who `asks` for something can meet, and Crucible never does."""

    fault: str
    because: str
    asks: Callable[[Frame], bool]

    @property
    def name(self) -> str:
        """The fault's name in the catalogue."""
        return self.fault

    def __str__(self) -> str:
        return self.fault


@dataclass(frozen=True)
class Watched:
    """A fault that what runs beside the scenarios finds; `test` is the parameter of its test."""

    where: str
    fault: str
    finding: str
    test: str

    @property
    def name(self) -> str:
        """The fault's name in the catalogue."""
        return self.fault

    def __str__(self) -> str:
        return self.test


def tolerate(
    scenario: str, fault: str, because: str, struck: Callable[[Gateway], bool], **more: Any
) -> Tolerated:
    """Return a fault that a scenario puts up with; `more` as of `catch`."""
    return Tolerated(catch(scenario, fault, **more), because, struck)


def told(gateway: Gateway, name: str) -> list[Any]:
    """Return all messages of a kind that went out, in their order."""
    frames = gateway.transcript
    return [frame.message for frame in frames if (frame.direction, frame.name) == ("out", name)]


def repeats(gateway: Gateway, name: str) -> bool:
    """Whether the same message of a kind went out twice in a row."""
    messages = told(gateway, name)
    return any(one == other for one, other in pairwise(messages))


def sent(name: str, **fields: Any) -> Callable[[Frame], bool]:
    """Return whether a frame is a client's message of this kind, with these fields."""

    def asks(frame: Frame) -> bool:
        if (frame.direction, frame.name) != ("in", name):
            return False
        return all(getattr(frame.message, key) == value for key, value in fields.items())

    return asks


def traded(gateway: Gateway) -> Bought:
    """Return what was traded by the gateway's own records: quantities by side and contract."""
    total: Bought = Counter()
    for execution in gateway.venue.fills.executions:
        total[execution.fill.side, execution.fill.con_id] += execution.fill.quantity  # type: ignore[assignment]
    return total


def booked(rows: Iterable[Execution]) -> Bought:
    """The same by Crucible's own."""
    total: Bought = Counter()
    for row in standing(rows):
        total[row.side, row.con_id] += row.quantity  # type: ignore[assignment]
    return total


def left(gateway: Gateway) -> list[str]:
    """Return what still works at the gateway, or is held in its accounts."""
    working = [str(record.key) for record in gateway.venue.orders.records.live()]
    accounts = gateway.venue.floor.opened()
    held = [str(position.con_id) for account in accounts for position in account.held()]
    return working + held
