"""The campaign: so many random schedules from a seed, and the table of what came of them.

Started by `make test-faults`; pytest does not collect it by itself. SCHEDULES, SEED and ONLY (the
name of a fault, or a part of it) choose; PAGE is a page that takes the table over.
"""

import os
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from tests.faults.checker import Violation
from tests.faults.conducting import Outcome, conduct
from tests.faults.report import put_into, table
from tests.faults.schedules import Schedule, drawn
from tests.faults.stage import Stage, stage


def test_nothing_is_lost_doubled_or_unexplained() -> None:
    count = int(os.environ.get("SCHEDULES") or 50)
    seed = int(os.environ.get("SEED") or time.time() % 100_000)
    only = os.environ.get("ONLY", "")
    waiting = [one for one in drawn(seed, count) if only in str(one)]
    outcomes: list[Outcome] = []
    _say(f"{len(waiting)} schedules, seed {seed}")
    while waiting:
        with stage() as put_up:
            _play(put_up, waiting, outcomes)
    _tell(outcomes, seed)
    assert not [found for outcome in outcomes for found in outcome.violations]


def _play(put_up: Stage, waiting: list[Schedule], outcomes: list[Outcome]) -> None:
    """Play what waits, up to the first that the stage itself does not bear."""
    while waiting:
        schedule = waiting.pop(0)
        _say(f"{len(outcomes) + 1:4} {schedule}")
        try:
            outcomes.append(conduct(put_up, schedule))
        except Exception:  # noqa: BLE001 - whatever it is, the others must not miss their turn
            text = f"the stage broke down\n{traceback.format_exc()}"
            outcomes.append(Outcome(schedule, [Violation("no end", text)]))
            return _print(outcomes[-1])
        _print(outcomes[-1])
    return None


def _print(outcome: Outcome) -> None:
    _say(f"     {outcome.result}")
    for line in (*outcome.violations, *outcome.notes):
        _say(f"       {line}")


def _tell(outcomes: Sequence[Outcome], seed: int) -> None:
    measured = table(outcomes, seed)
    _say(f"\n{measured}\n")
    if page := os.environ.get("PAGE"):
        path = Path(page)
        path.write_text(put_into(path.read_text(), measured))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
