"""Schedules come from their seed alone, and every fault comes to its turn."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

from tests.faults.checker import Violation
from tests.faults.conducting import Outcome
from tests.faults.fault import FAULTS
from tests.faults.report import BEGIN, END, Campaign, put_into, table
from tests.faults.results import Results
from tests.faults.schedules import Blow, Schedule, drawn


def test_the_same_seed_draws_the_same_schedules() -> None:
    assert drawn(7, 40) == drawn(7, 40)
    assert drawn(7, 40) != drawn(8, 40)


def test_every_fault_leads_about_as_many_schedules_as_any_other() -> None:
    firsts = Counter(one.blows[0].fault for one in drawn(3, 3 * len(FAULTS)))
    assert set(firsts) == set(FAULTS)
    assert set(firsts.values()) == {3}


def test_every_blow_falls_at_a_moment_of_its_fault() -> None:
    blows = [blow for one in drawn(5, 200) for blow in one.blows]
    assert all(blow.moment in FAULTS[blow.fault].moments for blow in blows)
    assert len(blows) > 200


def test_no_two_faults_of_a_schedule_undo_each_other() -> None:
    for one in drawn(9, 300):
        families = [FAULTS[blow.fault].family for blow in one.blows]
        assert len(set(families)) == len(families)


def outcome(fault: str, *violations: Violation) -> Outcome:
    schedule = Schedule(1, ("OE-01",), (Blow(fault, "claimed"),))
    return Outcome(schedule, list(violations), state="INTERRUPTED", detection_s=15.5)


def test_the_table_counts_runs_and_violations_by_fault() -> None:
    lost = Violation("lost", "an execution")
    outcomes = [outcome("worker killed"), outcome("worker killed", lost)]
    measured = table(outcomes, Campaign(seed=4, count=2), wanted=2)
    assert "2 schedules" in measured
    assert "1 violations (lost: 1, doubled: 0, other: 0)" in measured
    assert "| worker: worker killed | 2 | 2 | interrupted 2 | 1 |" in measured
    assert "| beat: two beats | 0 | 0 | — | 0 |" in measured


def test_a_page_takes_the_table_over_between_its_marks() -> None:
    page = f"# Reliability\n{BEGIN}\nold\n{END}\nThe end.\n"
    assert put_into(page, "new") == f"# Reliability\n{BEGIN}\nnew\n{END}\nThe end.\n"


def test_a_table_of_a_part_says_so_and_names_every_build() -> None:
    outcomes = [
        replace(outcome("worker killed"), build=build) for build in ("aaaaaaaa", "bbbbbbbb")
    ]
    measured = table(outcomes, Campaign(seed=4, count=9), wanted=9)
    assert "**not complete**, 2 of 9 schedules at commit aaaaaaa, bbbbbbb" in measured


def test_a_campaign_goes_on_where_it_was(tmp_path: Path) -> None:
    first, second, third = drawn(4, 3)
    results = Results(tmp_path / "results.jsonl")
    lost = Outcome(first, [Violation("lost", "an order")], compared=Counter({"checks": 3}))
    for one in (lost, Outcome(third, [])):
        results.add(one)
    with results.path.open("a") as file:  # type: ignore[union-attr]
        file.write('{"schedule": {"se')
    # A schedule of another seed or count in the same file is no part of this campaign.
    assert results.earlier([first, second]) == [lost]
    results.add(Outcome(second, []))
    assert results.earlier([first, second]) == [lost, Outcome(second, [])]
