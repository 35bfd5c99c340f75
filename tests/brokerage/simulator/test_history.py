"""Historical bars agree with the calendar, with the quotes and with each other."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from brokerage.simulator.holidays import new_york_date, session
from brokerage.simulator.listings import option
from brokerage.simulator.market import BarRequestError
from brokerage.simulator.market.hours import regular
from tests.brokerage.simulator.tables import market_on

SPY = 756733
CALL = option("SPY", "20261127", 700.0, "C").con_id


def consistent(bars) -> bool:
    return all(
        bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
        and bar.volume >= 0
        and bar.low <= round(bar.wap, 2) <= bar.high
        for bar in bars
    )


@pytest.mark.parametrize("con_id", [SPY, CALL])
def test_a_full_session_has_78_five_minute_bars(market, con_id):
    bars = market.bars(con_id, None, "1 D", "5 mins")
    opening = session(new_york_date(bars[0].time))[0]
    assert [bar.time for bar in bars] == [opening + 300 * n for n in range(78)]
    assert new_york_date(bars[0].time).isoformat() == "2026-11-20"
    assert consistent(bars)


def test_an_early_close_has_42_five_minute_bars():
    bars = market_on(2026, 11, 28, 12).bars(SPY, None, "1 D", "5 mins")
    assert (len(bars), new_york_date(bars[0].time).isoformat()) == (42, "2026-11-27")


def test_always_open_a_day_is_the_last_whole_session_even_during_one():
    bars = market_on(2026, 11, 24, 17).bars(SPY, None, "1 D", "5 mins")
    assert (len(bars), new_york_date(bars[0].time).isoformat()) == (78, "2026-11-23")


def test_by_the_calendar_the_session_under_way_counts():
    bars = market_on(2026, 11, 24, 15, 32, always_open=False).bars(SPY, None, "1 D", "5 mins")
    assert (len(bars), new_york_date(bars[0].time).isoformat()) == (13, "2026-11-24")


@pytest.mark.parametrize(
    ("duration", "size", "count"),
    [
        ("30 S", "1 secs", 30),
        ("60 S", "5 secs", 12),
        ("1800 S", "1 min", 30),
        ("10 S", "1 min", 1),
        ("2 D", "5 mins", 156),
        ("1 D", "1 min", 390),
        ("1 D", "1 hour", 7),
        ("1 D", "1 day", 1),
        ("1 W", "1 day", 5),
        ("1 W", "1 hour", 35),
        ("1 M", "1 day", 21),
    ],
)
def test_durations_and_sizes(market, duration, size, count):
    bars = market.bars(SPY, None, duration, size)
    times = [bar.time for bar in bars]
    assert (len(bars), times) == (count, sorted(set(times)))
    assert consistent(bars)


def test_hourly_bars_begin_at_the_opening_and_then_at_full_hours(market):
    bars = market.bars(SPY, None, "1 D", "1 hour")
    times = [datetime.fromtimestamp(bar.time, UTC) for bar in bars]
    assert [f"{at:%H:%M}" for at in times[:3]] == ["14:30", "15:00", "16:00"]


def test_coarse_bars_are_made_of_fine_ones(market):
    (day,), fine = (market.bars(SPY, None, "1 D", size) for size in ("1 day", "30 secs"))
    assert (day.open, day.close) == (fine[0].open, fine[-1].close)
    assert day.high == max(bar.high for bar in fine)
    assert day.low == min(bar.low for bar in fine)
    assert day.volume == sum(bar.volume for bar in fine)
    assert day.count == sum(bar.count for bar in fine)


def test_bars_agree_with_the_stream(market, clock):
    start = clock.time() // 60 * 60
    clock.advance(120)
    bar = next(bar for bar in market.bars(SPY, None, "300 S", "1 min") if bar.time == start)
    trades = {one.last_time: one for one in market.updates(SPY, start - 1, start + 59.99)}
    inside = [one for at, one in sorted(trades.items()) if at >= start]
    assert [one.last for one in (inside[0], inside[-1])] == [bar.open, bar.close]
    assert bar.high == max(one.last for one in inside)
    assert bar.volume == sum(one.last_size for one in inside)


def test_daily_bars_carry_dates(market):
    dates = [bar.date for bar in market.bars(SPY, None, "1 W", "1 day")]
    assert dates == ["20261116", "20261117", "20261118", "20261119", "20261120"]
    assert market.bars(SPY, None, "1 D", "1 hour")[0].date == ""


def test_bars_end_where_asked_and_never_in_the_future(market, clock):
    tuesday = datetime(2026, 11, 17, 22, tzinfo=UTC)
    assert market.bars(SPY, tuesday, "1 D", "1 day")[0].date == "20261117"
    future = clock.now() + timedelta(days=30)
    assert market.bars(SPY, future, "1 D", "1 day") == market.bars(SPY, None, "1 D", "1 day")


def test_extended_hours_are_longer(market):
    assert len(market.bars(SPY, None, "1 D", "1 hour", rth=False)) == 16


def test_seconds_before_the_opening_are_those_of_the_last_session():
    market = market_on(2026, 11, 23, 13, always_open=False)
    bars = market.bars(SPY, None, "60 S", "5 secs")
    assert bars[-1].time == session(new_york_date(bars[-1].time))[1] - 5
    assert len(bars) == 12


def test_seconds_of_trading_reach_back_into_the_session_before():
    market = market_on(2026, 11, 23, 14, 30, 21, always_open=False)
    bars = market.bars(SPY, None, "60 S", "5 secs")
    days = [new_york_date(bar.time).day for bar in bars]
    assert days == [20] * 8 + [23] * 4


def test_outside_regular_hours_count_only_when_asked_for():
    market = market_on(2026, 11, 23, 22, always_open=False)
    regular_end, extended_end = (
        market.bars(SPY, None, "60 S", "5 secs", rth=rth)[-1].time for rth in (True, False)
    )
    assert extended_end - regular_end == 3600


def test_a_week_and_a_month_are_made_of_their_days(market):
    days = market.bars(SPY, None, "2 M", "1 day")
    months = market.bars(SPY, None, "2 M", "1M")
    assert [bar.date for bar in months] == ["20260930", "20261030", "20261120"]
    assert sum(bar.volume for bar in months) == sum(bar.volume for bar in days)
    assert max(bar.high for bar in months) == max(bar.high for bar in days)
    weeks = market.bars(SPY, None, "2 W", "1W")
    assert [bar.date for bar in weeks] == ["20261113", "20261120"]


@pytest.mark.parametrize("what", ["MIDPOINT", "BID", "ASK", "BID_ASK"])
def test_quoted_bars_have_no_volume(market, what):
    bars = market.bars(SPY, None, "1 D", "5 mins", what)
    assert len(bars) == 78
    assert {(bar.volume, bar.wap, bar.count) for bar in bars} == {(-1.0, -1.0, -1)}
    assert all(bar.low <= min(bar.open, bar.close) <= bar.high for bar in bars)


def test_the_midpoint_lies_between_bid_and_ask(market):
    bid, mid, ask = (
        np.array([bar.close for bar in market.bars(SPY, None, "1 D", "5 mins", what)])
        for what in ("BID", "MIDPOINT", "ASK")
    )
    assert (bid < mid).all()
    assert (mid < ask).all()


def test_quoted_bars_agree_with_the_quotes(market):
    bars = market.bars(SPY, None, "1 D", "30 mins", "ASK")
    assert [bar.open for bar in bars] == [market.quote(SPY, bar.time).ask for bar in bars]
    ends = [bar.time for bar in bars[1:]]
    assert [bar.close for bar in bars[:-1]] == [market.quote(SPY, at - 0.25).ask for at in ends]


def test_a_bar_without_a_trade_repeats_the_close_before_it(market):
    bars = market.bars(CALL, None, "120 S", "1 secs")
    quiet = [(a, b) for a, b in pairwise(bars) if b.volume == 0]
    assert quiet
    assert all(b.open == b.close == b.high == a.close and b.count == 0 for a, b in quiet)


def test_bars_begin_with_the_first_trade(market):
    bars = market.bars(CALL, None, "5 S", "1 secs")
    assert bars[0].volume > 0
    assert len(bars) < 5


def test_a_day_without_a_session_has_no_hours():
    with pytest.raises(ValueError, match="2026-11-26"):
        regular(date(2026, 11, 26))


@pytest.mark.parametrize(
    ("duration", "size", "what"),
    [
        ("1 X", "5 mins", "TRADES"),
        ("0 D", "5 mins", "TRADES"),
        ("-1 D", "5 mins", "TRADES"),
        ("D", "5 mins", "TRADES"),
        ("90000 S", "5 mins", "TRADES"),
        ("1 D", "7 mins", "TRADES"),
        ("60 S", "1 day", "TRADES"),
        ("1 D", "5 mins", "WEATHER"),
        ("1 M", "1 secs", "TRADES"),
        ("1 D", "1 sec", "TRADES"),  # "1 secs" since 2023
        ("366 D", "1 day", "TRADES"),
    ],
)
def test_a_bad_request_is_refused(market, duration, size, what):
    with pytest.raises(BarRequestError):
        market.bars(SPY, None, duration, size, what)


@pytest.mark.parametrize(
    ("duration", "size", "code", "text"),
    [
        ("366 D", "1 day", 321, "must be made in years"),
        ("1 Q", "1 day", 321, "requested duration is invalid"),
        ("1 D", "7 mins", 321, "Legal ones are: 1 secs, 5 secs"),
        ("1 D", "1 secs", 162, "invalid step: 1"),
        ("1 Y", "1 min", 162, "Time length exceed max."),
    ],
)
def test_a_refusal_carries_the_gateways_code_and_words(market, duration, size, code, text):
    with pytest.raises(BarRequestError, match=text) as refusal:
        market.bars(SPY, None, duration, size)
    assert refusal.value.code == code


def test_an_unknown_contract_has_no_history(market):
    with pytest.raises(KeyError):
        market.bars(12345, None, "1 D", "5 mins")


@pytest.mark.parametrize(
    ("con_id", "until", "duration", "size", "first"),
    [
        (76792991, datetime(2010, 9, 1, tzinfo=UTC), "1 Y", "1M", "20100630"),  # TSLA, 29 June 2010
        (CALL, None, "3 Y", "1W", "20251128"),
        (CALL, None, "2 Y", "1 day", "20251128"),
    ],
)
def test_no_history_is_older_than_what_it_is_of(market, con_id, until, duration, size, first):
    bars = market.bars(con_id, until, duration, size)
    assert bars[0].date == first


def test_what_was_not_listed_yet_has_no_history(market):
    before = datetime(2025, 6, 2, 20, tzinfo=UTC)
    assert market.bars(CALL, before, "1 M", "1 day") == []
