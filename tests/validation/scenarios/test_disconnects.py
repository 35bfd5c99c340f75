"""RS-06: a lost line is survived; each way in which that may go wrong fails its own check."""

from typing import Any

import pytest
from asgiref.sync import sync_to_async

from brokerage import kill
from brokerage.gateway import Ticket
from brokerage.models import KillSwitch, OrderRecord
from tests.haste import LoopTime
from tests.validation.scenarios.catches import Catch, catch
from tests.validation.scenarios.conftest import Caught, Run
from validation.scenarios import disconnects, trial
from validation.scenarios.trial import Trial

KNOWN, ENDED = "own order after the reconnect", "own order at the end"
RECONCILED = "reconciliation after the reconnect"
AT_BROKER = "own orders at the broker"
# After the broker's books were read, which follows the loss at once, and before the way back.
WHILE_AWAY = {"seconds": disconnects.AWAY_S - 0.5}

CATCHES = (
    catch("RS-06", "client_id_stuck", "reconnected"),
    catch("RS-06", "orders_not_listed", KNOWN, RECONCILED, AT_BROKER, also=("orders after it",)),
    catch("RS-06", "rejected_silently", KNOWN, params=WHILE_AWAY, speed=5.0),
    catch("RS-06", "stale_after_reconnect", "quotes after the reconnect"),
    catch("RS-06", "cancel_not_found", ENDED, f"{AT_BROKER} at the end"),
    catch("RS-06", "cancel_fill_race", ENDED),
    catch("RS-06", "late_fill_after_cancelled", ENDED),
    catch("RS-06", "callbacks_lost", "far buy: acknowledged"),
    catch("RS-06", "disconnect_mid_order", "far buy: acknowledged"),
)


@pytest.fixture(autouse=True)
def _one_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The outage is compared with the times of day at which it was provoked."""
    monkeypatch.setattr(trial, "datetime", LoopTime)


@pytest.mark.parametrize("catch", CATCHES, ids=str)
async def test_each_fault_is_caught(caught: Caught, catch: Catch) -> None:
    await caught(catch)


async def test_passes_on_a_sound_gateway_and_leaves_it_flat(sound: Run) -> None:
    outcome = await sound("RS-06")
    assert (outcome.state, outcome.failed, outcome.ending.reason) == ("PASSED", set(), "")
    assert outcome.cleaned is not None
    assert (outcome.cleaned.ok, outcome.cleaned.closed) == (True, {})
    assert outcome.measured["outage_s"] >= disconnects.AWAY_S


async def test_its_loss_is_planned_and_alerts_people(sound: Run) -> None:
    outcome = await sound("RS-06")
    lost = [note for note in outcome.trial.notes if note.text.startswith("Disconnected")]
    assert [note.planned for note in lost] == [True]
    assert outcome.trial.alerts == [disconnects.LossListener.TITLE]


async def test_the_switch_stays_armed_and_one_order_was_sent(run_scenario: Run) -> None:
    outcome = await run_scenario("RS-06")
    assert (await sync_to_async(KillSwitch.current)()).armed
    assert len(outcome.gateway.orders_received()) == 1
    states = OrderRecord.objects.filter(ref=outcome.trial.ref).values_list("state", flat=True)
    assert sorted([state async for state in states]) == ["CANCELLED", "REFUSED"]


async def test_a_triggered_switch_is_told(run_scenario: Run) -> None:
    async def later(trial: Trial) -> None:
        raise_alert = trial.raise_alert

        async def and_trigger(*args: Any) -> None:
            await raise_alert(*args)
            await sync_to_async(kill.trigger)("test", "the rule did not know of the window")

        trial.raise_alert = and_trigger

    outcome = await run_scenario("RS-06", prepare=later)
    assert {"kill switch", "orders after it"} <= outcome.failed


async def test_an_account_that_is_live_after_the_loss_halts(run_scenario: Run) -> None:
    async def later(trial: Trial) -> None:
        async def turn_live(*args: Any) -> None:
            trial.shared["gateway"].levers.accounts = ("U1234567",)

        trial.raise_alert = turn_live

    outcome = await run_scenario("RS-06", prepare=later)
    assert (outcome.state, outcome.ending.halted) == ("ERROR", True)
    assert "U1234567" in outcome.ending.reason
    assert not (await sync_to_async(KillSwitch.current)()).armed


@pytest.mark.parametrize(
    ("broken", "check"),
    [
        ("lost", "own order during the loss"),
        ("resolve", KNOWN),
    ],
)
async def test_a_client_that_forgets_its_orders_is_found_out(
    run_scenario: Run, monkeypatch: pytest.MonkeyPatch, broken: str, check: str
) -> None:
    monkeypatch.setattr(Ticket, broken, lambda self, *args, **kwargs: None)
    outcome = await run_scenario("RS-06")
    assert check in outcome.failed


async def test_a_rule_that_never_trips_is_found_out(
    run_scenario: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disconnects, "connection_problem", lambda losses: "")
    outcome = await run_scenario("RS-06")
    assert outcome.failed == {"rule for 61 s, not planned"}


async def test_orders_that_leave_before_everything_is_read_are_found_out(
    run_scenario: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("brokerage.safety.refuse_unreconciled", lambda grant: None)
    outcome = await run_scenario("RS-06")
    assert outcome.failed == {"orders before everything is read"}


async def test_a_loss_whose_window_is_not_kept_is_found_out(
    run_scenario: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Trial, "window", lambda *_: None)
    outcome = await run_scenario("RS-06")
    assert "rule for this loss, planned" in outcome.failed
