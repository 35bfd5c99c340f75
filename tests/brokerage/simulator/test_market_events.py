"""Phases of the day, halts and moves: what changes, and that the past never does."""

import math
from datetime import date

import pytest

from brokerage.simulator.holidays import session
from brokerage.simulator.listings import Listings, option
from brokerage.simulator.market import Market, Phase
from tests.brokerage.simulator.tables import market_on

SPY, QQQ = 756733, 320227571
CALL = option("SPY", "20261127", 700.0, "C").con_id


@pytest.mark.parametrize(
    ("when", "share", "option_phase"),
    [
        ((2026, 11, 23, 8, 59, 59), Phase.CLOSED, Phase.CLOSED),
        ((2026, 11, 23, 9), Phase.EXTENDED, Phase.CLOSED),
        ((2026, 11, 23, 14, 30), Phase.REGULAR, Phase.REGULAR),
        ((2026, 11, 23, 21), Phase.EXTENDED, Phase.CLOSED),
        ((2026, 11, 24, 1), Phase.CLOSED, Phase.CLOSED),
        ((2026, 11, 27, 18), Phase.EXTENDED, Phase.CLOSED),  # 13:00, an early close
        ((2026, 11, 27, 22), Phase.CLOSED, Phase.CLOSED),  # 17:00
        ((2026, 11, 26, 15), Phase.CLOSED, Phase.CLOSED),  # Thanksgiving
        ((2026, 11, 21, 15), Phase.CLOSED, Phase.CLOSED),  # a Saturday
    ],
)
def test_shares_trade_outside_regular_hours_and_options_do_not(when, share, option_phase):
    market = market_on(*when, always_open=False)
    assert (market.phase(SPY), market.phase(CALL), market.phase()) == (share, option_phase, share)


def test_always_open_everything_trades_at_any_hour(market):
    assert (market.phase(SPY), market.phase(CALL)) == (Phase.REGULAR, Phase.REGULAR)


def test_before_the_opening_there_is_volume_and_no_open_high_or_low():
    quote = market_on(2026, 11, 23, 14, always_open=False).quote(SPY)
    assert quote.volume > 0
    assert all(math.isnan(price) for price in (quote.open, quote.high, quote.low))


def test_after_the_close_open_high_and_low_are_those_of_the_session():
    market = market_on(2026, 11, 23, 22, always_open=False)
    (day,) = market.bars(SPY, None, "1 D", "1 day")
    quote = market.quote(SPY)
    assert (quote.open, quote.high, quote.low) == (day.open, day.high, day.low)
    assert quote.volume > day.volume


def test_a_halt_stops_trades_and_not_quotes(market, clock):
    market.halt(SPY)
    start = clock.time()
    clock.advance(120)
    told = market.updates(SPY, start + 0.25, clock.time())
    assert len(told) > 50
    assert {quote.last_time for quote in told} == {told[0].last_time}
    assert market.halted(SPY)


def test_trades_go_on_after_a_halt(market, clock):
    market.halt(SPY)
    clock.advance(4000)  # over two blocks of the tape
    before = market.quote(SPY)
    market.resume(SPY)
    clock.advance(10)
    assert before.last_time < before.time - 3990
    assert market.quote(SPY).last_time > before.time
    assert not market.halted(SPY)


def test_options_are_halted_with_their_underlying_and_not_the_other_way_round(market, clock):
    market.halt(CALL)
    assert (market.halted(CALL), market.halted(SPY)) == (True, False)
    market.resume(CALL)
    market.halt(SPY)
    assert (market.halted(CALL), market.halted(QQQ)) == (True, False)
    start = clock.time()
    clock.advance(60)
    assert all(one.last_time <= start for one in market.updates(CALL, start, clock.time()))


def test_bars_of_a_halt_repeat_the_last_close(market, clock):
    market.halt(SPY)
    clock.advance(300)
    market.resume(SPY)
    clock.advance(300)
    bars = market.bars(SPY, None, "900 S", "1 min")
    quiet = [bar for bar in bars if bar.count == 0]
    assert len(quiet) >= 4
    assert {(bar.open, bar.high, bar.low, bar.close) for bar in quiet} == {(quiet[0].close,) * 4}


def test_a_move_multiplies_what_comes_after_it_and_options_follow(market, clock):
    plain = Market(Listings(clock), clock, 7)
    market.move(SPY, 0.9)
    clock.advance(1)
    assert market.quote(SPY).bid == pytest.approx(plain.quote(SPY).bid * 0.9, abs=0.02)
    assert market.greeks(CALL).price < plain.greeks(CALL).price / 10
    assert market.quote(QQQ) == plain.quote(QQQ)


def test_a_move_begins_with_the_next_tick_and_not_before(market, clock):
    at = clock.time()
    before = market.quote(SPY)
    market.move(SPY, 2.0)
    assert market.quote(SPY, at) == before
    assert market.quote(SPY, at + 0.25).bid == pytest.approx(2 * before.bid, abs=1.0)


def test_quotes_of_a_halt_are_told_where_a_half_hour_begins(market, clock):
    market.halt(SPY)
    boundary = (clock.time() // 1800 + 1) * 1800
    clock.advance(2 * 1800)
    told = market.updates(SPY, boundary - 10, boundary + 10)
    assert boundary in {quote.time for quote in told}


def test_moves_and_halts_leave_the_past_as_it_was(market, clock):
    start = clock.time() - 600
    before = (market.updates(SPY, start, clock.time()), market.bars(SPY, None, "5 D", "1 hour"))
    market.move(SPY, 1.5)
    market.halt(SPY)
    after = (market.updates(SPY, start, clock.time()), market.bars(SPY, None, "5 D", "1 hour"))
    assert after == before


def test_the_move_is_in_the_bars(market, clock):
    clock.advance(60 - clock.time() % 60)
    market.move(SPY, 1.1)
    clock.advance(120)
    before, after = market.bars(SPY, None, "180 S", "1 min")[:2]
    assert after.high / before.close == pytest.approx(1.1, abs=0.001)


@pytest.mark.parametrize(("con_id", "ratio"), [(CALL, 1.1), (SPY, 0.0), (SPY, -1), (SPY, math.inf)])
def test_only_shares_move_and_by_a_positive_ratio(market, con_id, ratio):
    with pytest.raises(ValueError, match="ratio"):
        market.move(con_id, ratio)


def test_what_is_not_listed_is_neither_halted_nor_moved(market):
    for change in (market.halt, market.resume, lambda con_id: market.move(con_id, 1.1)):
        with pytest.raises(KeyError):
            change(12345)


def test_a_session_halted_to_its_end_closes_at_its_last_trade():
    market = market_on(2026, 11, 23, 20, always_open=False)
    market.halt(SPY)
    last = market.quote(SPY).last
    market.clock.advance(20 * 3600)
    assert market.clock.time() > session(date(2026, 11, 24))[0]
    assert market.quote(SPY).close == pytest.approx(last, abs=0.05)


def test_the_volume_of_a_session_has_the_shape_of_a_u(market):
    bars = market.bars(SPY, None, "5 D", "30 mins")
    volumes = [sum(bar.volume for bar in bars[place::13]) for place in range(13)]
    assert min(volumes[0], volumes[12]) > 1.5 * max(volumes[5:8])
