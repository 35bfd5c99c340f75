"""What happened to an order is written once, also when nobody heard of the commit."""

import pytest
from django.db import OperationalError
from django.utils import timezone

from brokerage.clock import SessionClock
from brokerage.gateway import SIMULATED, Contract, Intent, OrderState, Target, journal
from brokerage.gateway.tickets import Change, Event, Ticket
from brokerage.models import OrderEvent
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
