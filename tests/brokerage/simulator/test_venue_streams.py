"""Single ticks and bars as they come: they agree with each other and with the history."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from brokerage.simulator.data_rules import DataRules
from brokerage.simulator.listings import option
from brokerage.simulator.venue_floor import Session
from brokerage.simulator.venue_terms import stamp, wire_contract
from brokerage.tws import messages as tws
from tests.brokerage.simulator.tables import SPY, Table

CALL = wire_contract(option("SPY", "20261127", 680.0, "C"))
BEFORE_CLOSE = datetime(2026, 11, 23, 20, 59, 50, tzinfo=UTC)
QUIET = {"history_pacing": False}


def errors(table: Table) -> list[tuple[int, str]]:
    return [(one.code, one.text) for one in table.told(tws.Error) if one.req_id >= 0]


def test_single_trades_add_up_to_the_bars_of_five_seconds():
    table = Table()
    table.say(tws.ReqTickByTick(8, SPY, tick_type="Last"))
    table.say(tws.ReqRealTimeBars(9, SPY, what="TRADES"))
    table.wait(30)
    trades, bars = table.told(tws.TickByTick), table.told(tws.RealTimeBar)
    assert len(bars) == 6
    assert [one.epoch % 5 for one in bars] == [0] * 6
    for bar in bars[:-1]:
        inside = [one for one in trades if bar.epoch <= one.epoch < bar.epoch + 5]
        prices = [one.price for one in inside]
        if bar is bars[0]:  # its first tick came before the subscription
            continue
        assert (bar.open, bar.high, bar.low, bar.close) == (
            prices[0], max(prices), min(prices), prices[-1]
        )  # fmt: skip
        assert (bar.volume, bar.count) == (sum(one.size for one in inside), len(inside))


@pytest.mark.parametrize("what", ["TRADES", "MIDPOINT", "BID", "ASK"])
def test_bars_of_five_seconds_are_those_of_the_history(what):
    table = Table(data=DataRules(**QUIET))
    table.say(tws.ReqRealTimeBars(9, SPY, what=what))
    table.wait(30)
    table.say(tws.ReqHistoricalData(10, SPY, False, "", "5 secs", "30 S", True, what, 2))
    table.wait(1)
    (answer,) = table.told(tws.HistoricalData)
    live = {str(one.epoch): one for one in table.told(tws.RealTimeBar)}
    shared = [bar for bar in answer.bars if bar.date in live]
    assert len(shared) >= 5
    for bar in shared:
        one = live[bar.date]
        assert (one.open, one.high, one.low, one.close, one.volume, one.wap, one.count) == (
            bar.open, bar.high, bar.low, bar.close, bar.volume, bar.wap, bar.count
        )  # fmt: skip


def test_a_history_kept_up_to_date_ends_as_the_history_asked_for_later():
    table = Table()
    table.say(
        tws.ReqHistoricalData(9, SPY, False, "", "1 min", "300 S", True, "TRADES", 2,
                              keep_up_to_date=True)
    )  # fmt: skip
    table.wait(130)
    first, updates = table.told(tws.HistoricalData)[0], table.told(tws.HistoricalDataUpdate)
    kept = {bar.date: (bar.open, bar.high, bar.low, bar.close, bar.volume, bar.wap, bar.count)
            for bar in (*first.bars, *updates)}  # fmt: skip
    table.say(tws.ReqHistoricalData(10, SPY, False, "", "1 min", "300 S", True, "TRADES", 2))
    table.wait(1)
    later = table.told(tws.HistoricalData)[-1]
    assert len(updates) == 26
    for bar in later.bars:
        assert kept[bar.date] == (
            bar.open, bar.high, bar.low, bar.close, bar.volume, bar.wap, bar.count
        )  # fmt: skip


def test_the_bar_of_the_day_is_kept_up_to_date_under_its_date():
    table = Table(always_open=False)
    table.say(
        tws.ReqHistoricalData(9, SPY, False, "", "1 day", "2 D", True, "TRADES",
                              keep_up_to_date=True)
    )  # fmt: skip
    table.wait(11)
    updates = table.told(tws.HistoricalDataUpdate)
    quote = table.market.quote(756733)
    assert {one.date for one in updates} == {"20261123"}
    assert (updates[-1].high, updates[-1].low) == (quote.high, quote.low)


def test_live_updates_end_when_cancelled_or_lost():
    table = Table()
    for req_id in (9, 10):
        table.say(
            tws.ReqHistoricalData(req_id, SPY, False, "", "1 min", "60 S", True, "TRADES",
                                  keep_up_to_date=True)
        )  # fmt: skip
    table.wait(10)
    table.say(tws.CancelHistoricalData(9))
    table.venue.bars.lose()
    before = len(table.told(tws.HistoricalDataUpdate))
    table.wait(10)
    assert [code for code, _ in errors(table)] == [162, 10182]
    assert before == len(table.told(tws.HistoricalDataUpdate)) > 0
    table.say(tws.CancelHistoricalData(10))
    assert errors(table)[-1][0] == 366


@pytest.mark.parametrize(
    "changes",
    [{"end": "20261123 10:00:00"}, {"bar_size": "1 secs"}, {"what": "BID_ASK"}, {"bar_size": "1W"}],
)
def test_what_cannot_be_kept_up_to_date_is_refused(changes):
    table = Table()
    plain = {"end": "", "bar_size": "1 min", "duration": "1800 S", "what": "TRADES"}
    if "1W" in changes.values():
        plain["duration"] = "1 M"
    table.say(tws.ReqHistoricalData(9, SPY, **(plain | changes), keep_up_to_date=True))
    assert [code for code, _ in errors(table)] == [321]


def test_bars_stop_with_the_session_when_only_regular_hours_are_wanted():
    table = Table(BEFORE_CLOSE, always_open=False)
    table.say(tws.ReqRealTimeBars(8, SPY, what="TRADES", use_rth=True))
    table.say(tws.ReqRealTimeBars(9, SPY, what="TRADES", use_rth=False))
    table.wait(30)
    assert [one.req_id for one in table.told(tws.RealTimeBar)] == [8, 9, 8, 9, 9, 9, 9, 9]


def test_bars_of_a_halt_stand_still_without_volume():
    table = Table()
    table.market.halt(756733)
    table.say(tws.ReqRealTimeBars(9, SPY, what="TRADES"))
    table.wait(20)
    bars = table.told(tws.RealTimeBar)[1:]
    assert {(one.volume, one.count) for one in bars} == {(0, 0)}
    assert len({one.close for one in bars}) == 1


def test_quotes_tick_by_tick_are_each_change_of_the_top():
    table = Table()
    table.say(tws.ReqTickByTick(8, SPY, tick_type="BidAsk"))
    table.say(tws.ReqTickByTick(9, SPY, tick_type="BidAsk", ignore_size=True))
    table.say(tws.ReqTickByTick(10, SPY, tick_type="MidPoint"))
    table.wait(60)
    told = table.told(tws.TickByTick)
    every, prices, mids = ([one for one in told if one.req_id == req_id] for req_id in (8, 9, 10))
    tops = [(one.bid, one.ask) for one in prices]
    assert len(every) > len(prices) > 10
    assert all(before != after for before, after in pairwise(tops))
    assert [one.price for one in mids[-3:]] != [mids[-1].price] * 3
    assert {one.kind for one in told} == {3, 4}


def test_past_ticks_come_first_and_the_live_ones_follow_without_a_gap():
    table = Table()
    table.say(tws.ReqTickByTick(8, SPY, tick_type="AllLast", count=20))
    table.wait(10)
    (past,) = table.told(tws.HistoricalTicksLast)
    live = table.told(tws.TickByTick)
    start = past.ticks[0].epoch
    table.say(tws.ReqHistoricalTicks(9, SPY, start=stamp(start), count=1000, what="TRADES"))
    table.wait(1)
    whole = table.told(tws.HistoricalTicksLast)[-1].ticks
    joined = [(one.epoch, one.price, one.size, one.exchange, one.conditions)
              for one in (*past.ticks, *live)]  # fmt: skip
    again = [(one.epoch, one.price, one.size, one.exchange, one.conditions) for one in whole]
    assert len(past.ticks) == 20
    assert again[-len(joined) :] == joined
    assert {one.kind for one in live} == {2}


def test_others_are_served_while_a_session_without_ticks_is_looked_through():
    table = Table(always_open=False)
    halted_at = table.clock.time()
    table.market.halt(756733)
    table.wait(1)
    told: list[object] = []
    other = Session(2, told.append, told.clear)
    table.venue.enter(other)
    table.clock.advance(3 * 3600)
    table.say(past_ticks(table))
    table.venue.receive(other, tws.ReqCurrentTime())
    assert any(isinstance(one, tws.CurrentTime) for one in told)
    assert not table.told(tws.HistoricalTicksLast)
    table.wait(1)
    (answer,) = table.told(tws.HistoricalTicksLast)
    assert len(answer.ticks) >= 10
    assert max(one.epoch for one in answer.ticks) <= halted_at


def test_for_a_client_that_left_no_past_ticks_are_looked_for():
    table = Table()
    table.say(past_ticks(table))
    assert table.venue.past_ticks.pending
    table.venue.leave(table.session)
    assert not table.venue.past_ticks.pending
    table.wait(1)
    assert not table.told(tws.HistoricalTicksLast)


def past_ticks(table: Table) -> tws.ReqHistoricalTicks:
    """Ten trades up to now."""
    return tws.ReqHistoricalTicks(9, SPY, end=stamp(table.clock.time()), count=10, what="TRADES")


def test_there_are_few_tick_by_tick_streams_for_all_clients_together():
    table = Table(data=DataRules(tick_lines=2))
    for req_id in (8, 9, 10):
        table.say(tws.ReqTickByTick(req_id, SPY, tick_type="Last"))
    table.say(tws.CancelTickByTick(8))
    table.say(tws.ReqTickByTick(11, SPY, tick_type="Last"))
    assert errors(table) == [(10190, "Max number of tick-by-tick requests has been reached.")]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (tws.ReqTickByTick(9, SPY, tick_type="last"), 321),
        (tws.ReqTickByTick(9, CALL, tick_type="Last"), 10189),
        (tws.ReqTickByTick(9, tws.Contract(symbol="NOPE"), tick_type="Last"), 200),
        (tws.CancelTickByTick(9), 300),
        (tws.ReqRealTimeBars(9, SPY, what="BID_ASK"), 321),
        (tws.ReqRealTimeBars(9, tws.Contract(symbol="NOPE"), what="TRADES"), 200),
        (tws.CancelRealTimeBars(9), 300),
        (tws.ReqHistoricalTicks(9, SPY, count=0, start="20261123 10:00:00", what="TRADES"), 321),
        (tws.ReqHistoricalTicks(9, SPY, count=1001, start="20261123 10:00:00", what="TRADES"), 321),
        (tws.ReqHistoricalTicks(9, SPY, count=10, what="TRADES"), 321),
        (tws.ReqHistoricalTicks(9, SPY, count=10, start="20261123 10:00:00", what="BID"), 321),
        (tws.ReqHistoricalTicks(9, SPY, count=10, start="yesterday", what="TRADES"), 10314),
        (tws.ReqHistoricalTicks(9, tws.Contract(symbol="NOPE"), count=10, what="TRADES"), 200),
    ],
)
def test_what_cannot_be_streamed_is_refused(message, code):
    table = Table()
    table.say(message)
    assert [found for found, _ in errors(table)] == [code]


@pytest.mark.parametrize(
    ("message", "code", "text"),
    [
        (tws.ReqRealTimeBars(9, SPY, what="TRADES"), 420,
         "Invalid Real-time Query:No market data permissions for ARCA STK."),
        (tws.ReqTickByTick(9, SPY, tick_type="Last"), 10189,
         "Failed to request tick-by-tick data.No market data permissions for ARCA STK."),
        (tws.ReqHistoricalTicks(9, SPY, count=9, end="20261123 10:00:00", what="TRADES"), 10187,
         "Failed to request historical ticks:No market data permissions for ARCA STK"),
        (tws.ReqHistoricalData(9, SPY, False, "", "1 min", "1 D", True, "TRADES"), 162,
         "Historical Market Data Service error message:No market data permissions for ARCA STK"),
    ],
)  # fmt: skip
def test_without_a_subscription_there_are_neither_streams_nor_history(message, code, text):
    table = Table(data=DataRules(subscribed=False))
    table.say(message)
    ((found, words),) = errors(table)
    assert found == code
    assert words.startswith(text)


def test_an_id_serves_one_stream_of_a_kind():
    table = Table()
    for message in (
        tws.ReqTickByTick(9, SPY, tick_type="Last"),
        tws.ReqRealTimeBars(9, SPY, what="TRADES"),
    ):
        table.say(message)
        table.say(message)
    assert [code for code, _ in errors(table)] == [102, 102]


def test_whoever_leaves_takes_the_streams_along():
    table = Table()
    table.say(tws.ReqTickByTick(8, SPY, tick_type="Last"))
    table.say(tws.ReqRealTimeBars(9, SPY, what="TRADES"))
    table.venue.leave(table.session)
    table.session.muted = False
    before = len(table.sent)
    table.wait(10)
    assert len(table.sent) == before
