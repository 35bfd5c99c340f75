"""The campaign: so many random schedules from a seed, and the table of what came of them.

Started by `make test-faults`; pytest does not collect it by itself. SCHEDULES, SEED and ONLY (the
name of a fault, or a part of it) choose; PAGE is a page that takes the table over.
"""

import os
import sys
import time
from pathlib import Path

from tests.faults.conducting import conduct
from tests.faults.report import put_into, table
from tests.faults.schedules import drawn
from tests.faults.stage import stage


def test_nothing_is_lost_doubled_or_unexplained() -> None:
    count = int(os.environ.get("SCHEDULES") or 50)
    seed = int(os.environ.get("SEED") or time.time() % 100_000)
    only = os.environ.get("ONLY", "")
    chosen = [one for one in drawn(seed, count) if only in str(one)]
    outcomes = []
    _say(f"{len(chosen)} schedules, seed {seed}")
    with stage() as put_up:
        for number, schedule in enumerate(chosen, start=1):
            _say(f"{number:4} {schedule}")
            outcome = conduct(put_up, schedule)
            outcomes.append(outcome)
            _say(f"     {outcome.result}")
            for line in (*outcome.violations, *outcome.notes):
                _say(f"       {line}")
    measured = table(outcomes, seed)
    _say(f"\n{measured}\n")
    if page := os.environ.get("PAGE"):
        path = Path(page)
        path.write_text(put_into(path.read_text(), measured))
    assert not [found for outcome in outcomes for found in outcome.violations]


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
