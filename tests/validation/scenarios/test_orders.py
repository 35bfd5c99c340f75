"""Order execution: sound gateways pass, and each fault turns the check that guards against it."""

from dataclasses import replace
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from brokerage import kill, safety
from brokerage.gateway import Door, Intent, Ticket
from brokerage.models import Execution, OrderGrant, OrderRecord
from brokerage.terms import Summary
from tests.validation.scenarios.conftest import Outcome, Run
from validation.scenarios import orders
from validation.scenarios.trading import Rung, Trader, close_by_ladder, on_tick
from validation.scenarios.trial import Trial


def limits(**thresholds: float) -> dict[str, Any]:
    return {"thresholds": thresholds}


@pytest.mark.parametrize("scenario", ["OE-01", "OE-02", "OE-03"])
async def test_passes_on_a_sound_gateway_and_leaves_it_flat(sound: Run, scenario: str) -> None:
    outcome = await sound(scenario)
    assert (outcome.failed, outcome.ending.reason) == (set(), "")
    assert outcome.state == "PASSED"
    assert outcome.cleaned is not None
    assert outcome.cleaned.ok


@pytest.mark.parametrize(
    ("scenario", "levers", "checks"),
    [
        ("OE-01", {"no_ack": True, "config": limits(order_ack_seconds=0.9)}, {"buy: acknowledged"}),
        (
            "OE-01",
            {"disconnect_on_order": True, "config": limits(order_ack_seconds=0.9)},
            {"buy: acknowledged"},
        ),
        (
            "OE-01",
            {"no_fill": True, "config": limits(order_fill_timeout_seconds=0.9)},
            {"buy: filled"},
        ),
        ("OE-01", {"fill_above_limit": True}, {"fill price"}),
        ("OE-01", {"double_fill": True}, {"filled quantity", "executions"}),
        (
            "OE-01",
            {"no_commission": True, "config": limits(commission_timeout_seconds=0.9)},
            {"commission"},
        ),
        (
            "OE-01",
            {"no_execution": True, "config": limits(commission_timeout_seconds=0.9)},
            {"commission", "executions"},
        ),
        (
            "OE-02",
            {"position_lag_s": 600, "config": limits(position_lag_seconds=0.9)},
            {"change of the position", "average cost", "right", "own ledger equals the broker"},
        ),
        (
            "OE-02",
            {"position_wrong_qty": 1, "config": limits(position_lag_seconds=0.9)},
            {"change of the position", "own ledger equals the broker"},
        ),
        (
            "OE-03",
            {"cancel_ignored": True, "config": limits(cancel_timeout_seconds=0.9)},
            {"after the cancel", "among the broker's open orders"},
        ),
        (
            "OE-03",
            {"cancelled_stays_open": True, "config": limits(cancel_timeout_seconds=0.9)},
            {"after the cancel", "among the broker's open orders"},
        ),
        (
            "OE-03",
            {"fill_after_cancel": True},
            {"after the cancel", "executions after the cancel", "filled quantity"},
        ),
        (
            "OE-04",
            {"sell_never_fills": True, "config": limits(order_fill_timeout_seconds=0.9)},
            {"leg A, sale: filled", "leg A: position at the end"},
        ),
    ],
)
async def test_fails_because_of(
    run_scenario: Run, scenario: str, levers: dict[str, Any], checks: set[str]
) -> None:
    outcome = await run_scenario(scenario, **levers)
    assert (outcome.state, outcome.failed) == ("FAILED", checks)
    assert outcome.trial.critical == ("leg A: position at the end" in checks)


async def test_closing_passes_on_a_sound_gateway_and_leaves_it_flat(run_scenario: Run) -> None:
    outcome = await run_scenario("OE-04")
    assert (outcome.state, outcome.failed, outcome.ending.reason) == ("PASSED", set(), "")
    assert outcome.cleaned is not None
    assert (outcome.cleaned.ok, outcome.cleaned.closed) == (True, {})
    assert outcome.trial.alerts == ["leg C: manual intervention"]
    await _check_drill(outcome)


async def _check_drill(outcome: Outcome) -> None:
    """What was bought at the private counterpart is nobody's position: not the session's scope."""
    drill = f"drill/{outcome.trial.ref}"
    assert await OrderRecord.objects.filter(scope=drill, side="SELL").acount() == 3
    assert (await OrderGrant.objects.aget(scope=drill)).revoked_at is not None
    session = outcome.trial.ref.split("/")[0]
    own = [fill.signed async for fill in Execution.objects.filter(scope=session)]
    assert sum(own) == 0
    assert len(own) == 4


async def test_a_failed_order_scenario_is_cleaned_up(run_scenario: Run) -> None:
    outcome = await run_scenario("OE-01", fill_above_limit=True)
    assert outcome.cleaned is not None
    assert outcome.cleaned.ok
    assert list(outcome.cleaned.closed.values()) == [1.0]


async def test_a_ladder_that_finds_no_buyer_asks_for_a_person(run_scenario: Run) -> None:
    async def no_buyer_after_leg_a(trial: Trial) -> None:
        place = trial.desk.place

        async def watched(intent: Any, door: Any) -> Any:
            trial.shared["gateway"].levers.sell_never_fills = "leg B" in trial.notes[-1].text
            return await place(intent, door)

        trial.desk.place = watched  # type: ignore[method-assign]

    config = limits(position_lag_seconds=0.9)
    outcome = await run_scenario("OE-04", prepare=no_buyer_after_leg_a, config=config)
    assert outcome.failed == {"leg B: position at the end"}
    assert outcome.trial.critical
    assert outcome.trial.alerts[0] == "leg B: manual intervention"


async def test_an_order_beyond_the_shares_of_the_account_is_found_out(
    run_scenario: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a door that does not ask."""
    monkeypatch.setattr(safety, "trade_problem", lambda *_, **__: None)
    outcome = await run_scenario("OE-01", net_liquidation=5_000.0)
    assert outcome.failed == {"size of the order"}


@pytest.mark.parametrize(("left", "failed"), [(0, {"day trades left"}), (1, set()), (-1, set())])
async def test_a_day_trade_must_be_left_to_a_small_account(
    run_scenario: Run, left: int, failed: set[str]
) -> None:
    async def used_up(trial: Trial) -> None:
        read = trial.desk.account_summary

        async def counted() -> Summary:
            summary = await read()
            return replace(summary, values=summary.values | {"DayTradesRemaining": float(left)})

        trial.desk.account_summary = counted  # type: ignore[method-assign]

    outcome = await run_scenario("OE-01", net_liquidation=24_000.0, prepare=used_up)
    assert outcome.failed == failed


async def test_a_ladder_that_climbs_is_found_out_at_the_broker(run_scenario: Run) -> None:
    async def climb(trial: Trial) -> None:
        place = trial.desk.place

        async def dearer(intent: Intent, door: Door) -> Ticket:
            trial.shared["gateway"].levers.sell_never_fills = "leg B" in trial.notes[-1].text
            if "leg B, attempt 2" in trial.notes[-1].text:
                intent = replace(intent, limit_price=round(intent.limit_price * 1.5, 2))
            return await place(intent, door)

        trial.desk.place = dearer  # type: ignore[method-assign]

    config = limits(position_lag_seconds=0.9)
    outcome = await run_scenario("OE-04", prepare=climb, config=config)
    assert outcome.failed == {"leg B: price above the bid", "leg B: position at the end"}


async def test_one_sale_too_many_is_found_out(
    run_scenario: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def once_more(trader: Trader, name: str) -> list[Rung]:
        rungs = await close_by_ladder(trader, name)
        if name == "leg C":
            again = replace(rungs[-1].trade.intent, key=f"{trader.ref}/once more")
            await trader.desk.place(again, trader.door)
        return rungs

    monkeypatch.setattr(orders, "close_by_ladder", once_more)
    outcome = await run_scenario("OE-04")
    assert outcome.failed == {"leg C: sell orders at the gateway"}


async def test_without_a_test_contract_nothing_is_ordered(run_scenario: Run) -> None:
    outcome = await run_scenario("OE-01", no_bid=True)
    assert (outcome.state, outcome.trial.checks) == ("SKIPPED", [])
    assert "qualifies" in outcome.ending.reason
    assert not outcome.gateway.orders_received()


async def test_a_stale_quote_leads_to_no_order(run_scenario: Run) -> None:
    async def lose_the_bid(trial: Trial) -> None:
        await trial.test_contract()
        trial.shared["gateway"].levers.no_bid = True

    outcome = await run_scenario("OE-01", prepare=lose_the_bid)
    assert (outcome.state, len(outcome.failed)) == ("FAILED", 1)
    assert outcome.failed.pop().startswith("fresh quote of SPY")
    assert not outcome.gateway.orders_received()


async def test_a_triggered_kill_switch_lets_no_order_out(run_scenario: Run) -> None:
    async def trigger(trial: Trial) -> None:
        await sync_to_async(kill.trigger)("test", "drill")

    outcome = await run_scenario("OE-01", prepare=trigger)
    assert (outcome.state, outcome.failed) == ("FAILED", {"buy: order is sent"})
    assert not outcome.gateway.orders_received()


async def test_where_half_the_bid_is_no_price_a_share_is_used(run_scenario: Run) -> None:
    async def coarse_tick(trial: Trial) -> None:
        contract = await trial.test_contract()
        trial.shared["test_contract"] = replace(contract, min_tick=5.0)

    outcome = await run_scenario("OE-03", prepare=coarse_tick)
    (order,) = outcome.gateway.orders_received()
    assert (outcome.state, order.contract.symbol) == ("PASSED", "SPY")
    assert order.contract.sec_type == "STK"
    assert [sample.kind for sample in outcome.trial.samples] == ["STATUS"]


async def test_a_slow_cancel_only_warns(run_scenario: Run) -> None:
    outcome = await run_scenario("OE-03", config=limits(cancel_ack_ms=0.001))
    assert (outcome.state, outcome.warned) == ("PASSED", {"cancel latency"})


async def test_orders_carry_session_and_scenario_and_stay_below_the_cap(sound: Run) -> None:
    outcome = await sound("OE-02")
    bought = outcome.gateway.orders_received()[0].order
    assert (bought.ref, bought.tif) == (outcome.trial.ref, "DAY")
    cap = outcome.trial.config.test_contracts.spy_weekly_call.premium_cap
    assert bought.limit_price * 100 <= cap


@pytest.mark.parametrize(
    ("price", "tick", "result"),
    [(1.999, 0.01, 1.99), (0.004, 0.01, 0.01), (3.07, 0.05, 3.05), (0.3, 0.1, 0.3), (7, 2.5, 5.0)],
)
def test_prices_are_rounded_down_to_the_tick_and_never_to_nothing(
    price: float, tick: float, result: float
) -> None:
    assert on_tick(price, tick) == result
