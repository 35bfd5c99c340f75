"""Orders that hang together: brackets, one-cancels-all groups, and what they must never do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokerage.simulator.account import Account
from brokerage.simulator.clock import ManualClock
from brokerage.simulator.listings import Listings, by_id
from brokerage.simulator.market import Quote
from brokerage.simulator.matching import Book
from brokerage.simulator.orders import Change, Fill, OrderError, SimOrder
from tests.brokerage.simulator.conftest import SATURDAY

SPY, QQQ = by_id(756733), by_id(320227571)
PARENT, PROFIT, LOSS = (1, 1), (1, 2), (1, 3)


def order(number: int, side="BUY", limit=690.0, quantity=100.0, kind="LMT", **more) -> SimOrder:
    return SimOrder((1, number), SPY.con_id, side, quantity, kind, limit, perm_id=number, **more)


def quote(price=685.0, size=500.0, time=1.0, con_id=SPY.con_id) -> Quote:
    bid, ask = round(price - 0.01, 2), round(price + 0.01, 2)
    return Quote(con_id, bid, ask, size, size, last=price, time=time)


def play(book: Book, at: Quote) -> list[Fill | Change]:
    return list(book.match(at.con_id, at))


def bracket(book: Book, limit: float = 690.0, quantity: float = 100.0) -> None:
    """A purchase with a profit taker and a stop."""
    book.submit(order(1, limit=limit, quantity=quantity), SPY)
    book.submit(order(2, "SELL", 700.0, quantity, parent=PARENT), SPY)
    stop = {"stop_price": 670.0, "parent": PARENT}
    book.submit(order(3, "SELL", 0.0, quantity, "STP", **stop), SPY)


def states(book: Book) -> list[str]:
    return [book.order(key).status for key in (PARENT, PROFIT, LOSS)]


def test_children_wait_for_their_parent_in_a_group_of_their_own(book):
    bracket(book, limit=600.0)
    assert states(book) == ["Submitted", "PreSubmitted", "PreSubmitted"]
    assert [book.order(key).why_held for key in (PROFIT, LOSS)] == ["child", "child,trigger"]
    assert {(one.oca_group, one.oca_type) for one in book.working()[1:]} == {("1", 3)}


def test_children_do_not_fill_before_their_parent_has(book):
    bracket(book, limit=600.0)
    assert play(book, quote(705.0)) == play(book, quote(660.0, time=2.0)) == []


def test_children_are_released_once_the_parent_has_filled_whole(book):
    bracket(book)
    assert len(play(book, quote(size=40.0))) == 1
    events = play(book, quote(time=2.0))
    assert events[1:] == [Change(PROFIT, "released"), Change(LOSS, "released")]
    assert states(book) == ["Filled", "Submitted", "PreSubmitted"]
    assert book.order(LOSS).why_held == "trigger"


@pytest.mark.parametrize(("price", "gone"), [(701.0, LOSS), (669.0, PROFIT)])
def test_the_exit_that_fills_cancels_the_other(book, price, gone):
    bracket(book)
    play(book, quote())
    events = play(book, quote(price, time=2.0))
    assert events[-1] == Change(gone, "cancelled")
    assert book.order(gone).status == "Cancelled"
    assert book.working() == []


def test_an_exit_that_fills_in_part_leaves_the_rest_to_the_other(book):
    bracket(book)
    play(book, quote())
    assert play(book, quote(701.0, size=40.0, time=2.0))[-1] == Change(LOSS, "reduced")
    assert book.order(LOSS).remaining == book.order(PROFIT).remaining == 60.0


def test_cancelling_the_parent_cancels_the_children(book):
    bracket(book, limit=600.0)
    assert [one.key for one in book.cancel(PARENT)] == [PARENT, PROFIT, LOSS]
    assert book.working() == []


def test_cancelling_one_of_a_group_cancels_the_others_and_not_the_parent(book):
    bracket(book, limit=600.0)
    assert [one.key for one in book.cancel(LOSS)] == [LOSS, PROFIT]
    assert [one.key for one in book.working()] == [PARENT]


def test_an_immediate_parent_that_does_not_fill_takes_its_children_along(book):
    book.submit(order(1, limit=600.0, tif="IOC"), SPY)
    book.submit(order(2, "SELL", 700.0, parent=PARENT), SPY)
    assert play(book, quote()) == [Change(PARENT, "killed"), Change(PROFIT, "cancelled")]


@pytest.mark.parametrize("parent", [(1, 9), PARENT])
def test_nothing_is_attached_to_what_does_not_work(book, parent):
    book.submit(order(1, limit=600.0), SPY)
    book.cancel(PARENT)
    with pytest.raises(OrderError) as caught:
        book.submit(order(2, "SELL", 700.0, parent=parent), SPY)
    assert caught.value.code == 135


def test_type_1_cancels_the_others_when_a_part_fills(book):
    for number in (1, 2):
        book.submit(order(number, oca_group="one", oca_type=1), SPY)
    assert play(book, quote(size=30.0))[1:] == [Change((1, 2), "cancelled")]
    assert book.order(PARENT).remaining == 70.0


def test_type_2_reduces_the_others_before_the_same_quote_can_fill_them(book):
    for number in (1, 2):
        book.submit(order(number, oca_group="one", oca_type=2), SPY)
    events = play(book, quote(size=150.0))
    assert [type(one) for one in events] == [Fill, Change]
    assert book.order((1, 2)).status == "Cancelled"


def test_type_3_lets_one_quote_fill_both(book):
    for number in (1, 2):
        book.submit(order(number, oca_group="one"), SPY)
    assert [one.quantity for one in play(book, quote(size=150.0))[:2]] == [100.0, 50.0]


def test_a_group_spans_contracts(book):
    book.submit(order(1, oca_group="one", oca_type=1), SPY)
    other = SimOrder((1, 2), QQQ.con_id, "BUY", 5.0, limit_price=500.0, oca_group="one", oca_type=1)
    book.submit(other, QQQ)
    assert play(book, quote())[-1] == Change((1, 2), "cancelled")


def test_two_accounts_may_use_the_same_name_for_a_group(book):
    for number, account in ((1, "DU1"), (2, "DU2")):
        one = order(number, oca_group="one", oca_type=1, account=account)
        book.submit(one, SPY)
    assert [type(one) for one in play(book, quote(size=150.0))] == [Fill, Fill]


GROUPED = st.lists(
    st.tuples(st.sampled_from(["BUY", "SELL"]), st.integers(68_000, 69_000)),
    min_size=2,
    max_size=5,
)
QUOTES = st.lists(st.tuples(st.integers(68_000, 69_000), st.integers(1, 120)), max_size=15)


@given(GROUPED, QUOTES, st.sampled_from([1, 2]))
def test_a_group_that_blocks_never_fills_more_than_one_of_its_orders(orders, quotes, kind):
    book = Book()
    for number, (side, cents) in enumerate(orders, 1):
        book.submit(order(number, side, cents / 100, oca_group="one", oca_type=kind), SPY)
    events = []
    for time, (cents, size) in enumerate(quotes):
        events += play(book, quote(cents / 100, float(size), float(time)))
    filled = sum(event.quantity for event in events if isinstance(event, Fill))
    assert filled <= 100.0 + len(orders)  # what rounding to whole shares may add


MANY = st.lists(
    st.tuples(
        st.sampled_from(["BUY", "SELL"]),
        st.integers(1, 50),
        st.integers(68_000, 69_000),
        st.sampled_from(["LMT", "MKT", "STP", "TRAIL", "MIT"]),
        st.sampled_from(["DAY", "IOC", "FOK"]),
        st.sampled_from(["", "one", "two"]),
    ),
    min_size=1,
    max_size=8,
)


@given(MANY, QUOTES, st.lists(st.integers(1, 8), max_size=3))
def test_fills_make_the_position_and_move_the_cash_and_no_quote_gives_twice(orders, quotes, ends):
    book, clock = Book(), ManualClock(SATURDAY)
    account = Account("DU1", Listings(clock), lambda con_id: 685.0)
    for number, (side, size, cents, kind, tif, group) in enumerate(orders, 1):
        more = {"stop_price": cents / 100, "trail_amount": 1.0, "tif": tif, "oca_group": group}
        book.submit(order(number, side, cents / 100, float(size), kind, **more), SPY)
    fills, paid = [], 0.0
    for time, (cents, size) in enumerate(quotes):
        if time < len(ends) and book.order((1, ends[time])) in book.working():
            book.cancel((1, ends[time]))
        given_out = [
            event
            for event in play(book, quote(cents / 100, float(size), float(time)))
            if isinstance(event, Fill)
        ]
        for side in ("BUY", "SELL"):
            assert sum(one.quantity for one in given_out if one.side == side) <= size
        paid += sum(account.apply(one).commission for one in given_out)
        fills += given_out
    signed = [one.quantity if one.side == "BUY" else -one.quantity for one in fills]
    spent = sum(size * one.price for size, one in zip(signed, fills, strict=True))
    assert account.held_quantity(SPY.con_id) == pytest.approx(sum(signed))
    assert account.cash == pytest.approx(100_000.0 - spent - paid)
    for one in fills:
        assert book.order(one.key).takes(one.price)


def test_a_cancelled_child_takes_its_parent_along_where_it_asks_for_that(book):
    bracket(book, limit=600.0)
    book.order(PROFIT).cancels_parent = True
    ended = book.cancel(PROFIT)
    assert [one.key for one in ended] == [PROFIT, LOSS, PARENT]
    assert states(book) == ["Cancelled"] * 3


def test_a_cancelled_child_leaves_a_parent_that_has_filled(book):
    bracket(book)
    play(book, quote())
    book.order(PROFIT).cancels_parent = True
    book.cancel(PROFIT)
    assert states(book) == ["Filled", "Cancelled", "Cancelled"]
