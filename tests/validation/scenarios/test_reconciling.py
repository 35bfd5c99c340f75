"""RS-08: strangers' positions and phantoms are found, block what opens, and are settled by rows."""

from dataclasses import replace

import pytest

from brokerage import gateway, reconciliation
from brokerage.gateway import Desk
from brokerage.models import Correction, OrderRecord, ReconciliationDiff, ReconciliationRun
from brokerage.terms import Position
from tests.validation.scenarios.catches import Catch, catch
from tests.validation.scenarios.conftest import Caught, Outcome, Run
from validation.scenarios import catalogue, reconciling
from validation.scenarios.trial import Trial
from validation.trials import carry_out

OWN = "reconciliation with an own position"
CYCLES = "time between reconciliations"
FOUND, GONE = "stranger's share: difference", "stranger's share: gone"

CATCHES = (
    catch("RS-08", "duplicate_execution", OWN, params={"other_ids": True}),
    catch("RS-08", "callbacks_lost", "own buy: acknowledged"),
)


@pytest.mark.parametrize("catch", CATCHES, ids=str)
async def test_each_fault_is_caught(caught: Caught, catch: Catch) -> None:
    await caught(catch)


async def test_passes_on_a_sound_gateway_and_leaves_it_flat(run_scenario: Run) -> None:
    outcome = await run_scenario("RS-08")
    assert (outcome.state, outcome.failed, outcome.ending.reason) == ("PASSED", set(), "")
    assert outcome.cleaned is not None
    assert (outcome.cleaned.ok, list(outcome.cleaned.closed.values())) == (True, [1.0])
    await _check_record(outcome)


async def test_passes_a_second_time_in_the_same_session(run_scenario: Run) -> None:
    async def before(trial: Trial) -> None:
        first = replace(trial, checks=[], metrics=[], notes=[], windows=[], alerts=[])
        ending = await carry_out(catalogue.load().get("RS-08"), first)
        assert (ending.state, ending.reason) == ("PASSED", "")
        assert (await gateway.cleanup(trial.desk, trial.ref)).ok

    outcome = await run_scenario("RS-08", prepare=before)
    assert (outcome.state, outcome.failed, outcome.ending.reason) == ("PASSED", set(), "")


async def _check_record(outcome: Outcome) -> None:
    """What stands on record: the runs, both differences settled, rows beside the record."""
    ref = outcome.trial.ref
    runs = ReconciliationRun.objects.filter(scope=ref).values_list("occasion", "state")
    assert [run async for run in runs] == [
        ("START", "CLEAN"),
        ("ON_DEMAND", "CLEAN"),
        ("DRILL", "DIFFS"),
        ("DRILL", "CLEAN"),
        ("DRILL", "DIFFS"),
        ("DRILL", "CLEAN"),
    ]
    diffs = ReconciliationDiff.objects.filter(scope=ref).values_list("kind", "state", "drill")
    assert [diff async for diff in diffs] == [
        ("FOREIGN_POSITION", "RESOLVED", True),
        ("PHANTOM", "EXPLAINED", True),
    ]
    assert [row.quantity async for row in Correction.objects.filter(scope=ref)] == [1, -1]
    assert await OrderRecord.objects.filter(ref=f"{ref}/outside").acount() == 2


@pytest.mark.parametrize(
    "fault",
    ["execution_lost", "execution_corrected", "open_orders_repeated", "status_goes_back",
     "pending_commission"],
)  # fmt: skip
async def test_what_asking_brings_is_no_difference(run_scenario: Run, fault: str) -> None:
    outcome = await run_scenario("RS-08", catch=catch("RS-08", fault))
    assert (outcome.state, outcome.failed) == ("PASSED", set())


async def test_positions_that_are_never_read_anew_are_found_out(
    run_scenario: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reconciliation that believes its own ledger sees no stranger."""
    kept: list[Position] = []
    read = Desk.positions

    async def once(self: Desk) -> list[Position]:
        rows = await read(self)
        if not kept and rows:
            kept.extend(rows)
        return list(kept)

    monkeypatch.setattr(Desk, "positions", once)
    outcome = await run_scenario("RS-08", config={"thresholds": {"position_lag_seconds": 0.9}})
    assert FOUND in outcome.failed


async def test_a_door_that_does_not_ask_is_found_out(
    run_scenario: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("brokerage.safety.refuse_unreconciled", lambda grant: None)
    outcome = await run_scenario("RS-08")
    assert outcome.failed == {"stranger's share: opening orders"}


@pytest.mark.parametrize(
    ("silent", "failed"),
    [("FOREIGN_POSITION", "stranger's share: alert"), ("PHANTOM", "phantom: alert")],
)
async def test_a_difference_that_nobody_is_told_of_is_found_out(
    run_scenario: Run, monkeypatch: pytest.MonkeyPatch, silent: str, failed: str
) -> None:
    """Each leg needs an alert of its own; that of the other says nothing of it."""
    tell = reconciliation._tell

    def told(run: ReconciliationRun, opened: list[ReconciliationDiff], still: int) -> None:
        tell(run, [diff for diff in opened if diff.kind != silent], still + len(opened))

    monkeypatch.setattr(reconciliation, "_tell", told)
    outcome = await run_scenario("RS-08")
    assert outcome.failed == {failed}


async def test_a_history_that_was_edited_is_found_out(
    run_scenario: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = reconciling._history

    async def edited() -> dict[str, str]:
        rows = await history()
        return {name: f"{digest}{len(rows)}" for name, digest in rows.items()}

    monkeypatch.setattr(reconciling, "_history", edited)
    outcome = await run_scenario("RS-08")
    assert outcome.failed == {"rows of the history"}


@pytest.mark.parametrize(("ago", "failed"), [(2.0, False), (19.0, True)])
async def test_books_that_the_watch_has_left_alone_for_more_than_a_minute_are_found_out(
    run_scenario: Run, ago: float, failed: bool
) -> None:
    """At 25 times the speed: 50 and 475 seconds, of which 400 are the machine's own."""
    outcome = await run_scenario("RS-08", compared=ago)
    assert outcome.failed == ({CYCLES} if failed else set())


async def test_a_session_whose_watch_compares_nothing_is_found_out(run_scenario: Run) -> None:
    outcome = await run_scenario("RS-08", compared=None)
    assert outcome.failed == {CYCLES}
