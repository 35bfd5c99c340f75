"""Tickets and corrected, doubled or early reports: each execution counts once, as it stands."""

import pytest

from brokerage.broker import CommissionNote, OpenNote
from brokerage.executions import execution_revision, execution_root, standing
from brokerage.gateway import Fill, OrderState
from tests.brokerage.port.test_tickets import NOW, kinds, message, status, ticket


def report(
    exec_id: str, quantity: float = 1, price: float = 10, commission: float | None = None
) -> Fill:
    return Fill(exec_id, 5, 210, 77, "s1", 1, "SPY", "BUY", quantity, price, NOW, commission, "USD")


@pytest.mark.parametrize(
    ("exec_id", "root", "revision"),
    [("0000e0d5.5f1a.01.02", "0000e0d5.5f1a.01", 2), ("e1", "e1", 0), ("a.b", "a.b", 0)],
)
def test_the_last_part_of_an_id_counts_corrections(exec_id: str, root: str, revision: int) -> None:
    assert (execution_root(exec_id), execution_revision(exec_id)) == (root, revision)


def test_of_each_execution_the_newest_report_stands() -> None:
    reports = [report("a.1.02"), report("a.1.01"), report("b.1.01"), report("b.1.10")]
    assert [one.exec_id for one in standing(reports)] == ["a.1.02", "b.1.10"]


def test_a_correction_replaces_and_does_not_add() -> None:
    made = ticket(2)
    made.hear_fill(report("a.1.01", 2, 10))
    made.hear_fill(report("a.1.02", 2, 11))
    assert (made.filled, made.avg_price, len(made.fills)) == (2, 11, 1)
    assert kinds(made).count("FILL") == kinds(made).count("CORRECTED") == 1


def test_the_report_before_a_correction_does_not_come_back() -> None:
    made = ticket(2)
    made.hear_fill(report("a.1.02", 2, 11))
    made.hear_fill(report("a.1.01", 2, 10))
    assert (made.filled, made.avg_price) == (2, 11)


def test_a_correction_may_take_a_part_away() -> None:
    made = ticket(5)
    made.hear_fill(report("a.1.01", 3))
    made.hear_fill(report("a.1.02", 2))
    assert (made.filled, made.remaining) == (2, 3)


def test_a_correction_after_a_cancel_is_no_late_fill() -> None:
    made = ticket(5)
    made.hear_fill(report("a.1.01", 3))
    made.move(OrderState.CANCELLED)
    made.hear_fill(report("a.1.02", 3, 11))
    assert not made.late_fill


def test_a_commission_that_came_first_is_not_lost() -> None:
    made = ticket()
    made.hear_commission(CommissionNote("a.1.01", 1.0, "USD", None))
    assert made.commission is None
    made.hear_fill(report("a.1.01", commission=1.0))
    assert made.commission == 1.0


def test_the_commission_of_a_corrected_execution_counts_once() -> None:
    made = ticket()
    made.hear_fill(report("a.1.01", commission=1.0))
    made.hear_fill(report("a.1.02", commission=1.0))
    assert made.commission == 1.0


@pytest.mark.parametrize("word", ["PendingSubmit", "ApiPending"])
def test_an_order_that_was_not_sent_on_is_not_acknowledged(word: str) -> None:
    made = ticket()
    made.hear_open(OpenNote(5, 210, 77, word))
    made.hear_status(status(word))
    assert (made.status, made.acked_ms) == (OrderState.SUBMITTING, None)


def test_a_change_that_was_refused_leaves_no_reason_behind() -> None:
    made = ticket()
    made.hear_status(status("Submitted"))
    made.hear_message(message(201, "Order rejected - reason:Cannot modify this order."))
    made.resolve(is_open=True)
    made.cancel_sent()
    made.resolve(is_open=False)
    assert (made.status, made.reason) == (OrderState.CANCELLED, "")
