"""Order types that wait: stops that trail, if-touched orders, auctions, times and sessions."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokerage.simulator.listings import by_id
from brokerage.simulator.market import Quote
from brokerage.simulator.matching import Book
from brokerage.simulator.orders import Change, Fill, OrderError, SimOrder

SPY = by_id(756733)


def order(kind: str, side: str = "BUY", number: int = 1, **more) -> SimOrder:
    return SimOrder((1, number), SPY.con_id, side, more.pop("quantity", 10.0), kind, **more)


def at(price: float, time: float = 1.0, width: float = 0.02, size: float = 500.0) -> Quote:
    """A quote around the price of the last trade."""
    bid, ask = round(price - width / 2, 2), round(price + width / 2, 2)
    return Quote(SPY.con_id, bid, ask, size, size, last=price, time=time)


def play(book: Book, *prices: float, start: float = 1.0) -> list[Fill | Change]:
    """One quote after the other; all that happens."""
    events = []
    for step, price in enumerate(prices):
        events += book.match(SPY.con_id, at(price, start + step))
    return events


def submit(book: Book, *orders: SimOrder) -> None:
    for one in orders:
        book.submit(one, SPY)


def test_a_trailing_sale_follows_the_market_up_and_never_down(book):
    submit(book, order("TRAIL", "SELL", trail_amount=2.0))
    assert play(book, 680.0, 685.0, 684.0) == []
    assert book.order((1, 1)).stop_price == 683.0
    triggered, fill = play(book, 682.99, start=9.0)
    assert triggered == Change((1, 1), "triggered")
    assert fill.price == 682.98


def test_a_trailing_purchase_follows_the_market_down_by_a_percentage(book):
    submit(book, order("TRAIL", trail_percent=1.0))
    assert play(book, 690.0, 680.0, 684.0) == []
    assert book.order((1, 1)).stop_price == 686.80
    assert [type(one) for one in play(book, 686.80, start=9.0)] == [Change, Fill]


def test_a_trail_starts_at_the_stop_that_it_is_given(book):
    submit(book, order("TRAIL", "SELL", trail_amount=2.0, stop_price=684.0))
    assert len(play(book, 683.99)) == 2


def test_a_trail_without_a_trade_stays_where_it_is(book):
    submit(book, order("TRAIL", "SELL", trail_amount=2.0))
    silent = Quote(SPY.con_id, 680.0, 680.02, 9.0, 9.0, last=math.nan, time=1.0)
    assert list(book.match(SPY.con_id, silent)) == []
    assert book.order((1, 1)).stop_price == 0.0


@pytest.mark.parametrize(
    ("side", "limit", "price"), [("SELL", 682.5, 684.99), ("BUY", 687.5, 685.01)]
)
def test_a_trailing_limit_rests_at_its_offset_from_the_stop(book, side, limit, price):
    submit(book, order("TRAIL LIMIT", side, trail_amount=2.0, limit_offset=0.5))
    beyond = 670.0 if side == "SELL" else 700.0
    assert play(book, 685.0, beyond) == [Change((1, 1), "triggered")]
    assert book.order((1, 1)).limit_price == limit
    assert [one.price for one in play(book, 685.0, start=6.0)] == [price]


@given(st.lists(st.integers(60_000, 70_000), min_size=1, max_size=40), st.integers(1, 500))
def test_a_trailing_stop_moves_towards_the_market_alone(cents, distance):
    book = Book()
    submit(book, order("TRAIL", "SELL", trail_amount=distance / 100, quantity=1e6))
    stops = []
    for time, price in enumerate(cents):
        list(book.match(SPY.con_id, at(price / 100, float(time + 1))))
        stops.append(book.order((1, 1)).stop_price)
    assert stops == sorted(stops)


@pytest.mark.parametrize("kind", ["MIT", "LIT"])
@pytest.mark.parametrize(("side", "touch", "away"), [("BUY", 680.0, 690.0), ("SELL", 690.0, 680.0)])
def test_an_if_touched_order_waits_for_a_better_price(book, kind, side, touch, away):
    submit(book, order(kind, side, stop_price=touch, limit_price=touch + 1.0 * (side == "BUY")))
    assert book.order((1, 1)).why_held == "trigger"
    assert play(book, away, 685.0) == []
    assert play(book, touch, start=5.0)[0] == Change((1, 1), "triggered")
    assert book.order((1, 1)).why_held == ""


@pytest.mark.parametrize("kind", ["MOC", "LOC"])
def test_an_auction_order_is_taken_and_never_fills(book, kind):
    submit(book, order(kind, limit_price=690.0))
    assert play(book, 680.0) == []
    assert book.order((1, 1)).status == "PreSubmitted"


def test_all_or_none_waits_for_enough_size(book):
    submit(book, order("LMT", limit_price=690.0, quantity=600.0, all_or_none=True))
    assert play(book, 685.0) == []
    (fill,) = book.match(SPY.con_id, at(685.0, 2.0, size=600.0))
    assert fill.quantity == 600.0


def test_a_minimum_is_what_an_order_begins_with(book):
    submit(book, order("LMT", limit_price=690.0, quantity=900.0, min_quantity=600.0))
    assert play(book, 685.0) == []
    (first,) = book.match(SPY.con_id, at(685.0, 2.0, size=600.0))
    (second,) = book.match(SPY.con_id, at(685.0, 3.0, size=100.0))
    assert (first.quantity, second.quantity) == (600.0, 100.0)


def test_a_minimum_above_what_is_wanted_is_all_of_it(book):
    submit(book, order("LMT", limit_price=690.0, quantity=100.0, min_quantity=600.0))
    assert len(play(book, 685.0)) == 1


def test_an_order_waits_for_its_time(book):
    submit(book, order("MKT", good_after=5.0))
    assert play(book, 685.0) == []
    assert len(play(book, 685.0, start=5.0)) == 1


def test_outside_regular_hours_only_those_that_may_take_part(book):
    submit(book, order("LMT", limit_price=690.0), order("LMT", number=2, limit_price=690.0))
    book.order((1, 2)).outside_rth = True
    (fill,) = book.match(SPY.con_id, at(685.0), extended=True)
    assert fill.key == (1, 2)


def test_orders_end_when_their_time_is_over(book):
    submit(
        book,
        order("LMT", limit_price=600.0, good_till=5.0),
        order("LMT", number=2, limit_price=1.0),
    )
    assert book.expire(4.9) == []
    assert [(one.key[1], one.status) for one in book.expire(5.0)] == [(1, "Cancelled")]
    assert [one.key[1] for one in book.working()] == [2]


def test_a_changed_end_counts_and_the_old_one_no_more(book):
    submit(book, order("LMT", limit_price=600.0, good_till=5.0))
    book.modify(order("LMT", limit_price=600.0, good_till=9.0), SPY)
    assert book.expire(5.0) == []
    assert len(book.expire(9.0)) == 1


@pytest.mark.parametrize(
    ("code", "kind", "more"),
    [
        (387, "MOO", {}),
        (387, "MKT", {"tif": "OPG"}),
        (321, "TRAIL", {}),
        (113, "MOC", {"tif": "GTC"}),
        (110, "LIT", {"stop_price": 680.001, "limit_price": 680.0}),
        (10243, "MKT", {"quantity": 1.5}),
    ],
)
def test_what_no_paper_account_takes_is_refused(book, code, kind, more):
    with pytest.raises(OrderError) as caught:
        submit(book, order(kind, **more))
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("code", "change"),
    [
        (105, {"side": "SELL"}),
        (105, {"account": "DU2"}),
        (329, {"kind": "STP", "stop_price": 690.0}),
        (10326, {"oca_group": "exits"}),
    ],
)
def test_what_cannot_be_changed_says_so(book, code, change):
    submit(book, order("LMT", limit_price=600.0, oca_group="exits"))
    wanted = order(change.pop("kind", "LMT"), limit_price=601.0, **change)
    with pytest.raises(OrderError) as caught:
        book.modify(wanted, SPY)
    assert caught.value.code == code
    assert book.order((1, 1)).limit_price == 600.0


def test_a_change_cannot_put_an_order_into_a_group(book):
    submit(book, order("LMT", limit_price=600.0))
    with pytest.raises(OrderError) as caught:
        book.modify(order("LMT", limit_price=601.0, oca_group="exits"), SPY)
    assert caught.value.code == 10326
    assert book.order((1, 1)).limit_price == 600.0


def test_a_limit_order_can_become_a_market_order(book):
    submit(book, order("LMT", limit_price=600.0))
    book.modify(order("MKT"), SPY)
    assert [one.price for one in play(book, 685.0)] == [685.01]


def test_what_has_ended_can_be_forgotten_and_what_works_cannot(book):
    submit(book, order("MKT"), order("LMT", number=2, limit_price=600.0))
    play(book, 685.0)
    book.forget([(1, 1), (1, 2)])
    assert book.order((1, 1)) is None
    assert book.order((1, 2)).working
