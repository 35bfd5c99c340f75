"""What an account may do: margin kept for orders, day trades, credit, expiry, the day's profit."""

from dataclasses import replace
from datetime import timedelta

import pytest

from brokerage.simulator.account import Account
from brokerage.simulator.account_values import numbers
from brokerage.simulator.listings import option
from brokerage.simulator.margin import commission, sale_fees
from brokerage.simulator.orders import Fill, OrderError, SimOrder
from brokerage.simulator.rules import Rules

SPY = 756733
CALL, PUT = (option("SPY", "20261127", 700.0, right) for right in "CP")
OLD_RULE = Rules(pattern_day_trading=True)


def order(side="BUY", quantity=100.0, number=1, con_id=SPY, **more) -> SimOrder:
    return SimOrder((1, number), con_id, side, quantity, "LMT", 600.0, **more)


def fill(side="BUY", quantity=10.0, price=600.0, con_id=SPY, number=1) -> Fill:
    return Fill("x", (1, number), con_id, side, quantity, price, 1.0, quantity, price, 0.0)


@pytest.fixture
def poor(listings, prices) -> Account:
    """20,000 dollars under the old rule for day traders."""
    prices[SPY] = 600.0
    return Account("DU1", listings, prices.__getitem__, 20_000.0, OLD_RULE)


def refusal(account: Account, one: SimOrder) -> str:
    """The words with which an order is refused; empty: it is taken."""
    try:
        account.check(one, 600.0)
    except OrderError as error:
        return f"{error.code} {error.text}"
    return ""


def test_working_orders_keep_their_margin(account, prices):
    prices[SPY] = 600.0
    first, second = order(quantity=400.0), order(quantity=400.0, number=2)
    account.reserve(first, 600.0)
    assert refusal(account, second).startswith("201 ")
    assert "INITIAL MARGIN [120002.00 USD]" in refusal(account, second)
    first.status = "Cancelled"
    account.reserve(first, 600.0)
    assert refusal(account, second) == ""


def test_what_is_reserved_soon_is_reserved_before_the_next_order_is_checked(account, prices):
    prices[SPY] = 600.0
    first, second = order(quantity=400.0), order(quantity=400.0, number=2)
    account.reserve_soon(first, 600.0)
    assert refusal(account, second).startswith("201 ")
    account.reserve_soon(first, 600.0)
    first.status = "Filled"
    account.reserve(first, 0.0)
    assert refusal(account, second) == ""


def test_what_is_reserved_soon_is_reserved_before_another_order_fills(account, prices):
    prices[SPY] = 600.0
    account.apply(fill(quantity=100.0))
    account.reserve_soon(order("SELL", number=2), 600.0)
    account.apply(fill("SELL", 100.0, number=3))
    assert account.reserves.closing(order("SELL", number=4)) == 100.0


def test_an_order_does_not_compete_with_itself_or_with_its_group(account, prices):
    prices[SPY] = 600.0
    first = order(quantity=400.0, oca_group="one")
    account.reserve(first, 600.0)
    assert refusal(account, first) == ""
    assert refusal(account, order(quantity=400.0, number=2, oca_group="one")) == ""


def test_of_a_group_the_largest_order_alone_keeps_margin(account, prices):
    prices[SPY] = 600.0
    for number, quantity in ((1, 100.0), (2, 400.0)):
        account.reserve(order(quantity=quantity, number=number, oca_group="one"), 600.0)
    assert account.reserves.total((9, 9), "") == pytest.approx(400 * 600 / 4 + 2.0)


def test_what_one_sale_closes_another_cannot_close_again(account, prices):
    prices[SPY] = 600.0
    account.apply(fill(quantity=100.0))
    first = order("SELL", number=2)
    account.reserve(first, 600.0)
    assert account.reduces(first)
    assert not account.reduces(order("SELL", number=3))
    assert refusal(account, order("SELL", 900.0, number=3)).startswith("201 ")
    assert account.reduces(order("SELL", 40.0, number=2))
    first.status = "Cancelled"
    account.reserve(first, 600.0)
    assert account.reduces(order("SELL", number=3))


def test_of_a_group_each_may_close_the_same_position(account, prices):
    prices[SPY] = 600.0
    account.apply(fill(quantity=100.0))
    account.reserve(order("SELL", number=2, oca_group="exits"), 600.0)
    assert account.reduces(order("SELL", number=3, oca_group="exits"))


@pytest.mark.parametrize(("side", "limit"), [("SELL", 6000.0), ("BUY", 60.0)])
def test_a_limit_far_from_the_market_lends_nothing(account, prices, side, limit):
    prices[SPY] = 600.0
    result = account.what_if(order(side), limit)
    assert result.change.equity == -result.commission


def test_what_has_filled_needs_no_reserve_any_more(account, prices):
    prices[SPY] = 600.0
    half = replace(order(quantity=400.0), filled=200.0)
    account.reserve(half, 600.0)
    assert account.reserves.total((9, 9), "") == pytest.approx(200 * 600 / 4 + 1.0)


def test_the_same_shares_are_not_sold_twice_where_the_house_lends_nothing(listings, prices):
    prices[SPY] = 600.0
    account = Account("DU1", listings, prices.__getitem__, rules=Rules(short_sales=False))
    account.apply(fill(quantity=100.0))
    account.reserve(order("SELL", number=2), 600.0)
    assert refusal(account, order("SELL", 50.0, number=3)).endswith("for short sale.")


def test_nothing_can_be_sold_short_where_the_house_lends_nothing(listings, prices):
    prices[SPY] = 600.0
    account = Account("DU1", listings, prices.__getitem__, rules=Rules(short_sales=False))
    assert refusal(account, order("SELL", 1.0)).endswith("not available for short sale.")
    account.apply(fill())
    assert refusal(account, order("SELL", 10.0)) == ""
    assert refusal(account, order("SELL", 11.0)) != ""


def test_a_small_account_has_no_credit(listings, prices):
    prices[SPY] = 600.0
    account = Account("DU1", listings, prices.__getitem__, 1_900.0)
    assert refusal(account, order(quantity=3.0)) == ""
    assert "MINIMUM OF 2000 USD" in refusal(account, order(quantity=4.0))
    assert "MINIMUM OF 2000 USD" in refusal(account, order("SELL", 1.0))


def day_trade(account: Account, number: int) -> None:
    account.apply(fill(number=number))
    account.apply(fill("SELL", number=number + 1))


def test_three_day_trades_in_five_days_and_no_fourth(poor):
    for number in (1, 3, 5):
        assert refusal(poor, order(quantity=1.0)) == ""
        day_trade(poor, number)
    assert numbers(poor)["DayTradesRemaining"] == 0
    assert "Potential Pattern Day Trade" in refusal(poor, order(quantity=1.0))


def test_what_was_bought_yesterday_makes_no_day_trade(poor, clock):
    poor.apply(fill())
    clock.advance(timedelta(days=3).total_seconds())
    poor.begin_day()
    poor.apply(fill("SELL", number=2))
    assert numbers(poor)["DayTradesRemaining"] == 3


def test_day_trades_are_forgiven_after_five_sessions(poor, clock):
    day_trade(poor, 1)
    for days, left in ((6, 2), (3, 3)):
        clock.advance(timedelta(days=days).total_seconds())
        poor.begin_day()
        assert numbers(poor)["DayTradesRemaining"] == left


def test_one_order_that_closes_in_parts_is_one_day_trade(poor):
    poor.apply(fill())
    poor.apply(fill("SELL", 5.0, number=2))
    poor.apply(fill("SELL", 5.0, number=2))
    assert numbers(poor)["DayTradesRemaining"] == 2


def test_positions_can_be_closed_whatever_was_traded(poor):
    for number in (1, 3, 5):
        day_trade(poor, number)
    poor.apply(fill(number=7))
    assert refusal(poor, order("SELL", 10.0)) == ""


def test_nobody_counts_above_25000_dollars_or_since_the_rule_is_gone(listings, prices):
    prices[SPY] = 600.0
    rich = Account("DU1", listings, prices.__getitem__, 30_000.0, OLD_RULE)
    late = Account("DU1", listings, prices.__getitem__, 20_000.0)
    assert numbers(rich)["DayTradesRemaining"] == numbers(late)["DayTradesRemaining"] == -1


def test_an_option_that_expires_worthless_is_lost(account, prices):
    prices.update({SPY: 690.0, CALL.con_id: 0.0})
    account.apply(fill(con_id=CALL.con_id, quantity=2.0, price=2.5))
    cash = account.cash
    (gone,) = account.settle(CALL.con_id)
    assert (gone.quantity, account.cash) == (0.0, cash)
    assert gone.realized == pytest.approx(-2 * 250 - 1.3)
    assert account.settle(CALL.con_id) == []


@pytest.mark.parametrize(
    ("listing", "side", "price", "shares", "cost"),
    [
        (CALL, "BUY", 710.0, 200, 702.5065),
        (CALL, "SELL", 710.0, -200, 702.49),
        (PUT, "BUY", 690.0, -200, 697.4935),
        (PUT, "SELL", 690.0, 200, 697.51),
    ],
)
def test_an_option_in_the_money_becomes_shares_at_the_strike(
    account, prices, listing, side, price, shares, cost
):
    prices.update({SPY: price, listing.con_id: 10.0})
    account.apply(fill(side, con_id=listing.con_id, quantity=2.0, price=2.5))
    cash = account.cash
    option_left, position = account.settle(listing.con_id)
    assert (option_left.quantity, position.quantity) == (0.0, shares)
    assert position.avg_cost == pytest.approx(cost, abs=0.01)
    assert account.cash == cash - shares * 700.0


def test_the_days_profit_starts_from_nothing_at_midnight(account, prices):
    prices[SPY] = 600.0
    account.apply(fill())
    prices[SPY] = 610.0
    assert account.daily(SPY) == pytest.approx(99.0)
    account.begin_day()
    assert account.daily(SPY) == 0.0
    prices[SPY] = 605.0
    assert account.daily(SPY) == pytest.approx(-50.0)
    sold = account.apply(fill("SELL", price=605.0, number=2))
    assert account.daily(SPY) == pytest.approx(-50.0 - sold.commission)


def test_an_account_goes_on_where_it_was_kept(account, listings, prices):
    prices[SPY] = 600.0
    account.apply(fill())
    again = Account("DU1", listings, prices.__getitem__)
    again.restore(account.kept())
    assert (again.cash, again.positions) == (account.cash, account.positions)
    with pytest.raises((KeyError, TypeError, ValueError)):
        again.restore({"cash": "much"})


@pytest.mark.parametrize(
    ("quantity", "price", "cost"),
    [(1, 0.04, 1.0), (10, 0.04, 2.5), (10, 0.07, 5.0), (10, 1.0, 6.5)],
)
def test_cheap_options_cost_less_commission(quantity, price, cost):
    assert commission(CALL, quantity, price) == pytest.approx(cost)


def test_a_share_costs_no_more_than_a_hundredth_of_its_value(listings):
    share = listings.by_id(SPY)
    assert commission(share, 10, 0.20) == pytest.approx(0.02)
    assert commission(share, 10, 600.0) == 1.0


def test_the_activity_fee_has_a_limit(listings):
    assert sale_fees(listings.by_id(SPY), 100_000, 0.0) == pytest.approx(9.79)
