"""Faults of orders, changes, cancels and reports: which checks of order scenarios they fail."""

from typing import Any

import pytest

from tests.validation.scenarios.catches import Catch, catch
from tests.validation.scenarios.conftest import Caught

IMPATIENT: dict[str, Any] = {
    "thresholds": {"order_ack_seconds": 0.9, "order_fill_timeout_seconds": 0.9}
}
# The acknowledgement comes, and may take its time on a busy machine.
UNFILLED: dict[str, Any] = {"thresholds": {"order_fill_timeout_seconds": 0.9}}
CANCEL_IMPATIENT: dict[str, Any] = {"thresholds": {"cancel_timeout_seconds": 0.9}}
FILLS: dict[str, Any] = {"thresholds": {"commission_timeout_seconds": 0.9}}
LEDGER = "own ledger equals the broker"
BEFORE, AFTER = "before the cancel", "after the cancel"
LISTED, LATE, FILLED = (
    "among the broker's open orders", "executions after the cancel", "filled quantity",
)  # fmt: skip


def bought(fault: str, *checks: str, **more: Any) -> Catch:
    """A catch by OE-01, which waits no longer than it must."""
    return catch("OE-01", fault, *checks, **({"config": IMPATIENT} | more))


def resting(fault: str, *checks: str, **more: Any) -> Catch:
    """A catch by OE-03, whose order rests and is cancelled."""
    return catch("OE-03", fault, *checks, **more)


CATCHES = (
    bought("order_without_callback", "buy: acknowledged"),
    bought("pending_submit_forever", "buy: acknowledged"),
    bought("callbacks_lost", "buy: acknowledged"),
    bought("disconnect_mid_order", "buy: acknowledged"),
    bought("disconnect_mid_order", "buy: acknowledged", params={"lost": True}),
    bought("slow_acknowledgements", "buy: acknowledged", params={"median": 200.0, "most": 300.0}),
    bought("inactive_without_error", "buy: filled", config=UNFILLED),
    bought("held_for_locate", "buy: filled", params={"seconds": 900.0}, config=UNFILLED),
    bought("partial_fills", "executions", params={"most": 0.5}, config={}),
    bought("wrong_multiplier", "multiplier of the contract"),
    bought("missing_commission", "commission", config=FILLS),
    bought(
        "duplicate_execution", "filled quantity", "executions", "commission",
        params={"other_ids": True}, config=FILLS,
    ),
    catch("OE-02", "execution_lost", LEDGER),
    catch("OE-02", "filled_before_execution", LEDGER, params={"seconds": 60.0}),
    catch("OE-02", "duplicate_execution", LEDGER, params={"other_ids": True}),
    catch(
        "OE-02", "position_changed_elsewhere", "other positions",
        when={"message": "PlaceOrder", "direction": "in"},
    ),
    catch("OE-04", "wrong_multiplier", "multiplier of the contract"),
    catch("OE-04", "late_fill_after_cancelled", "leg B, far offer", also=("leg B",)),
    resting("rejected_silently", BEFORE, AFTER),
    resting("rejected_after_acknowledgement", BEFORE, AFTER),
    resting("inactive_without_error", BEFORE, AFTER),
    resting("orders_not_listed", BEFORE),
    resting("held_for_locate", BEFORE),
    resting("cancel_not_found", AFTER, LISTED, config=CANCEL_IMPATIENT),
    resting(
        "cancel_answered_late", AFTER, LISTED, params={"seconds": 300.0}, config=CANCEL_IMPATIENT
    ),
    resting("cancel_fill_race", AFTER, LATE, FILLED),
    resting("late_fill_after_cancelled", LATE, FILLED, also=(AFTER,)),
    resting(
        "execution_before_order", "far buy: acknowledged",
        params={"seconds": 200.0}, config=IMPATIENT,
    ),
)  # fmt: skip


@pytest.mark.parametrize("catch", CATCHES, ids=str)
async def test_each_fault_is_caught(caught: Caught, catch: Catch) -> None:
    await caught(catch)
