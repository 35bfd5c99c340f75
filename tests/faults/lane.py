"""One lane of a campaign, inside `manage.py shell`: schedules come in, outcomes go out."""

import shutil
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

from tests.faults.checker import Violation
from tests.faults.conducting import Outcome, conduct
from tests.faults.results import read_schedule, written
from tests.faults.schedules import Schedule
from tests.faults.stage import Stage, stage


def main(kept: str) -> None:
    """Play each schedule that comes on standard input until it ends; one line each way.

    It also ends when the campaign does, whatever has ended that: a stage is always taken down. What
    the processes said is kept in a directory below `kept` when something was violated.
    """
    coming = (read_schedule(line) for line in iter(sys.stdin.readline, ""))
    going_on = True
    while going_on:
        with stage() as put_up:
            going_on = _play(put_up, coming, Path(kept))


def _play(put_up: Stage, coming: Iterator[Schedule], kept: Path) -> bool:
    """Play up to the first schedule that the stage itself does not bear; False at the end."""
    for schedule in coming:
        broken = False
        try:
            outcome = conduct(put_up, schedule)
        except Exception:  # noqa: BLE001 - whatever it is, the others must not miss their turn
            outcome, broken = broken_down(schedule, traceback.format_exc()), True
        if outcome.violations:
            _keep(put_up, kept / str(schedule.seed))
        sys.stdout.write(f"{written(outcome)}\n")
        sys.stdout.flush()
        if broken:
            return True
    return False


def broken_down(schedule: Schedule, why: str) -> Outcome:
    """Return the outcome of a schedule that was not played to its end: nobody knows its result."""
    return Outcome(schedule, [Violation("no end", f"the stage broke down\n{why}")])


def _keep(put_up: Stage, place: Path) -> None:
    place.mkdir(parents=True, exist_ok=True)
    for path in (*put_up.home.glob("*.log"), put_up.gateway.transcript):
        shutil.copy(path, place)
