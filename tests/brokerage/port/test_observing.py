"""What is kept of a look at others' orders: each thing once, and never as an own one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from brokerage.models import (
    Endpoint,
    ObservedEvent,
    ObservedExecution,
    ObservedOrder,
    OrderRecord,
)
from brokerage.observing import Look, keep, observed_books
from brokerage.terms import CompletedOrder, Fill, WorkingOrder

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
SPY = 756733
WORKING = WorkingOrder(7, 17, 42, "bot", SPY, "SPY", "BUY", 3.0, "LMT", 600.0, "Submitted")
FILL = Fill("0001.01.01", 7, 17, 42, "bot", SPY, "SPY", "BUY", 1.0, 600.0, AT)
ENDED = CompletedOrder(42, "bot", "Filled", 3.0, SPY, "SPY", "BUY", 0.0, "LMT", 600.0)
NOTHING = Look(AT, AT, (), (), (), {})


def look(endpoint: Endpoint, *looks: Look) -> None:
    for one in looks:
        keep("s1", endpoint.pk, one)


def statuses() -> list[tuple[str, float, float]]:
    rows = ObservedEvent.objects.order_by("pk")
    return list(rows.values_list("status", "filled", "quantity"))


def test_an_order_is_followed_from_its_first_sight_to_its_end(endpoint: Endpoint) -> None:
    rest = replace(FILL, exec_id="0002.01.01", quantity=2.0)
    look(
        endpoint,
        replace(NOTHING, working=(WORKING,)),
        replace(NOTHING, working=(WORKING,), fills=(FILL,)),
        replace(NOTHING, completed=(ENDED,), fills=(FILL, rest)),
    )
    assert statuses() == [("Submitted", 0, 3), ("Submitted", 1, 3), ("Filled", 3, 3)]
    order = ObservedOrder.objects.get()
    assert (order.client_id, order.order_id, order.perm_id, order.ref) == (17, 7, 42, "bot")
    assert not OrderRecord.objects.exists()


def test_the_same_look_again_adds_nothing_and_a_row_that_comes_twice_counts_once(
    endpoint: Endpoint,
) -> None:
    seen = replace(NOTHING, working=(WORKING, WORKING), fills=(FILL, FILL))
    look(endpoint, seen, seen)
    counts = ObservedOrder.objects.count(), ObservedExecution.objects.count(), len(statuses())
    assert counts == (1, 1, 1)


def test_an_order_that_was_sent_and_ended_between_two_looks_has_no_known_client(
    endpoint: Endpoint,
) -> None:
    look(endpoint, replace(NOTHING, completed=(replace(ENDED, status="Cancelled", filled=0.0),)))
    order = ObservedOrder.objects.get()
    assert order.client_id is None
    assert "unknown client" in order.whose


def test_an_execution_names_the_client_of_an_order_that_ended_at_once(endpoint: Endpoint) -> None:
    look(endpoint, replace(NOTHING, completed=(ENDED,), fills=(replace(FILL, quantity=3.0),)))
    assert ObservedOrder.objects.get().client_id == 17
    assert statuses() == [("Filled", 3, 3)]


def test_an_order_without_a_permanent_id_waits_for_the_next_look(endpoint: Endpoint) -> None:
    look(endpoint, replace(NOTHING, working=(replace(WORKING, perm_id=0),)))
    assert not ObservedOrder.objects.exists()


def test_a_change_of_the_limit_is_an_event_and_changes_no_row(endpoint: Endpoint) -> None:
    changed = replace(WORKING, limit_price=601.0)
    look(endpoint, replace(NOTHING, working=(WORKING,)), replace(NOTHING, working=(changed,)))
    limits = ObservedEvent.objects.order_by("pk").values_list("limit_price", flat=True)
    assert list(limits) == [600.0, 601.0]
    assert ObservedOrder.objects.get().limit_price == 600.0


def test_it_was_sent_after_the_look_that_had_not_shown_it(endpoint: Endpoint) -> None:
    before = AT - timedelta(seconds=1)
    look(endpoint, replace(NOTHING, working=(WORKING,), since=before))
    order = ObservedOrder.objects.get()
    assert (order.absent_at, order.seen_at) == (before, AT)


def test_what_was_there_before_moves_no_position(endpoint: Endpoint) -> None:
    later = replace(FILL, exec_id="0002.01.01", side="SELL", quantity=2.0)
    look(
        endpoint,
        replace(NOTHING, fills=(FILL,), earlier=True),
        replace(NOTHING, fills=(FILL, later)),
    )
    books, held = observed_books("s1", AT)
    assert held == {SPY: -2.0}
    assert len(books.fills) == 2
    assert ObservedOrder.objects.get().absent_at is None


def test_a_correction_replaces_its_execution_in_the_books(endpoint: Endpoint) -> None:
    corrected = replace(FILL, exec_id="0001.01.02", price=601.0)
    look(endpoint, replace(NOTHING, fills=(FILL,)), replace(NOTHING, fills=(FILL, corrected)))
    books, held = observed_books("s1", AT)
    assert held == {SPY: 1.0}
    assert [fill.price for fill in books.fills] == [601.0]
    assert ObservedExecution.objects.count() == 2


def test_a_status_of_filled_claims_executions_of_as_much(endpoint: Endpoint) -> None:
    look(endpoint, replace(NOTHING, working=(WORKING,)), replace(NOTHING, completed=(ENDED,)))
    (order,) = observed_books("s1", AT)[0].orders
    assert (order.filled, order.open) == (3.0, False)
