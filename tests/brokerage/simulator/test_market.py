"""Quotes depend on seed and simulated time alone, move, and keep their shape."""

import math
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brokerage.simulator.holidays import session
from brokerage.simulator.listings import PROFILES, option
from brokerage.simulator.market import Market, Phase
from tests.brokerage.simulator.tables import market_at

SPY, QQQ = 756733, 320227571
CALL = option("SPY", "20261127", 700.0, "C").con_id
FAR_PUT = option("SPY", "20261127", 548.0, "P").con_id
MILLISECONDS = st.integers(1_767_225_600_000, 1_861_920_000_000)  # 2026 to 2028
INSTANTS = MILLISECONDS.map(lambda milliseconds: milliseconds / 1000)
IDS = st.sampled_from([SPY, QQQ, 265598, CALL, FAR_PUT])


@settings(max_examples=40, deadline=None)
@given(INSTANTS, IDS, st.booleans())
def test_a_quote_is_well_formed_at_any_time(at, con_id, always_open):
    quote = market_at(at, always_open=always_open).quote(con_id)
    assert quote.ask_size >= 1
    assert quote.ask >= 0.01
    assert math.isnan(quote.bid) == (quote.bid_size == 0)
    assert math.isnan(quote.bid) or quote.ask - quote.bid > 0.0099
    assert quote.last_size >= 1
    assert quote.volume >= quote.last_size
    assert quote.last_time <= quote.time <= at
    for price in (quote.ask, quote.last, quote.close):
        assert price == round(price, 2)


@settings(max_examples=40, deadline=None)
@given(INSTANTS, IDS)
def test_open_high_and_low_enclose_the_last_trade_of_a_market_that_never_closes(at, con_id):
    quote = market_at(at).quote(con_id)
    assert quote.low <= min(quote.last, quote.open) <= max(quote.last, quote.open) <= quote.high
    assert all(price == round(price, 2) for price in (quote.open, quote.high, quote.low))


@settings(max_examples=12, deadline=None)
@given(INSTANTS, IDS, st.integers(0, 5))
def test_the_order_of_asking_does_not_matter(at, con_id, seed):
    fresh, used = market_at(at, seed), market_at(at, seed)
    used.quote(QQQ, at - 7777.0)
    used.updates(con_id, at - 120, at)
    used.bars(SPY, None, "1 D", "1 hour")
    assert repr(used.quote(con_id)) == repr(fresh.quote(con_id))  # nan is not equal to itself


def test_another_seed_is_another_market(clock, listings):
    quotes = {Market(listings, clock, seed).quote(SPY).bid for seed in range(5)}
    assert len(quotes) == 5


@pytest.mark.parametrize("symbol", PROFILES)
def test_prices_are_realistic_and_move(market, clock, symbol):
    profile, prices = PROFILES[symbol], set()
    for _ in range(20):
        prices.add(market.quote(profile.con_id).last)
        clock.advance(60)
    assert all(abs(price / profile.price - 1) < 0.2 for price in prices)
    assert len(prices) > 10


def test_a_minute_of_stream_has_enough_updates_and_no_gap(market, clock):
    start = clock.time()
    times = [quote.last_time for quote in market.updates(SPY, start, start + 60)]
    gaps = [later - earlier for earlier, later in zip([start, *times], times, strict=False)]
    assert len(set(times)) > 150
    assert len({int(at) for at in times}) >= 55
    assert max(gaps) <= 2.0


def test_every_update_differs_from_the_one_before_and_equals_the_quote_of_its_moment(market, clock):
    start = clock.time()
    updates = market.updates(CALL, start, start + 300)
    assert len(updates) > 50
    for before, update in pairwise(updates):
        assert update.time > before.time
        assert (update.last_time, update.bid, update.ask, update.bid_size, update.ask_size) != (
            before.last_time, before.bid, before.ask, before.bid_size, before.ask_size,
        )  # fmt: skip
        assert update == market.quote(CALL, update.time)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0.01, 30), min_size=1, max_size=8))
def test_updates_are_the_same_however_the_time_is_cut(steps):
    market = market_at(datetime(2026, 11, 21, 14, 59, 50, tzinfo=UTC))  # a block ends in between
    start = at = market.clock.time()
    pieces = []
    for step in steps:
        pieces += market.updates(SPY, at, at + step, 10_000)
        at += step
    assert pieces == market.updates(SPY, start, at, 10_000)


def test_no_more_updates_than_wanted_and_the_newest_of_them(market, clock):
    start = clock.time()
    newest = market.updates(SPY, start, start + 60, 3)
    assert newest == market.updates(SPY, start, start + 60)[-3:]
    assert len(newest) == 3


def test_no_time_no_updates(market, clock):
    assert market.updates(SPY, clock.time(), clock.time()) == []


def test_an_unknown_contract_has_no_quote(market):
    with pytest.raises(KeyError):
        market.quote(12345)


def test_a_worthless_option_has_no_bid(market):
    quote = market.quote(FAR_PUT)
    assert (math.isnan(quote.bid), quote.bid_size, quote.ask) == (True, 0.0, 0.01)
    assert quote.mid == 0.01


def test_a_position_is_valued_at_the_mid(market):
    quote = market.quote(SPY)
    assert market.price(SPY) == pytest.approx((quote.bid + quote.ask) / 2)


def test_greeks_of_an_option_agree_with_its_quote(market):
    found, quote = market.greeks(CALL), market.quote(CALL)
    assert quote.bid <= found.price <= quote.ask
    assert 0 < found.delta < 0.5
    assert found.und_price == pytest.approx(market.price(SPY), abs=0.02)


def test_a_share_has_no_greeks(market):
    with pytest.raises(KeyError):
        market.greeks(SPY)


def test_the_closing_price_is_the_close_of_the_last_full_session(market):
    assert market.quote(SPY).close == market.bars(SPY, None, "1 D", "1 day")[0].close


def test_at_the_opening_a_new_day_begins():
    market = market_at(datetime(2026, 11, 23, 14, 30, 1, tzinfo=UTC))
    quote = market.quote(SPY)
    assert quote.volume < 10_000
    assert quote.high - quote.low < 0.2


def test_by_the_calendar_the_last_quote_of_the_session_stands_until_the_next():
    friday_night = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
    market = market_at(friday_night, always_open=False)
    for con_id, extended in ((SPY, True), (CALL, False)):
        close = session(date(2026, 11, 20), extended=extended)[1]
        quote = market.quote(con_id)
        assert quote.time == close - 0.25
        assert market.quote(con_id, quote.time + 86400) == quote
        assert market.updates(con_id, close, close + 2 * 86400) == []


def test_by_the_calendar_the_market_opens_on_monday():
    market = market_at(datetime(2026, 11, 23, 14, 29, 59, tzinfo=UTC), always_open=False)
    assert market.phase(CALL) is Phase.CLOSED
    market.clock.advance(2)
    assert market.phase(CALL) is Phase.REGULAR
    after = market.clock.time() - 2
    opening = session(date(2026, 11, 23))[0]
    assert market.updates(CALL, after, after + 2)[0].time == opening


def test_by_the_calendar_the_close_is_that_of_the_session_before():
    market = market_at(datetime(2026, 11, 24, 15, 0, tzinfo=UTC), always_open=False)
    monday = market.bars(SPY, datetime(2026, 11, 23, 22, 0, tzinfo=UTC), "1 D", "1 day")[0]
    assert monday.date == "20261123"
    assert market.quote(SPY).close == monday.close


def test_always_open_is_open_on_a_sunday(market):
    assert market.phase(SPY) is Phase.REGULAR


def test_an_option_of_a_day_without_a_session_expires_in_the_afternoon(market):
    saturday = option("SPY", "20261128", 700.0, "C").con_id
    friday = option("SPY", "20261127", 700.0, "C").con_id  # an early close, 27 hours before
    assert market.greeks(saturday).price > market.greeks(friday).price


def test_an_expired_option_is_worth_what_it_is_worth_at_the_end():
    late = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)
    frozen, alive = market_at(late, always_open=False), market_at(late)
    call = option("SPY", "20261127", 640.0, "C").con_id
    close = session(date(2026, 11, 27))[1]
    intrinsic = frozen.quote(SPY, close - 0.25).mid - 640.0
    assert frozen.greeks(call).price == pytest.approx(intrinsic, abs=0.05)
    assert alive.quote(CALL).ask >= 0.01


def expiry_for(day: date) -> str:
    """The product's rule: this week's expiration unless it is today or past."""
    friday = day + timedelta(days=(4 - day.weekday()) % 7)
    while True:
        at = friday
        while session(at) is None:
            at -= timedelta(days=1)
        if at > day:
            return at.strftime("%Y%m%d")
        friday += timedelta(days=7)


@settings(max_examples=30, deadline=None)
@given(INSTANTS, st.integers(0, 50), st.sampled_from(["SPY", "QQQ"]))
def test_a_tradable_call_two_to_five_percent_out_of_the_money_always_exists(at, seed, symbol):
    market = market_at(at, seed)
    spot = market.quote(PROFILES[symbol].con_id).last
    expiry = expiry_for(market.listings.today())
    assert expiry in market.listings.chain(symbol).expirations
    strikes = [k for k in market.listings.chain(symbol).strikes if 1.02 * spot <= k <= 1.05 * spot]
    quotes = [market.quote(option(symbol, expiry, k, "C").con_id) for k in strikes]
    good = [
        quote
        for quote in quotes
        if 0.10 <= quote.ask <= 5.00
        and quote.ask - quote.bid <= max(0.05, 0.15 * quote.mid) + 1e-9
        and quote.bid_size >= 1 <= quote.ask_size
    ]
    assert good


def test_the_eve_of_an_expiration_still_has_a_tradable_call():
    for seed in range(15):
        market = market_at(datetime(2026, 11, 27, 4, 59, tzinfo=UTC), seed)  # 13 h before 13:00
        spot = market.quote(SPY).last
        strike = math.ceil(spot * 1.02)
        quote = market.quote(option("SPY", "20261127", float(strike), "C").con_id)
        assert 0.10 <= quote.ask <= 5.00
        assert quote.ask - quote.bid <= 0.05 + 1e-9
