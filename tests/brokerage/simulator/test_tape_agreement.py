"""Everything told about a time agrees: bars made from single ticks are the bars of the history."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import groupby

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from brokerage.simulator.listings import option
from brokerage.simulator.market import Bar, Market, Quote, history
from brokerage.simulator.market.hours import BLOCK
from brokerage.simulator.venue_past_ticks import page, ticks, ticks_back
from tests.brokerage.simulator.tables import MONDAY, market_at

SPY, TSLA = 756733, 76792991
CALL = option("SPY", "20261127", 700.0, "C").con_id
COARSE = option("AAPL", "20261127", 250.0, "C").con_id
INSTANTS = st.integers(1_767_225_600, 1_861_920_000)  # 2026 to 2028
IDS = st.sampled_from([SPY, TSLA, CALL, COARSE])


def rebuilt(market: Market, con_id: int, start: float, size: int) -> list[Bar]:
    """Bars made from the single trades since `start`."""
    told = market.forward(con_id, start)
    trades = ticks(told, "TRADES", market.quote(con_id, start - 0.25))
    found = []
    for at, group in groupby(trades, lambda quote: quote.time // size * size):
        inside = list(group)
        prices = [quote.last for quote in inside]
        volume = sum(quote.last_size for quote in inside)
        wap = sum(quote.last * quote.last_size for quote in inside) / volume
        found.append(
            Bar(at, "", prices[0], max(prices), min(prices), prices[-1], volume,
                pytest.approx(wap, abs=1e-4), len(inside))
        )  # fmt: skip
    return found


def page_back(
    market: Market, con_id: int, at: float, what: str, count: int, *, rth: bool = False
) -> list[Quote]:
    """A page that ends with the last tick before a time."""
    told = market.backward(con_id, at, rth=rth)
    return page(ticks_back(told, what, partial(market.quote_before, con_id)), count)[::-1]


@settings(max_examples=15, deadline=None)
@given(INSTANTS, IDS, st.sampled_from([(5, "5 secs"), (30, "30 secs"), (60, "1 min")]))
def test_bars_rebuilt_from_single_trades_are_the_bars_of_the_history(at, con_id, size):
    seconds, name = size
    market = market_at(at // 60 * 60)
    bars = market.bars(con_id, None, "600 S", name)
    assert [bar for bar in bars if bar.count] == rebuilt(market, con_id, at // 60 * 60 - 600,
                                                         seconds)[: len(bars)]  # fmt: skip


@settings(max_examples=10, deadline=None)
@given(INSTANTS, IDS, st.sampled_from(["BID", "ASK", "MIDPOINT"]))
def test_bars_rebuilt_from_single_quotes_are_the_bars_of_the_history(at, con_id, what):
    at = at // 60 * 60
    market = market_at(at)
    pick = {"BID": "bid", "ASK": "ask", "MIDPOINT": "mid"}[what]
    for bar in market.bars(con_id, None, "120 S", "30 secs", what):
        inside = [
            one for one in market.forward(con_id, bar.time + 0.25) if one.time < bar.time + 30
        ]
        shown = (market.quote(con_id, bar.time), *inside)
        if any(math.isnan(one.bid) for one in shown):
            continue  # nobody bids for what is worth nothing
        prices = [getattr(one, pick) for one in shown]
        assert (bar.open, bar.high, bar.low, bar.close) == (
            prices[0], max(prices), min(prices), prices[-1]
        )  # fmt: skip


@settings(max_examples=10, deadline=None)
@given(INSTANTS, st.sampled_from([1, 5, 15]))
def test_a_live_bar_ends_as_the_bar_of_the_history(at, minutes):
    size = 60 * minutes
    start = at // size * size
    market = market_at(start + size)
    name = f"{minutes} min{'s' if minutes > 1 else ''}"
    (bar,) = market.bars(SPY, None, f"{size} S", name)
    assert market.bar(SPY, "TRADES", size, start + size) == bar


@settings(max_examples=10, deadline=None)
@given(INSTANTS, IDS, st.sampled_from(["TRADES", "BID_ASK", "MIDPOINT"]), st.integers(1, 200))
def test_pages_of_ticks_are_the_same_forwards_and_backwards(at, con_id, what, count):
    market = market_at(at)
    assume(market.listings.find(con_id=con_id))
    back = page_back(market, con_id, at, what, count)
    start = float(int(back[0].time))
    forward = ticks(market.forward(con_id, start), what, market.quote(con_id, start - 0.25))
    again = [quote for quote in forward if quote.time < at]
    assert repr(again) == repr(back)  # nan is not equal to itself
    assert len(back) >= count
    assert len({int(quote.time) for quote in back[:-count]} | {int(back[0].time)}) == 1


def test_the_oldest_change_is_a_tick_only_if_it_changed_what_was_asked_for(market, clock):
    quote = market.quote(SPY, clock.time())
    moved = replace(quote, bid=quote.bid - 0.01)
    assert list(ticks_back([quote], "MIDPOINT", lambda change: moved)) == [quote]
    assert not list(ticks_back([quote], "MIDPOINT", lambda change: change))


def test_paging_by_time_finds_every_trade_once(market, clock):
    start, found = clock.time() - 300, []
    at = start
    while at < clock.time():
        told = ticks(market.forward(SPY, at), "TRADES", market.quote(SPY, at - 0.25))
        taken = page(told, 100)
        if not taken:
            break
        found += taken
        at = int(taken[-1].time) + 1.0
    trades = [one for one in market.forward(SPY, start) if one.last_time == one.time]
    assert found == trades


def test_by_the_calendar_ticks_are_of_one_session():
    market = market_at(datetime(2026, 11, 23, 14, 31, tzinfo=UTC).timestamp(), always_open=False)
    friday = datetime(2026, 11, 20, 20, 59, 50, tzinfo=UTC).timestamp()
    found = list(market.forward(SPY, friday, rth=True))
    assert {datetime.fromtimestamp(one.time, UTC).date().day for one in found} == {20}
    back = page_back(market, SPY, market.clock.time(), "TRADES", 1000, rth=True)
    assert {datetime.fromtimestamp(one.time, UTC).date().day for one in back} == {23}


def test_daily_bars_are_made_of_single_trades():
    market = market_at(datetime(2026, 11, 28, 12, tzinfo=UTC).timestamp())
    (day,) = market.bars(CALL, None, "1 D", "1 day")
    close = day.time + 3.5 * 3600  # an early close
    trades = [one for one in market.forward(CALL, day.time) if one.last_time == one.time]
    prices = [one.last for one in trades if one.time < close]
    assert (day.open, day.high, day.low, day.close, day.count) == (
        prices[0], max(prices), min(prices), prices[-1], len(prices)
    )  # fmt: skip


@pytest.mark.parametrize("con_id", [COARSE, option("TSLA", "20261127", 405.0, "P").con_id])
def test_options_of_the_penny_program_are_quoted_in_nickels_from_three_dollars_on(con_id):
    market = market_at(datetime(2026, 11, 23, 15, tzinfo=UTC).timestamp())
    listing = market.listings.by_id(con_id)
    quotes = market.updates(con_id, market.clock.time() - 120, market.clock.time())
    prices = [price for one in quotes for price in (one.bid, one.ask, one.last)]
    assert max(prices) > 3
    steps = [price / listing.tick(price) for price in prices]
    assert all(step == pytest.approx(round(step), abs=1e-6) for step in steps)


@pytest.mark.parametrize("what", ["TRADES", "MIDPOINT", "BID", "ASK"])
@pytest.mark.parametrize("size", [300, 3600, 86400])
def test_a_bar_under_way_is_the_one_that_is_cut_from_its_start(what, size):
    market = market_at(MONDAY + timedelta(hours=3))
    tape, now = market._tape(756733), market.clock.time()
    for until in (now - 1799.75, now - 1800, now - 5, now, now + 2):
        bar = market.bar(756733, what, size, until, rth=True)
        assert [bar] == history.cut(tape, what, size, bar.time, until)


def test_the_quotes_of_a_day_are_looked_through_once(monkeypatch):
    market = market_at(MONDAY + timedelta(hours=3))
    market.bar(756733, "MIDPOINT", 86400, market.clock.time())
    tape, seen = market._tape(756733), []
    prices = tape.prices
    monkeypatch.setattr(tape, "prices", lambda index: seen.append(len(index)) or prices(index))
    market.bar(756733, "MIDPOINT", 86400, market.clock.time() + 5)
    assert sum(seen) <= BLOCK
