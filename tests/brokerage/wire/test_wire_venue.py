"""The venue without a socket: what it does depends on messages, seed and simulated time alone."""

from datetime import UTC, datetime

from brokerage.simulator.venue_floor import Session
from brokerage.tws import messages as tws
from brokerage.tws.codec import encode
from tests.brokerage.simulator.tables import SPY, Table

SUNDAY = datetime(2026, 11, 22, 15, tzinfo=UTC)
BEFORE_OPENING = datetime(2026, 11, 23, 14, 29, 50, tzinfo=UTC)
BUY = tws.Order(action="BUY", quantity=1, order_type="MKT", tif="DAY")


def played(seed: int) -> bytes:
    """A short session, as bytes."""
    table = Table(seed=seed)
    table.say(tws.ReqMktData(9, SPY, generic_ticks="233"))
    table.say(tws.ReqAccountUpdates(True, ""))
    table.wait(3)
    table.say(tws.PlaceOrder(200, SPY, BUY))
    table.say(tws.ReqHistoricalData(10, SPY, False, "", "5 mins", "1 D", True, "TRADES"))
    table.wait(5)
    return b"".join(encode(message, 178) for message in table.sent)


def test_the_same_seed_and_messages_give_the_same_bytes():
    assert played(7) == played(7)


def test_another_seed_gives_another_market():
    assert played(7) != played(8)


def test_messages_come_in_the_order_of_a_real_fill():
    table = Table()
    table.say(tws.ReqPositions())
    table.sent.clear()
    table.say(tws.PlaceOrder(200, SPY, BUY))
    table.wait(1)
    assert [type(message).__name__ for message in table.sent] == [
        "OpenOrder", "OrderStatus", "ExecDetails", "OpenOrder", "OrderStatus",
        "CommissionReport", "PositionData",
    ]  # fmt: skip


def test_an_order_on_a_sunday_is_held_with_a_warning():
    table = Table(SUNDAY, always_open=False)
    table.say(tws.PlaceOrder(200, SPY, BUY))
    table.wait(2)
    assert [message.code for message in table.told(tws.Error)][-1] == 399
    assert [message.status for message in table.told(tws.OrderStatus)] == ["PreSubmitted"]
    assert table.told(tws.OpenOrder)[0].state.status == "PreSubmitted"


def test_a_held_order_works_and_fills_at_the_opening():
    table = Table(BEFORE_OPENING, always_open=False)
    table.say(tws.PlaceOrder(200, SPY, BUY))
    table.wait(15)
    statuses = [message.status for message in table.told(tws.OrderStatus)]
    assert statuses == ["PreSubmitted", "Submitted", "Filled"]


def test_a_held_order_that_was_cancelled_stays_cancelled():
    table = Table(BEFORE_OPENING, always_open=False)
    table.say(tws.PlaceOrder(200, SPY, BUY))
    table.say(tws.CancelOrder(200))
    table.wait(15)
    assert table.told(tws.OrderStatus)[-1].status == "Cancelled"


def test_a_resting_order_fills_when_the_market_comes_to_it():
    table = Table()
    bid = table.venue.floor.market.quote(756733).bid
    order = tws.Order(action="BUY", quantity=1, order_type="LMT", limit_price=bid, tif="GTC")
    table.say(tws.PlaceOrder(200, SPY, order))
    table.wait(0.25)
    assert table.told(tws.ExecDetails) == []
    table.wait(600)
    (execution,) = table.told(tws.ExecDetails)
    assert execution.price <= bid


def test_an_execution_is_not_older_than_its_order():
    table = Table()
    table.clock.advance(0.2)
    table.say(tws.PlaceOrder(200, SPY, BUY))
    table.venue.advance()
    (execution,) = table.venue.fills.executions
    assert execution.fill.time >= execution.record.sim.submitted_at


def test_nobody_hears_after_leaving():
    table = Table()
    table.say(tws.ReqMktData(9, SPY))
    table.venue.leave(table.session)
    seen = len(table.sent)
    table.wait(5)
    assert len(table.sent) == seen


def test_queued_messages_of_a_client_that_left_do_no_harm():
    table = Table()
    for _ in range(60):
        table.say(tws.ReqCurrentTime())
    assert len(table.told(tws.CurrentTime)) == 50
    table.venue.leave(table.session)
    table.wait(1)
    assert len(table.told(tws.CurrentTime)) == 50


def test_the_farms_are_fine():
    assert [message.code for message in Table().told(tws.Error)] == [2104, 2106, 2158]


def test_a_known_client_hears_of_its_open_orders_first():
    table = Table()
    order = tws.Order(action="BUY", quantity=1, order_type="LMT", limit_price=1.0)
    table.say(tws.PlaceOrder(200, SPY, order))
    table.venue.leave(table.session)
    again: list[object] = []
    table.venue.enter(Session(1, again.append, again.clear))
    assert [type(message).__name__ for message in again][:5] == [
        "OpenOrder", "OrderStatus", "OpenOrderEnd", "ManagedAccts", "NextValidId",
    ]  # fmt: skip
