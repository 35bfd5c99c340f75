"""Outcomes as lines of JSON: from a lane to the campaign, from one part of it to the next."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.faults.checker import Violation
from tests.faults.conducting import Outcome
from tests.faults.schedules import Blow, Schedule


def written(thing: Outcome | Schedule) -> str:
    """Return one line without its end."""
    told = asdict(thing)
    if isinstance(thing, Outcome):
        # asdict() takes a Counter for a dict that is made of pairs: it would count them.
        told["compared"] = dict(thing.compared)
    return json.dumps(told)


def read_schedule(line: str) -> Schedule:
    """Return the schedule that a line tells."""
    return _schedule(json.loads(line))


def read_outcome(line: str) -> Outcome:
    """Return the outcome that a line tells."""
    told: dict[str, Any] = json.loads(line)
    told["schedule"] = _schedule(told["schedule"])
    told["violations"] = [Violation(**one) for one in told["violations"]]
    told["compared"] = Counter(told["compared"])
    return Outcome(**told)


def _schedule(told: dict[str, Any]) -> Schedule:
    blows = tuple(Blow(**blow) for blow in told["blows"])
    return Schedule(told["seed"], tuple(told["scenarios"]), blows)


class Results:
    """A file of outcomes that grows while a campaign is played; without a path none is kept."""

    def __init__(self, path: Path | None) -> None:
        self.path = path

    def earlier(self, schedules: Sequence[Schedule]) -> list[Outcome]:
        """Return what an earlier part of the campaign has played of these schedules."""
        if self.path is None or not self.path.exists():
            return []
        # The last line is half a line when the campaign was killed while it wrote.
        lines = [line for line in self.path.read_text().splitlines(True) if line.endswith("\n")]
        self.path.write_text("".join(lines))
        outcomes = [read_outcome(line) for line in lines]
        return [one for one in outcomes if one.schedule in schedules]

    def add(self, outcome: Outcome) -> None:
        """Write one more down at once."""
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            file.write(f"{written(outcome)}\n")
