"""The campaign: so many random schedules from a seed, and the table of what came of them.

Started by `make test-faults`; pytest does not collect it by itself. SCHEDULES, SEED and ONLY (the
name of a fault, or a part of it) choose, LANES says how many stages are played side by side. PAGE
is a page that takes the table over; RESULTS a file that outcomes are added to: a campaign that
was ended before its time goes on where it was when it is started again with the same file.
"""

import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.faults.conducting import Outcome
from tests.faults.lanes import played
from tests.faults.report import Campaign, put_into, table
from tests.faults.results import Results
from tests.faults.schedules import drawn

KEPT = Path(__file__).resolve().parents[2] / "var" / "faults"
LANES = 2 * (os.cpu_count() or 1)
TABLE_EVERY = 10  # outcomes


def test_nothing_is_lost_doubled_or_unexplained() -> None:
    campaign = _campaign()
    schedules = [one for one in drawn(campaign.seed, campaign.count) if campaign.only in str(one)]
    results = Results(Path(path) if (path := os.environ.get("RESULTS")) else None)
    outcomes = results.earlier(schedules)
    known = {one.schedule for one in outcomes}
    waiting = [one for one in schedules if one not in known]
    _say(f"{len(waiting)} schedules, seed {campaign.seed}, {campaign.lanes} stages side by side")
    for outcome in played(waiting, campaign.lanes, KEPT):
        outcomes.append(outcome)
        results.add(outcome)
        _print(len(outcomes), outcome)
        if len(outcomes) % TABLE_EVERY == 0:
            _put_into_page(table(outcomes, campaign, len(schedules)))
    measured = table(outcomes, campaign, len(schedules))
    _put_into_page(measured)
    _say(f"\n{measured}\n")
    _check(outcomes, len(schedules))


def _campaign() -> Campaign:
    def chosen(name: str, default: int) -> int:
        return int(os.environ.get(name) or default)

    return Campaign(
        chosen("SEED", int(time.time() % 100_000)), chosen("SCHEDULES", 50),
        chosen("LANES", LANES), os.environ.get("ONLY", ""),
    )  # fmt: skip


def _check(outcomes: Sequence[Outcome], wanted: int) -> None:
    assert not [found for outcome in outcomes for found in outcome.violations]
    assert len(outcomes) == wanted
    # A campaign that strikes nothing and compares nothing would find nothing either.
    assert sum(bool(one.missed) for one in outcomes) <= wanted / 4
    compared = sum((one.compared for one in outcomes), Counter())
    assert compared["orders on the wire"] >= wanted
    assert compared["rows seen committed"] >= wanted


def _print(number: int, outcome: Outcome) -> None:
    _say(f"{number:4} {outcome.schedule}\n     {outcome.result}")
    for line in (*outcome.violations, *outcome.notes, outcome.why):
        _say(f"       {line}")


def _put_into_page(measured: str) -> None:
    if page := os.environ.get("PAGE"):
        path = Path(page)
        path.write_text(put_into(path.read_text(), measured))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
