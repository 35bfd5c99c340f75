"""The account conserves cash, reckons cost and profit as IBKR does, and knows its limits."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokerage.simulator.account import Account
from brokerage.simulator.account_values import ledger, numbers, values
from brokerage.simulator.clock import ManualClock
from brokerage.simulator.listings import Listings, by_id, option
from brokerage.simulator.margin import commission, requirement
from brokerage.simulator.orders import Fill, OrderError, SimOrder

SPY = 756733
CALL, PUT = (option("SPY", "20261127", 700.0, right) for right in "CP")
REQUIRED = {
    "NetLiquidation", "TotalCashValue", "SettledCash", "AccruedCash", "BuyingPower",
    "EquityWithLoanValue", "GrossPositionValue", "InitMarginReq", "MaintMarginReq",
    "AvailableFunds", "ExcessLiquidity", "Cushion",
}  # fmt: skip


def number(account: Account, tag: str) -> float:
    """One numeric tag of the summary."""
    return numbers(account)[tag]


def fill(side="BUY", quantity=1.0, price=2.50, con_id=CALL.con_id, number=1) -> Fill:
    return Fill("x.1", (1, number), con_id, side, quantity, price, 1.0, quantity, price, 0.0)


def order(side="BUY", quantity=1.0, con_id=CALL.con_id) -> SimOrder:
    return SimOrder((1, 1), con_id, side, quantity, "MKT")


def test_a_position_that_comes_and_goes_by_transfer_earns_nothing(account):
    account.adopt(SPY, 5.0, 600.0)
    position = account.adopt(SPY, -5.0, 650.0)
    assert (position.quantity, position.realized, account.realized()) == (0.0, 0.0, 0.0)
    assert number(account, "TotalCashValue") == 100_000.0


def test_an_account_starts_with_100000_dollars_and_nothing_else(account):
    assert number(account, "NetLiquidation") == number(account, "TotalCashValue") == 100_000.0
    assert number(account, "BuyingPower") == 400_000.0
    assert account.held() == []


def test_the_average_cost_of_an_option_includes_multiplier_and_commission(account):
    booking = account.apply(fill())
    assert (booking.commission, booking.realized) == (1.00, None)
    assert booking.position.avg_cost == 251.00
    assert account.cash == 100_000 - 251.00


def test_a_round_trip_realizes_the_difference_less_both_costs(account):
    account.apply(fill())
    booking = account.apply(fill("SELL", price=2.60, number=2))
    fees = 0.00329 + 260 * 20.60e-6
    assert booking.commission == pytest.approx(1.00 + fees, abs=1e-4)
    assert booking.realized == pytest.approx(10.0 - 1.00 - booking.commission)
    assert account.held() == []
    assert account.cash == pytest.approx(100_000 + booking.realized)
    assert account.realized() == booking.realized


def test_a_larger_position_averages_its_cost(account):
    account.apply(fill(con_id=SPY, quantity=100, price=600.0))
    position = account.apply(fill(con_id=SPY, quantity=300, price=700.0, number=2)).position
    assert position.avg_cost == pytest.approx((60_001.0 + 210_001.5) / 400)


def test_part_of_a_position_is_sold_at_unchanged_average_cost(account):
    account.apply(fill(quantity=4.0))
    position = account.apply(fill("SELL", 1.0, 3.0, number=2)).position
    assert (position.quantity, position.avg_cost) == (3.0, 250.65)


def test_a_short_position_gains_when_the_price_falls(account):
    opened = account.apply(fill("SELL", 10, 600.0, SPY)).position
    assert opened.avg_cost < 600.0
    booking = account.apply(fill("BUY", 10, 590.0, SPY, 2))
    assert booking.realized == pytest.approx(
        100 - 2 * 1.00 - 10 * (0.000195 + 600 * 20.60e-6), 1e-4
    )


def test_a_trade_through_zero_closes_the_old_and_opens_the_new(account):
    account.apply(fill(con_id=SPY, quantity=10, price=600.0))
    booking = account.apply(fill("SELL", 15, 610.0, SPY, 2))
    assert booking.position.quantity == -5
    assert booking.realized == pytest.approx(10 * (610.0 - booking.commission / 15 - 600.1))
    assert booking.position.avg_cost == pytest.approx(610.0 - booking.commission / 15)


def test_the_minimum_commission_is_charged_once_per_order(account):
    costs = [account.apply(fill(con_id=SPY, quantity=150, price=600.0)).commission]
    costs.append(account.apply(fill(con_id=SPY, quantity=150, price=600.0)).commission)
    assert costs == [1.00, 0.50]


@pytest.mark.parametrize(
    ("listing", "quantity", "cost"),
    [(by_id(SPY), 1, 1.0), (by_id(SPY), 1000, 5.0), (CALL, 1, 1.0), (CALL, 10, 6.5)],
)
def test_commissions(listing, quantity, cost):
    assert commission(listing, quantity) == pytest.approx(cost)


def test_an_unknown_contract_cannot_be_booked(account):
    with pytest.raises(KeyError):
        account.apply(fill(con_id=1))


def test_a_foreign_position_appears_without_cash(account):
    account.adopt(SPY, 5.0, 600.0)
    assert [(one.con_id, one.quantity, one.avg_cost) for one in account.held()] == [
        (SPY, 5.0, 600.0)
    ]
    assert account.cash == 100_000.0


def test_open_profit_and_value_follow_the_price(account, prices):
    account.apply(fill(con_id=SPY, quantity=10, price=600.0))
    prices[SPY] = 605.0
    assert account.market_value(SPY) == 6_050.0
    assert account.unrealized(SPY) == pytest.approx(50.0 - 1.0)
    assert account.unrealized(CALL.con_id) == 0.0


def test_shares_bind_a_quarter_of_their_value(account, prices):
    prices[SPY] = 600.0
    account.apply(fill(con_id=SPY, quantity=100, price=600.0))
    assert number(account, "InitMarginReq") == 15_000.0
    assert number(account, "GrossPositionValue") == 60_000.0
    assert number(account, "AvailableFunds") == pytest.approx(100_000 - 1 - 15_000)
    assert number(account, "BuyingPower") == pytest.approx(4 * (100_000 - 1 - 15_000))
    assert number(account, "Cushion") == pytest.approx(84_999 / 99_999)


def test_a_long_option_binds_no_margin_and_lends_no_equity(account, prices):
    prices.update({SPY: 680.0, CALL.con_id: 2.50})
    account.apply(fill())
    assert number(account, "InitMarginReq") == 0.0
    assert number(account, "EquityWithLoanValue") == 100_000 - 251.0
    assert number(account, "NetLiquidation") == 100_000 - 1.0


@pytest.mark.parametrize(
    ("listing", "under", "expected"),
    [
        (CALL, 680.0, 100 * (2.5 + 0.2 * 680 - 20)),
        (CALL, 400.0, 100 * (2.5 + 0.1 * 400)),
        (PUT, 680.0, 100 * (2.5 + 0.2 * 680)),
        (PUT, 900.0, 100 * (2.5 + 0.1 * 700)),
    ],
)
def test_a_naked_option_binds_margin_by_the_underlying(listing, under, expected):
    assert requirement(listing, -1.0, 2.5, under) == pytest.approx(expected)


def test_a_short_share_binds_thirty_percent():
    assert requirement(by_id(SPY), -10.0, 600.0, 600.0) == pytest.approx(1_800.0)


def test_an_order_beyond_the_means_is_refused_with_the_brokers_words(account, prices):
    prices[SPY] = 600.0
    account.check(order(con_id=SPY, quantity=600), 600.0)
    with pytest.raises(
        OrderError, match=r"EQUITY WITH LOAN VALUE \[99995\.00 USD\] MUST EXCEED"
    ) as e:
        account.check(order(con_id=SPY, quantity=1000), 600.0)
    assert e.value.code == 201
    assert "INITIAL MARGIN [150000.00 USD]" in e.value.text


def test_premium_beyond_the_cash_is_refused(account, prices):
    prices.update({SPY: 680.0, CALL.con_id: 2.50})
    account.check(order(quantity=390), 2.50)
    with pytest.raises(OrderError):
        account.check(order(quantity=410), 2.50)


def test_an_order_that_only_reduces_passes_whatever_the_margin(account, prices):
    prices[SPY] = 600.0
    account.adopt(SPY, 10_000, 600.0)
    account.cash = -5_000_000.0
    account.check(order("SELL", 1, SPY), 600.0)
    with pytest.raises(OrderError):
        account.check(order("SELL", 40_000, SPY), 600.0)


def test_what_if_changes_nothing_and_adds_up(account, prices):
    prices[SPY] = 600.0
    account.apply(fill(con_id=SPY, quantity=100, price=600.0))
    cash = account.cash
    found = account.what_if(order(con_id=SPY, quantity=100), 600.0)
    assert (found.before.initial, found.change.initial, found.after.initial) == (
        15_000.0,
        15_000.0,
        30_000.0,
    )
    assert found.commission == 1.0
    assert found.change.equity == pytest.approx(-1.0)
    assert (account.cash, account.positions[SPY].quantity) == (cash, 100)


def test_what_if_of_a_sale_counts_the_fees(account, prices):
    prices[SPY] = 600.0
    found = account.what_if(order("SELL", 100, SPY), 600.0)
    assert found.commission == pytest.approx(1.0 + 100 * (0.000195 + 600 * 20.60e-6))
    assert found.after.initial == 18_000.0


def test_the_summary_is_numeric_where_the_brokers_is(account):
    rows = {row.tag: row for row in values(account)}
    assert rows.keys() >= REQUIRED
    assert (rows["AccountType"].value, rows["Cushion"].currency) == ("INDIVIDUAL", "")
    assert rows["DayTradesRemaining"].value == "-1"
    assert rows["BuyingPower"] == type(rows["BuyingPower"])("BuyingPower", "400000.00", "USD")
    for tag, row in rows.items():
        assert tag == "AccountType" or math.isfinite(float(row.value))


def test_a_ruined_account_divides_by_nothing(account):
    account.cash = 0.0
    assert (number(account, "Cushion"), number(account, "BuyingPower")) == (0.0, 0.0)


def test_the_ledger_names_each_tag_in_base_and_in_dollars(account, prices):
    prices.update({SPY: 680.0, CALL.con_id: 2.60})
    account.apply(fill())
    rows = {(row.tag, row.currency): row.value for row in ledger(account)}
    for currency in ("BASE", "USD"):
        assert rows["CashBalance", currency] == "99749.00"
        assert rows["OptionMarketValue", currency] == "260.00"
        assert rows["UnrealizedPnL", currency] == "9.00"
        assert rows["ExchangeRate", currency] == "1.00"


FILLS = st.lists(
    st.tuples(
        st.sampled_from(["BUY", "SELL"]),
        st.integers(1, 20),
        st.integers(1, 90_000).map(lambda cents: cents / 100),
        st.sampled_from([SPY, CALL.con_id]),
        st.integers(1, 5),
    ),
    max_size=30,
)


def booked(fills):
    account = Account("DU1234567", Listings(ManualClock()), {SPY: 600.0, CALL.con_id: 2.5}.get)
    return account, [account.apply(fill(*one)) for one in fills]


@given(FILLS)
def test_cash_is_conserved(fills):
    account, bookings = booked(fills)
    spent = sum(
        (1 if side == "BUY" else -1) * quantity * price * by_id(con_id).units
        for side, quantity, price, con_id, _ in fills
    )
    paid = sum(booking.commission for booking in bookings)
    assert account.cash == pytest.approx(100_000 - spent - paid)


@given(FILLS)
def test_profit_realized_and_open_explains_every_dollar(fills):
    account, _ = booked(fills)
    profit = account.realized() + sum(account.unrealized(one.con_id) for one in account.held())
    assert number(account, "NetLiquidation") == pytest.approx(100_000 + profit, abs=1e-3)


@given(FILLS)
def test_positions_are_what_was_bought_less_what_was_sold(fills):
    account, _ = booked(fills)
    for con_id in (SPY, CALL.con_id):
        signed = sum((1 if s == "BUY" else -1) * q for s, q, _, c, _ in fills if c == con_id)
        assert account.held_quantity(con_id) == signed
