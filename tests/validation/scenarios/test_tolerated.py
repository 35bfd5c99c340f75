"""Faults that harm nothing here: the scenario passes, and the gateway's records prove it right."""

from collections.abc import Callable

import pytest

from brokerage.models import Commission, Execution
from brokerage.simulator.server import Gateway
from tests.validation.scenarios.conftest import Outcome, Run
from tests.validation.scenarios.tolerances import (
    Tolerated,
    Unused,
    booked,
    left,
    repeats,
    sent,
    told,
    tolerate,
    traded,
)
from validation.scenarios import catalogue, stability

PENDING = -1.0


def notified(gateway: Gateway) -> bool:
    """Whether notice 10349 went out."""
    return any(message.code == 10349 for message in told(gateway, "Error"))


def went_back(gateway: Gateway) -> bool:
    """Whether an order was told as filled, and then as not filled."""
    filled: set[int] = set()
    for status in told(gateway, "OrderStatus"):
        if status.filled:
            filled.add(status.order_id)
        elif status.order_id in filled:
            return True
    return False


def never_told_as_filled(gateway: Gateway) -> bool:
    """Whether there are executions of an order whose status never told of them."""
    filled = {message.order_id for message in told(gateway, "OrderStatus") if message.filled}
    return bool({message.order_id for message in told(gateway, "ExecDetails")} - filled)


def overtaken(one: str, other: str, by: float = 0.0) -> Callable[[Gateway], bool]:
    """Return whether the first message of one kind goes out before that of another, by seconds."""

    def struck(gateway: Gateway) -> bool:
        out = [frame for frame in gateway.transcript if frame.direction == "out"]
        names = [frame.name for frame in out]
        before, after = names.index(one), names.index(other)
        return before < after and out[after].at - out[before].at >= by

    return struck


def pending(gateway: Gateway) -> bool:
    """Whether a commission was told as not known yet."""
    return any(message.commission == PENDING for message in told(gateway, "CommissionReport"))


def corrected(gateway: Gateway) -> bool:
    """Whether an execution was reported under the id of a correction."""
    return any(message.exec_id.endswith(".02") for message in told(gateway, "ExecDetails"))


def odd_lots(gateway: Gateway) -> bool:
    """Whether sizes of less than one share were told."""
    return any(0 < message.size < 1 for message in told(gateway, "TickSize"))


def in_pieces(gateway: Gateway) -> bool:
    """Whether something went out that is longer than a piece: openOrder has 130 fields."""
    return bool(told(gateway, "OpenOrder"))


TOLERATED = (
    tolerate("OE-02", "preset_notice", "the notice is no rejection; the fill counts", notified),
    tolerate(
        "OE-02", "status_flood", "each order and fill is kept once",
        lambda gateway: repeats(gateway, "OrderStatus"),
    ),
    tolerate(
        "OE-02", "status_goes_back", "executions count, not the last status", went_back,
        params={"seconds": 0.2},
    ),
    tolerate(
        "OE-03", "open_orders_repeated", "open orders are told apart by their ids",
        lambda gateway: repeats(gateway, "OpenOrder"),
    ),
    tolerate(
        "OE-02", "execution_without_status", "executions that add up end the order",
        never_told_as_filled,
    ),
    tolerate(
        "OE-02", "commission_before_execution", "executions are read again for the commission",
        overtaken("CommissionReport", "ExecDetails"),
    ),
    tolerate(
        "OE-02", "execution_before_order", "an execution of an own order counts at once",
        overtaken("ExecDetails", "OpenOrder"),
    ),
    tolerate(
        "OE-02", "duplicate_execution", "an execution id counts once",
        lambda gateway: repeats(gateway, "ExecDetails"),
    ),
    tolerate("OE-01", "pending_commission", "−1 is waited out as not known yet", pending),
    tolerate(
        "OE-01", "late_commission", "the commission is waited for, then asked for",
        overtaken("ExecDetails", "CommissionReport", by=4.0), params={"seconds": 5.0},
    ),
    tolerate(
        "OE-02", "execution_corrected", "a correction replaces what it corrects", corrected,
        params={"seconds": 0.1},
    ),
    tolerate("MD-01", "fractional_sizes", "sizes are decimals, and no price", odd_lots),
    tolerate("OE-02", "split_frames", "TCP may cut anywhere; frames are put together", in_pieces),
)  # fmt: skip

UNUSED = (
    *(
        Unused(fault, "real-time bars are never requested", sent("ReqRealTimeBars"))
        for fault in ("bars_missing", "bars_late", "bars_duplicated", "bars_busted")
    ),
    Unused(
        "history_updates_stop",
        "historical bars are read once, never kept up to date",
        sent("ReqHistoricalData", keep_up_to_date=True),
    ),
)


@pytest.mark.parametrize("tolerated", TOLERATED, ids=str)
async def test_the_scenario_passes_and_its_ledger_is_the_gateway_s(
    run_scenario: Run, tolerated: Tolerated
) -> None:
    catch = tolerated.catch
    outcome = await run_scenario(catch.scenario, config=catch.config, catch=catch)
    assert tolerated.struck(outcome.gateway), "the fault was never there"
    assert (outcome.state, outcome.failed) == ("PASSED", set())
    await _prove(outcome)


async def _prove(outcome: Outcome) -> None:
    gateway = outcome.gateway
    rows = [row async for row in Execution.objects.all()]
    assert booked(rows) == traded(gateway)
    assert left(gateway) == []
    costs = [row.amount async for row in Commission.objects.all()]
    assert PENDING not in costs


@pytest.mark.parametrize("scenario", [row.id for row in catalogue.load().core()])
async def test_no_scenario_asks_for_it(
    run_scenario: Run, scenario: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stability, "LONG_S", 75.0)
    config = {"thresholds": {"stream_quality_seconds": 10}}
    outcome = await run_scenario(scenario, config=config)
    met = [row.name for row in UNUSED if any(map(row.asks, outcome.gateway.transcript))]
    assert met == []
