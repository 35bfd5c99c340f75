"""A ticket's state after any order of the gateway's reports, without a gateway."""

from datetime import UTC, datetime
from typing import Any

import pytest

from brokerage.broker import CommissionNote, OpenNote, StatusNote
from brokerage.errors import classify
from brokerage.gateway import BrokerMessage, Contract, Fill, Intent, OrderState, Ticket
from brokerage.models import OrderRecord
from tests.brokerage.port.clocks import HandClock

NOW = datetime(2026, 2, 17, 15, tzinfo=UTC)


def ticket(quantity: float = 1) -> Ticket:
    intent = Intent("k", Contract(1, "SPY"), "BUY", quantity, limit_price=10)
    made = Ticket(OrderRecord(order_id=5, client_id=210), intent, HandClock())
    made.status = OrderState.SUBMITTING
    made.sent(made.clock.wall_ms())
    return made


def status(word: str, filled: float = 0, price: float = 0) -> StatusNote:
    return StatusNote(5, 210, 77, word, filled, 1 - filled, price, "")


def fill(number: int, quantity: float = 1, price: float = 10) -> Fill:
    return Fill(f"e{number}", 5, 210, 77, "s1", 1, "SPY", "BUY", quantity, price, NOW)


def message(code: int, text: str = "") -> BrokerMessage:
    return BrokerMessage(NOW, code, text, 5, classify(code, text, has_order_id=True))


def kinds(made: Ticket) -> list[str]:
    return [event.kind for event in made.events]


def doubts(made: Ticket) -> list[float]:
    found: list[float] = []
    made.on_doubt = lambda ticket, wait: found.append(wait)
    return found


def test_the_first_word_acknowledges_the_order() -> None:
    made = ticket()
    made.hear_open(OpenNote(5, 210, 77, "PreSubmitted"))
    assert made.status is OrderState.SUBMITTED
    assert made.acked_ms is not None
    assert made.perm_id == 77


@pytest.mark.parametrize("first", ["status", "fill"])
def test_filled_and_execution_may_come_in_either_order(first: str) -> None:
    made, steps = ticket(), {"status": lambda: made.hear_status(status("Filled", 1, 10))}
    steps["fill"] = lambda: made.hear_fill(fill(1))
    for step in sorted(steps, key=lambda name: name != first):
        steps[step]()
    assert (made.status, made.filled, made.avg_price) == (OrderState.FILLED, 1, 10)
    assert kinds(made).count("FILLED") == 1
    assert kinds(made)[0] == "SUBMITTED"


def test_partial_fills_are_weighted() -> None:
    made = ticket(10)
    made.hear_fill(fill(1, 3, 10))
    assert (made.status, made.remaining) == (OrderState.PARTIAL, 7)
    made.hear_fill(fill(2, 7, 11))
    assert (made.status, made.filled) == (OrderState.FILLED, 10)
    assert made.avg_price == pytest.approx(10.7)


def test_a_repeated_execution_counts_once() -> None:
    made = ticket(2)
    made.hear_fill(fill(1))
    made.hear_fill(fill(1))
    assert made.filled == 1


def test_commission_is_known_when_each_fill_has_its_own() -> None:
    made = ticket(2)
    made.hear_fill(fill(1))
    made.hear_fill(fill(2))
    made.hear_commission(CommissionNote("e1", 1.0, "USD", None))
    made.hear_commission(CommissionNote("e1", 1.0, "USD", None))
    made.hear_commission(CommissionNote("other", 9.0, "USD", None))
    assert made.commission is None
    made.hear_commission(CommissionNote("e2", 0.5, "USD", None))
    assert made.commission == 1.5


def test_cancelled_is_doubted_first() -> None:
    made = ticket()
    found = doubts(made)
    made.hear_status(status("Submitted"))
    made.cancel_sent()
    made.hear_status(status("Cancelled"))
    assert (made.status, found) == (OrderState.CANCEL_PENDING, [2.0])
    made.resolve(is_open=False)
    assert made.status is OrderState.CANCELLED


def test_a_preset_notice_does_not_end_an_order() -> None:
    made = ticket()
    made.hear_status(status("Submitted"))
    made.hear_message(message(10349, "Order TIF was set to DAY based on order preset."))
    made.hear_message(message(399, "Warning: your order will not be placed until the open."))
    assert made.status is OrderState.SUBMITTED
    assert kinds(made).count("MESSAGE") == 2


def test_an_error_before_the_first_word_is_a_rejection() -> None:
    made = ticket()
    made.hear_message(message(201, "Order rejected - reason: margin"))
    assert (made.status, made.reason, made.text) == (
        OrderState.REJECTED,
        "201",
        "Order rejected - reason: margin",
    )


@pytest.mark.parametrize(("is_open", "state"), [(True, "SUBMITTED"), (False, "REJECTED")])
def test_an_error_on_a_working_order_is_looked_into(is_open: bool, state: str) -> None:
    made = ticket()
    found = doubts(made)
    made.hear_status(status("Submitted"))
    made.hear_message(message(110, "The price does not conform."))
    assert (made.status, found) == (OrderState.SUBMITTED, [0.5])
    made.resolve(is_open=is_open)
    assert made.status.value == state


def test_a_cancel_that_is_too_late_is_looked_into() -> None:
    made = ticket()
    found = doubts(made)
    made.hear_status(status("Submitted"))
    made.cancel_sent()
    made.hear_message(message(10148, "cannot be cancelled, state: Filled."))
    assert found == [1.0]
    made.hear_fill(fill(1))
    assert made.status is OrderState.FILLED
    assert "CANCEL_REFUSED" in kinds(made)


def test_cancelled_with_a_part_filled_keeps_the_part() -> None:
    made = ticket(10)
    made.hear_fill(fill(1, 3))
    made.cancel_sent()
    made.hear_message(message(202, "Order Canceled - reason:"))
    made.resolve(is_open=False)
    assert (made.status, made.filled) == (OrderState.CANCELLED, 3)


def test_inactive_is_looked_into_and_ends_as_rejected() -> None:
    made = ticket()
    found = doubts(made)
    made.hear_status(status("Inactive"))
    assert found == [0.5]
    made.resolve(is_open=False)
    assert made.status is OrderState.REJECTED


def test_a_lost_order_is_found_again() -> None:
    made = ticket(2)
    made.hear_fill(fill(1))
    made.lost("gone")
    assert made.status is OrderState.UNKNOWN
    made.resolve(is_open=True)
    assert made.status is OrderState.PARTIAL
    made.hear_fill(fill(2))
    made.resolve(is_open=False)
    assert made.status is OrderState.FILLED


def test_a_lost_order_that_was_filled_meanwhile_is_filled() -> None:
    made = ticket()
    made.lost("gone")
    made.filled = 1
    made.resolve(is_open=False)
    assert made.status is OrderState.FILLED


@pytest.mark.parametrize("state", ["INTENT", "REFUSED", "FILLED"])
def test_what_was_never_sent_or_has_ended_is_not_lost(state: str) -> None:
    made = ticket()
    made.status = OrderState(state)
    made.lost("gone")
    assert made.status.value == state


def test_every_change_is_passed_on() -> None:
    made, told = ticket(), []
    made.on_change = lambda ticket, change: told.append(change)
    made.hear_fill(fill(1))
    made.hear_commission(CommissionNote("e1", 1.0, "USD", None))
    with_fill: list[Any] = [change for change in told if change.fill]
    with_commission: list[Any] = [change for change in told if change.commission]
    assert [len(with_fill), len(with_commission)] == [1, 1]
