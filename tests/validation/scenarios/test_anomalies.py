"""OE-05: sound gateways pass, each anomaly that goes wrong fails the leg that it is about."""

from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from brokerage import gateway
from brokerage.gateway import Ticket
from brokerage.gateway.orders import OrderBook
from brokerage.models import OrderEvent, OrderRecord
from brokerage.safety import Door
from tests.validation.scenarios.catches import Catch, catch
from tests.validation.scenarios.conftest import Caught, Outcome, Run
from validation.scenarios.trial import Trial

LEG_10, LEG_11 = "leg 10", "leg 11"
FIRST, EQUAL = "leg 11, first: rests at the broker", "leg 11, equal: rests at the broker"
WITHDRAWN = ("leg 11, first: withdrawn", "leg 11, equal: withdrawn")
CHANGE, ONE = "leg 11: change of the limit", "leg 11: orders under its id"


def anomaly(fault: str, *checks: str, **more: Any) -> Catch:
    """A catch by OE-05; what else its legs 10 and 11 say follows from it."""
    return catch("OE-05", fault, *checks, **({"also": (LEG_10, LEG_11)} | more))


CATCHES = (
    anomaly("order_without_callback", FIRST, "leg 11: orders at the broker"),
    anomaly("inactive_without_error", "leg 10: outcome", FIRST, EQUAL),
    anomaly("rejected_silently", FIRST, EQUAL, params={"seconds": 0.5}),
    anomaly("rejected_after_acknowledgement", FIRST, EQUAL, params={"seconds": 0.5}),
    anomaly("held_for_locate", FIRST, EQUAL, params={"seconds": 600.0}),
    anomaly("duplicate_after_modification", CHANGE, ONE),
    anomaly("modification_refused", CHANGE, also=()),
    anomaly("cancel_answered_late", *WITHDRAWN, params={"seconds": 300.0}),
    anomaly("cancel_not_found", *WITHDRAWN),
    anomaly("cancel_fill_race", "leg 11, first: executions", *WITHDRAWN),
    anomaly("late_fill_after_cancelled", "leg 11, first: executions", "leg 11, equal: executions"),
    anomaly("callbacks_lost", *WITHDRAWN),
    anomaly("orders_not_listed", FIRST, EQUAL, "leg 11: orders at the broker"),
    anomaly(
        "duplicate_execution", "leg 11, equal order: order is sent", params={"other_ids": True}
    ),
)


def largest(outcome: Outcome) -> float:
    """The quantity of the largest order that was not merely asked about."""
    orders = [received.order for received in outcome.gateway.orders_received()]
    return max(order.quantity for order in orders if not order.what_if)


@pytest.mark.parametrize("catch", CATCHES, ids=str)
async def test_each_fault_is_caught(caught: Caught, catch: Catch) -> None:
    await caught(catch)


async def test_passes_on_a_sound_gateway_in_four_legs_and_leaves_it_flat(sound: Run) -> None:
    outcome = await sound("OE-05")
    assert (outcome.state, outcome.failed, outcome.ending.reason) == ("PASSED", set(), "")
    legs = {name: value for name, value in outcome.measured.items() if name.startswith("leg_")}
    assert legs == {f"leg_{leg}_passed": 1.0 for leg in (8, 9, 10, 11)}
    assert outcome.cleaned is not None
    assert outcome.cleaned.ok


@pytest.mark.parametrize(
    "fault",
    ["preset_notice", "status_flood", "status_goes_back", "open_orders_repeated", "partial_fills",
     "execution_corrected", "filled_before_execution", "execution_without_status"],
)  # fmt: skip
async def test_what_a_good_client_bears_is_borne(run_scenario: Run, fault: str) -> None:
    outcome = await run_scenario("OE-05", catch=catch("OE-05", fault))
    assert (outcome.state, outcome.failed) == ("PASSED", set())


async def test_ten_times_the_buying_power_is_never_transmitted(sound: Run) -> None:
    outcome = await sound("OE-05")
    assert largest(outcome) <= 2
    assert outcome.measured["reject_code"] == 201
    refused = await OrderRecord.objects.filter(ref=outcome.trial.ref, state="REFUSED").afirst()
    assert refused is None or refused.reason


async def test_a_door_that_lets_it_through_fails_leg_8_and_nothing_is_sent(
    run_scenario: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = Door.check

    async def careless(self: Door, intent: Any, desk: Any) -> Any:
        return None if intent.quantity > 100 else await check(self, intent, desk)

    monkeypatch.setattr(Door, "check", careless)
    outcome = await run_scenario("OE-05")
    assert outcome.failed == {"leg 8: pre-trade check"}
    assert largest(outcome) <= 2


async def test_one_broken_leg_does_not_silence_the_others(
    run_scenario: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_answer(*args: Any) -> Any:
        raise gateway.FaultRefused("nothing")

    monkeypatch.setattr("brokerage.gateway.desk.trading.what_if", no_answer)
    outcome = await run_scenario("OE-05")
    assert outcome.failed == {"leg 8: gateway answers"}
    assert outcome.measured["leg_8_passed"] == 0
    assert outcome.measured["leg_11_passed"] == 1


async def test_a_client_that_believes_a_notice_is_found_out(
    run_scenario: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the fault preset_notice is for: taking 10349 for the end of the order."""
    hear = Ticket.hear_message

    def believes(self: Ticket, message: Any) -> None:
        hear(self, message)
        if message.code == 10349:
            self.move(gateway.OrderState.CANCELLED)

    monkeypatch.setattr(Ticket, "hear_message", believes)
    outcome = await run_scenario("OE-05", catch=catch("OE-05", "preset_notice"))
    assert {FIRST, EQUAL} <= outcome.failed


async def test_an_order_that_leaves_twice_is_found_out(
    run_scenario: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, calls = OrderBook.place, count()

    async def forgetful(self: OrderBook, intent: Any, *more: Any) -> Ticket:
        return await place(self, replace(intent, key=f"{intent.key}-{next(calls)}"), *more)

    monkeypatch.setattr(OrderBook, "place", forgetful)
    outcome = await run_scenario("OE-05")
    assert "leg 11: ids of one order sent twice" in outcome.failed


async def test_a_ledger_that_counts_a_part_twice_is_found_out(
    run_scenario: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def double(trial: Trial) -> None:
        monkeypatch.setattr("validation.scenarios.trading.standing", lambda rows: [*rows, *rows])

    outcome = await run_scenario("OE-05", prepare=double)
    assert "leg 9, cancelled: ledger after a part" in outcome.failed
    assert await OrderEvent.objects.filter(kind="PARTIAL").aexists()
