"""What is listed, how it is found, and how an option's id carries its terms."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokerage.simulator.clock import ManualClock
from brokerage.simulator.expirations import expirations
from brokerage.simulator.holidays import ET, is_session
from brokerage.simulator.listings import (
    PROFILES,
    SYMBOLS,
    Listings,
    by_id,
    option,
    strikes,
)

SPY = 756733
OPTIONS = st.sampled_from(SYMBOLS).flatmap(
    lambda symbol: st.tuples(
        st.just(symbol), st.sampled_from(strikes(symbol)), st.sampled_from("CP")
    )
)
DAYS = st.dates(date(2024, 1, 1), date(2035, 12, 31))


def test_a_share_is_found_by_symbol_with_its_real_contract_id(listings):
    (spy,) = listings.find(symbol="SPY", sec_type="STK", exchange="SMART", currency="USD")
    assert (spy.con_id, spy.primary_exchange, spy.min_tick) == (SPY, "ARCA", 0.01)
    assert spy.units == 1.0


@pytest.mark.parametrize(
    "terms",
    [
        {"symbol": "INVALID_SYMBOL_XYZ", "sec_type": "STK"},
        {"symbol": "SPY", "sec_type": "FUT"},
        {"symbol": "SPY", "sec_type": "STK", "currency": "EUR"},
        {"symbol": "SPY", "sec_type": "STK", "exchange": "LSE"},
        {"symbol": "SPY", "sec_type": "OPT", "expiry": "20261126"},  # Thanksgiving
        {"symbol": "SPY", "sec_type": "OPT", "strike": 687.3},
        {"con_id": 1},
        {"con_id": SPY, "symbol": "QQQ"},
        {},
    ],
)
def test_what_is_not_listed_is_not_found(listings, terms):
    assert listings.find(**terms) == []


def test_an_option_is_found_by_its_terms(listings):
    found = listings.find(
        symbol="SPY", sec_type="OPT", expiry="20261127", strike=700.0, right="CALL"
    )
    assert [one.local_symbol for one in found] == ["SPY   261127C00700000"]
    assert found[0].units == 100.0


def test_an_option_without_a_strike_is_ambiguous(listings):
    found = listings.find(symbol="SPY", sec_type="OPT", expiry="20261127", right="P")
    assert len(found) == len(strikes("SPY"))


def test_a_month_stands_for_all_its_expirations(listings):
    found = listings.find(symbol="SPY", sec_type="OPT", expiry="202612", strike=700.0, right="C")
    assert [one.expiry for one in found] == ["20261204", "20261211", "20261218", "20261224",
                                             "20261231"]  # fmt: skip


def test_an_option_is_found_by_its_local_symbol_alone(listings):
    found = listings.find(local_symbol="SPY   261127C00700000")
    assert [(one.strike, one.right) for one in found] == [(700.0, "C")]


def test_an_option_is_found_by_id_until_it_has_expired(listings, clock):
    terms = option("SPY", "20261127", 700.0, "C")
    assert listings.find(con_id=terms.con_id) == [terms]
    clock.advance(8 * 86400)
    assert listings.find(con_id=terms.con_id) == []
    assert listings.by_id(terms.con_id) == terms


def test_the_requested_exchange_is_kept(listings):
    assert listings.find(symbol="SPY", sec_type="STK", exchange="ARCA")[0].exchange == "ARCA"


@given(OPTIONS, st.dates(date(2026, 1, 1), date(2036, 12, 31)))
def test_an_options_id_carries_its_terms(terms, expiry):
    symbol, strike, right = terms
    listing = option(symbol, expiry.strftime("%Y%m%d"), strike, right)
    assert by_id(listing.con_id) == listing
    assert SPY < listing.con_id < 2**31


def test_an_id_of_a_strike_that_is_not_listed_is_nobody():
    assert by_id(option("SPY", "20261127", 700.5, "C").con_id) is None


@given(DAYS)
def test_at_least_eight_weekly_expirations_lie_ahead_on_trading_days(today):
    days = [date.fromisoformat(one) for one in expirations(today)]
    within = [day for day in days if day <= today + timedelta(weeks=10)]
    assert len(within) >= 8
    assert all(is_session(day) and day >= today for day in days)
    assert days == sorted(set(days))


@pytest.mark.parametrize(
    ("today", "expiry"),
    [("20260330", "20260402"), ("20261221", "20261224"), ("20261228", "20261231")],
)
def test_a_week_whose_friday_is_a_holiday_expires_the_session_before(today, expiry):
    assert expirations(date.fromisoformat(today))[0] == expiry


def test_strikes_reach_twenty_percent_to_both_sides():
    for symbol, profile in PROFILES.items():
        assert strikes(symbol)[0] <= profile.price * 0.81
        assert strikes(symbol)[-1] >= profile.price * 1.19
    assert strikes("SPY")[1] - strikes("SPY")[0] == 1.0


def test_the_chain_names_its_underlying(listings):
    chain = listings.chain("SPY")
    assert (chain.under_con_id, chain.multiplier, chain.expirations[0]) == (SPY, "100", "20261127")
    assert chain.strikes == list(strikes("SPY"))


def test_the_chain_of_an_unknown_symbol_is_an_error(listings):
    with pytest.raises(KeyError):
        listings.chain("NOPE")


def test_underlying_of_an_option_and_of_a_share(listings):
    assert listings.underlying(option("SPY", "20261127", 700.0, "C")).con_id == SPY
    assert listings.underlying(by_id(SPY)).con_id == SPY


def test_symbols_are_matched_by_their_beginning_or_name(listings):
    assert [one.symbol for one in listings.matching("ts")] == ["TSLA"]
    assert [one.symbol for one in listings.matching("apple")] == ["AAPL"]
    assert listings.matching(" ") == []


def test_today_is_the_date_in_new_york():
    clock = ManualClock(datetime(2026, 11, 21, 3, 0, tzinfo=UTC))
    assert Listings(clock).today() == date(2026, 11, 20)


@pytest.mark.parametrize(("hour", "listed"), [(15, True), (16, False)])
def test_an_option_is_listed_until_the_close_of_its_last_day(hour, listed):
    listings = Listings(ManualClock(datetime(2026, 3, 6, hour, tzinfo=ET)))
    call = {"symbol": "SPY", "sec_type": "OPT", "strike": 685.0, "right": "C"}
    assert bool(listings.find(expiry="20260306", **call)) is listed
    assert bool(listings.find(con_id=option("SPY", "20260306", 685.0, "C").con_id)) is listed
    assert ("20260306" in listings.chain("SPY").expirations) is listed
    assert listings.find(expiry="20260313", **call)
