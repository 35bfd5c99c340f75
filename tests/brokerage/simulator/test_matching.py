"""Orders fill from the top of the quote as IBKR's paper engine does."""

import math
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokerage.simulator.listings import by_id, option
from brokerage.simulator.market import Quote
from brokerage.simulator.matching import Book
from brokerage.simulator.orders import Change, Fill, OrderError, SimOrder

SPY = by_id(756733)
CALL = option("SPY", "20261127", 700.0, "C")


def order(number=1, side="BUY", quantity=100.0, limit=685.0, **more) -> SimOrder:
    return SimOrder((1, number), SPY.con_id, side, quantity, limit_price=limit, **more)


def quote(bid=684.99, ask=685.01, size=500.0, time=1.0, last=685.0) -> Quote:
    return Quote(SPY.con_id, bid, ask, size, size, last=last, time=time)


def play_out(book: Book, quote: Quote) -> list[Fill | Change]:
    """Everything that the quote brings about."""
    return list(book.match(quote.con_id, quote))


def fills(book: Book, con_id: int, quote: Quote) -> list[Fill]:
    """What the quote fills."""
    return [event for event in book.match(con_id, quote) if isinstance(event, Fill)]


def submit(book: Book, *orders: SimOrder) -> None:
    for one in orders:
        book.submit(one, SPY)


@contextmanager
def refused(code: int):
    """Expects an OrderError with this code."""
    with pytest.raises(OrderError) as caught:
        yield
    assert caught.value.code == code


def test_a_buy_limit_at_the_bid_rests_until_the_ask_touches_it(book):
    submit(book, order(limit=684.99))
    assert fills(book, SPY.con_id, quote(last=684.99)) == []
    (fill,) = fills(book, SPY.con_id, quote(bid=684.98, ask=684.99, time=2.0))
    assert (fill.price, fill.quantity, fill.remaining) == (684.99, 100.0, 0.0)


def test_a_sell_limit_at_the_ask_rests_until_the_bid_touches_it(book):
    submit(book, order(side="SELL", limit=685.01))
    assert fills(book, SPY.con_id, quote()) == []
    assert fills(book, SPY.con_id, quote(bid=685.02, ask=685.03, time=2.0))[0].price == 685.02


def test_a_marketable_limit_fills_at_the_better_opposite_quote(book):
    submit(book, order(limit=690.0), order(2, "SELL", limit=680.0))
    assert [fill.price for fill in fills(book, SPY.con_id, quote())] == [685.01, 684.99]


def test_a_market_order_fills_at_the_opposite_quote(book):
    submit(book, order(order_type="MKT", limit=0.0), order(2, "SELL", order_type="MKT"))
    assert [fill.price for fill in fills(book, SPY.con_id, quote())] == [685.01, 684.99]


def test_a_fill_carries_what_identifies_it(book):
    submit(book, order(account="DU1234567", perm_id=42, ref="session/OE-01"))
    (fill,) = fills(book, SPY.con_id, quote(ask=685.0, time=9.0))
    assert (fill.account, fill.perm_id, fill.ref, fill.time) == (
        "DU1234567",
        42,
        "session/OE-01",
        9.0,
    )
    assert fill.exec_id == "00025b49.00000001.01.01"


def test_the_displayed_size_bounds_a_fill_and_the_rest_fills_on_later_updates(book):
    submit(book, order(quantity=10.0, limit=690.0))
    first = fills(book, SPY.con_id, quote(size=3.0))
    second = fills(book, SPY.con_id, quote(ask=686.0, size=30.0, time=2.0))
    assert [(one.quantity, one.cumulative, one.remaining) for one in first + second] == [
        (3.0, 3.0, 7.0),
        (7.0, 10.0, 0.0),
    ]
    assert second[0].average_price == pytest.approx((3 * 685.01 + 7 * 686.0) / 10)
    assert book.order((1, 1)).status == "Filled"


def test_the_same_quote_gives_its_size_only_once(book):
    submit(book, order(quantity=10.0, limit=690.0), order(2, quantity=5.0, limit=690.0))
    assert [fill.quantity for fill in fills(book, SPY.con_id, quote(size=12.0))] == [10.0, 2.0]
    assert fills(book, SPY.con_id, quote(size=12.0)) == []
    assert [one.quantity for one in fills(book, SPY.con_id, quote(size=12.0, time=2.0))] == [3.0]


def test_a_better_price_comes_before_an_older_order(book):
    submit(book, order(1, limit=686.0), order(2, limit=687.0), order(3, limit=687.0))
    given_out = fills(book, SPY.con_id, quote(size=150.0))
    assert [(one.key[1], one.quantity) for one in given_out] == [(2, 100.0), (3, 50.0)]


def test_no_quote_no_fill(book):
    submit(book, order(order_type="MKT"), order(2, "SELL", order_type="MKT"))
    empty = Quote(SPY.con_id, math.nan, math.nan, 100.0, 100.0, last=685.0, time=1.0)
    assert fills(book, SPY.con_id, empty) == []
    assert len(book.working()) == 2


def test_orders_of_another_contract_do_not_fill(book):
    submit(book, order(limit=690.0))
    assert fills(book, CALL.con_id, quote()) == []


@pytest.mark.parametrize("kind", ["STP", "STP LMT"])
@pytest.mark.parametrize(("side", "stop", "at"), [("BUY", 686.0, 686.5), ("SELL", 684.0, 683.5)])
def test_a_stop_waits_for_its_price(book, kind, side, stop, at):
    limit = 690.0 if side == "BUY" else 680.0
    submit(book, order(side=side, order_type=kind, stop_price=stop, limit=limit))
    assert book.order((1, 1)).status == "PreSubmitted"
    assert fills(book, SPY.con_id, quote()) == []
    (fill,) = fills(book, SPY.con_id, quote(bid=at, ask=at, last=at, time=2.0))
    assert fill.price == at


def test_an_immediate_order_fills_what_it_can_and_the_rest_is_cancelled(book):
    submit(book, order(quantity=10.0, limit=690.0, tif="IOC"))
    fill, change = play_out(book, quote(size=4.0))
    assert (fill.quantity, change) == (4.0, Change((1, 1), "killed"))
    assert book.order((1, 1)).status == "Cancelled"
    assert book.working() == []


def test_fill_or_kill_takes_all_or_nothing(book):
    submit(book, order(1, quantity=10.0, limit=690.0, tif="FOK"))
    assert play_out(book, quote(size=4.0)) == [Change((1, 1), "killed")]
    assert book.order((1, 1)).status == "Inactive"
    submit(book, order(2, quantity=4.0, limit=690.0, tif="FOK"))
    assert [fill.key[1] for fill in fills(book, SPY.con_id, quote(size=4.0))] == [2]


@pytest.mark.parametrize(
    ("code", "change"),
    [
        (434, {"quantity": 0.0}),
        (434, {"quantity": -1.0}),
        (434, {"quantity": math.inf}),
        (434, {"quantity": math.nan}),
        (110, {"limit": 685.005}),
        (110, {"limit": 0.0}),
        (110, {"limit": math.nan}),
        (110, {"order_type": "STP", "stop_price": 1.234}),
        (321, {"side": "HOLD"}),
        (321, {"order_type": "DREAM"}),
        (321, {"tif": "EVER"}),
    ],
)
def test_a_bad_order_is_refused_with_its_code(book, code, change):
    with refused(code):
        submit(book, order(**change))
    assert book.working() == []


def test_a_key_is_used_once(book):
    submit(book, order())
    with refused(103):
        submit(book, order())


@given(st.integers(1, 200_000))
def test_every_whole_cent_is_on_the_tick(cents):
    Book().submit(order(limit=cents / 100), SPY)


@given(st.integers(1, 200_000), st.integers(1, 9))
def test_no_tenth_of_a_cent_is_on_the_tick(cents, tenths):
    with refused(110):
        Book().submit(order(limit=cents / 100 + tenths / 1000), SPY)


def test_a_cancelled_order_does_not_fill(book):
    submit(book, order(limit=690.0))
    assert [one.status for one in book.cancel((1, 1))] == ["Cancelled"]
    assert fills(book, SPY.con_id, quote()) == []


def test_what_cannot_be_cancelled_says_why(book):
    submit(book, order(1, limit=690.0), order(2, limit=600.0))
    fills(book, SPY.con_id, quote())
    book.cancel((1, 2))
    for number, code in ((1, 10148), (2, 161), (3, 10147)):
        with refused(code):
            book.cancel((1, number))


def test_a_modified_order_fills_at_its_new_limit(book):
    submit(book, order(limit=680.0))
    book.modify(order(quantity=50.0, limit=685.01), SPY)
    (fill,) = fills(book, SPY.con_id, quote())
    assert (fill.quantity, fill.price) == (50.0, 685.01)


def test_a_larger_order_goes_to_the_back_and_a_smaller_one_stays(book):
    submit(book, order(1), order(2), order(3))
    book.modify(order(1, quantity=200.0), SPY)
    book.modify(order(2, quantity=50.0), SPY)
    assert [one.key[1] for one in book.working()] == [2, 3, 1]


def test_what_cannot_be_modified_says_why_and_stays_as_it_was(book):
    submit(book, order(1, quantity=10.0, limit=690.0), order(2, limit=600.0), order(3, limit=600.0))
    fills(book, SPY.con_id, quote())
    book.cancel((1, 2))
    for number, code in ((1, 104), (2, 161), (4, 10147)):
        with refused(code):
            book.modify(order(number, quantity=20.0, limit=600.0), SPY)
    with refused(110):
        book.modify(order(3, quantity=20.0, limit=600.001), SPY)
    assert (book.order((1, 3)).quantity, book.order((1, 3)).limit_price) == (100.0, 600.0)


def test_an_order_cannot_shrink_to_what_is_filled(book):
    submit(book, order(quantity=10.0, limit=690.0))
    fills(book, SPY.con_id, quote(size=4.0))
    with refused(105):
        book.modify(order(quantity=4.0, limit=690.0), SPY)


def test_contracts_with_working_orders_are_known(book):
    submit(book, order(limit=600.0))
    assert book.contracts() == [SPY.con_id]
    book.cancel((1, 1))
    assert book.contracts() == []
    assert book.order((9, 9)) is None


CENTS = st.integers(68_000, 69_000).map(lambda cents: cents / 100)
ORDERS = st.lists(
    st.tuples(
        st.sampled_from(["BUY", "SELL"]),
        st.integers(1, 50),
        CENTS,
        st.sampled_from(["LMT", "MKT"]),
        st.sampled_from(["DAY", "IOC", "FOK"]),
    ),
    min_size=1,
    max_size=8,
)
QUOTES = st.lists(st.tuples(CENTS, st.integers(1, 5), st.integers(1, 30)), min_size=1, max_size=20)


def play(orders, quotes):
    """All orders at once, then one quote after the other; the quotes with the fills they gave."""
    book = Book()
    for number, (side, size, limit, kind, tif) in enumerate(orders):
        book.submit(order(number, side, float(size), limit, order_type=kind, tif=tif), SPY)
    played = []
    for time, (bid, width, size) in enumerate(quotes):
        at = quote(bid, round(bid + width / 100, 2), float(size), float(time))
        played.append((at, fills(book, SPY.con_id, at)))
    return book, played


@given(ORDERS, QUOTES)
def test_no_fill_is_worse_than_its_limit_or_off_the_quote(orders, quotes):
    book, played = play(orders, quotes)
    for at, fills in played:
        for fill in fills:
            filled = book.order(fill.key)
            assert fill.price == (at.ask if fill.side == "BUY" else at.bid)
            assert filled.order_type == "MKT" or (
                fill.price <= filled.limit_price
                if fill.side == "BUY"
                else fill.price >= filled.limit_price
            )


@given(ORDERS, QUOTES)
def test_never_more_than_ordered_and_never_more_than_displayed(orders, quotes):
    book, played = play(orders, quotes)
    for at, fills in played:
        for side, shown in (("BUY", at.ask_size), ("SELL", at.bid_size)):
            assert sum(fill.quantity for fill in fills if fill.side == side) <= shown
    every = [fill for _, fills in played for fill in fills]
    for number in range(len(orders)):
        one = book.order((1, number))
        filled = sum(fill.quantity for fill in every if fill.key == one.key)
        assert filled == one.filled <= one.quantity
        assert (one.status == "Filled") == (one.filled == one.quantity)


@given(ORDERS, QUOTES)
def test_whoever_could_still_fill_was_left_nothing(orders, quotes):
    book, played = play(orders, quotes)
    last, _ = played[-1]
    assert fills(book, SPY.con_id, last) == []
