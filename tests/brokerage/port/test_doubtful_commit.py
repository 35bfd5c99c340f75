"""What happened to an order is written once, also when nobody heard of the commit."""

import pytest
from django.db import OperationalError
from django.utils import timezone

from brokerage.clock import SessionClock
from brokerage.gateway import SIMULATED, Contract, Intent, OrderState, Target, journal
from brokerage.gateway.tickets import Change, Event, Ticket
from brokerage.models import Execution, OrderEvent, OrderRecord
from brokerage.terms import Fill
from crucible.ledger.models import Entry
from tests.databases import Database
from tests.doubt import break_next_commit


@pytest.fixture
def change(database: Database) -> tuple[Ticket, Change]:
    """The end of an order that was just placed."""
    contract = Contract(756733, "SPY")
    intent = Intent("key", contract, "BUY", 1.0, limit_price=500.0, ref="s1")
    order, _ = journal.intend(intent, Target("sim", "127.0.0.1", 4002, SIMULATED), "DU1", 210)
    ticket = Ticket(order, intent, SessionClock())
    return ticket, Change(Event(timezone.now(), OrderState.CANCELLED, {"words": "Cancelled"}))


@pytest.mark.parametrize("committed", [True, False], ids=["committed", "rolled back"])
def test_an_orders_end_stands_once_whatever_became_of_the_first_try(
    change: tuple[Ticket, Change], monkeypatch: pytest.MonkeyPatch, committed: bool
) -> None:
    break_next_commit(monkeypatch, committed=committed)
    with pytest.raises(OperationalError):
        journal.write([change])
    journal.write([change], again=True)
    assert OrderEvent.objects.filter(kind="CANCELLED").count() == 1
    assert Entry.objects.filter(kind="order.cancelled").count() == 1


def test_an_end_that_somebody_else_has_written_stands(change: tuple[Ticket, Change]) -> None:
    ticket, _ = change
    theirs = OrderRecord.objects.get()
    journal.settle(theirs, OrderState.FILLED, 1.0, "")
    fill = Fill(
        exec_id="0001.01", order_id=7, client_id=210, perm_id=1, ref="s1", con_id=756733,
        symbol="SPY", side="BUY", quantity=1.0, price=500.0, at=timezone.now(),
    )  # fmt: skip
    late = [
        Change(Event(timezone.now(), "FILL", {}), fill=fill),
        Change(Event(timezone.now(), OrderState.FILLED, {})),
        Change(Event(timezone.now(), OrderState.UNKNOWN, {})),
    ]
    journal.write([(ticket, one) for one in late])
    assert OrderRecord.objects.get().state == OrderState.FILLED
    assert Entry.objects.filter(kind="order.filled").count() == 1
    assert Execution.objects.count() == 1


def test_an_end_that_somebody_else_wrote_while_the_database_was_away_stands(
    change: tuple[Ticket, Change], monkeypatch: pytest.MonkeyPatch
) -> None:
    break_next_commit(monkeypatch, committed=False)
    with pytest.raises(OperationalError):
        journal.write([change])
    journal.settle(OrderRecord.objects.get(), OrderState.CANCELLED, 0.0, "")
    journal.write([change], again=True)
    assert Entry.objects.filter(kind="order.cancelled").count() == 1


def test_an_order_that_was_called_ended_by_us_is_followed_again(
    change: tuple[Ticket, Change],
) -> None:
    ticket, _ = change
    journal.write([change])
    journal.write([(ticket, Change(Event(timezone.now(), OrderState.SUBMITTED, {})))])
    assert OrderRecord.objects.get().state == OrderState.SUBMITTED
