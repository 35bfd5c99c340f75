"""Requests for history: limits, pacing, refusals, and long ones that stop nobody else."""

from dataclasses import replace
from datetime import timedelta

import pytest

from brokerage.simulator.data_rules import DataRules
from brokerage.simulator.venue_floor import Session
from brokerage.tws import messages as tws
from tests.brokerage.simulator.tables import MONDAY, SPY, Table

UNPACED = DataRules(history_pacing=False, tick_pacing=False)


def bars(req_id: int, size: str = "1 min", duration: str = "1800 S", **more: object):
    wanted = {"what": "TRADES", "bar_size": size, "duration": duration} | more
    return tws.ReqHistoricalData(req_id, SPY, **wanted)


def errors(table: Table) -> list[tuple[int, str]]:
    return [(one.code, one.text) for one in table.told(tws.Error) if one.req_id >= 0]


def test_the_same_small_bars_within_fifteen_seconds_are_a_pacing_violation():
    table = Table()
    table.say(bars(9, "5 secs"))
    table.wait(1)
    table.say(bars(10, "5 secs"))
    service = "Historical Market Data Service error message:"
    assert errors(table) == [(162, f"{service}Historical data request pacing violation")]
    table.wait(15)
    table.say(bars(11, "5 secs"))
    table.wait(1)
    assert [one.req_id for one in table.told(tws.HistoricalData)] == [9, 11]


def test_larger_bars_are_not_refused_but_late():
    table = Table()
    for number in range(62):
        table.say(bars(100 + number))
        table.wait(1)
    assert len(table.told(tws.HistoricalData)) == 60
    table.wait(5)
    assert len(table.told(tws.HistoricalData)) == 62
    assert errors(table) == []


def test_pacing_can_be_switched_off():
    table = Table(data=DataRules(history_pacing=False))
    for number in range(10):
        table.say(bars(9 + number, "5 secs"))
    table.wait(1)
    assert len(table.told(tws.HistoricalData)) == 10


def test_no_more_than_fifty_requests_are_open_and_each_under_its_own_id():
    table = Table(data=DataRules(history_pacing=False), lines=400)
    for number in range(50):
        table.say(bars(100 + number))
    table.say(bars(100))
    table.say(bars(200))
    assert [code for code, _ in errors(table)] == [322, 322]
    assert "Duplicate ticker ID" in errors(table)[0][1]
    assert "Only 50 simultaneous" in errors(table)[1][1]


def test_five_second_bars_asked_for_too_often_are_an_invalid_query():
    table = Table()
    for req_id in (9, 10):
        table.say(tws.ReqRealTimeBars(req_id, SPY, what="TRADES"))
    text = "Invalid Real-time Query:Historical data request pacing violation"
    assert errors(table) == [(420, text)]


@pytest.mark.parametrize(
    ("wanted", "code", "text"),
    [
        (bars(9, duration="400 D", size="1 day"), 321, "must be made in years."),
        (bars(9, size="1 secs", duration="1 D"), 162, "invalid step: 1"),
        (bars(9, what="WEATHER"), 321, "What to show field is missing or incorrect."),
        (bars(9, end="20200101 10:00:00 Mars/Base"), 10314, "Invalid date, time"),
    ],
)
def test_a_bad_request_is_refused_in_the_gateways_words(wanted, code, text):
    table = Table()
    table.say(wanted)
    ((found, words),) = errors(table)
    assert found == code
    assert text in words


def test_where_nothing_was_traded_there_is_no_data():
    table = Table()
    table.market.halt(756733)
    table.wait(7200)
    table.say(bars(9, duration="600 S"))
    table.wait(1)
    assert errors(table) == [
        (162, "Historical Market Data Service error message:"
              "HMDS query returned no data: SPY@SMART Trades")
    ]  # fmt: skip


def test_others_are_served_while_a_long_request_is_cut():
    table = Table()
    told: list[object] = []
    other = Session(2, told.append, told.clear)
    table.venue.enter(other)
    table.say(bars(9, "1 day", "1 Y"))
    table.venue.receive(other, tws.ReqCurrentTime())
    assert any(isinstance(one, tws.CurrentTime) for one in told)
    assert table.venue.turns.taken == 1
    table.venue.advance()
    assert table.venue.turns.taken == 2
    (query,) = table.venue.history.pending.values()
    assert len(query.bars) <= 2
    table.wait(1)
    (answer,) = table.told(tws.HistoricalData)
    assert len(answer.bars) > 245


def test_a_long_request_can_be_cancelled_on_its_way():
    table = Table()
    table.say(bars(9, "1 day", "1 Y"))
    table.say(tws.CancelHistoricalData(9))
    table.wait(1)
    assert [code for code, _ in errors(table)] == [162]
    assert not table.told(tws.HistoricalData)


@pytest.mark.parametrize(("form", "first"), [(1, "19930129  14:30:00"), (2, "728317800")])
def test_history_begins_where_the_fund_did(form, first):
    table = Table()
    table.say(tws.ReqHeadTimestamp(9, SPY, what="TRADES", format_date=form))
    assert table.told(tws.HeadTimestamp) == [tws.HeadTimestamp(9, first)]


def test_adjusted_prices_are_those_of_the_trades():
    table = Table()
    table.say(bars(9, "1 day", "1 M", what="ADJUSTED_LAST"))
    table.say(bars(10, "1 day", "1 M"))
    table.wait(1)
    adjusted, traded = table.told(tws.HistoricalData)
    assert adjusted.bars == traded.bars
    assert len(adjusted.bars) > 15


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"end": "20261120 16:00:00"}, "End date not supported with adjusted last"),
        ({"size": "1 week"}, "Multi day bar size not supported with adjusted last"),
        ({"size": "5 mins", "keep_up_to_date": True}, "not supported with live updates"),
    ],
)
def test_adjusted_prices_are_daily_at_most_and_up_to_now(more: dict[str, object], words: str):
    table = Table()
    table.say(bars(9, **{"what": "ADJUSTED_LAST", "duration": "1 M", "size": "1 day"} | more))
    ((code, text),) = errors(table)
    assert code == 321
    assert words in text


@pytest.mark.parametrize(
    ("what", "name"),
    [("HISTORICAL_VOLATILITY", "Hist"), ("OPTION_IMPLIED_VOLATILITY", "OptionImplied")],
)
def test_series_of_volatility_are_refused_so_that_no_client_waits(what: str, name: str):
    table = Table()
    table.say(bars(9, "1 hour", "2 D", what=what))
    ((code, text),) = errors(table)
    assert code == 162
    assert f"No historical market data for SPY/STK@IBVOL {name}" in text
    assert text.endswith(" 3600")


HEAVY = [
    bars(0, "1 day", "1 Y"),
    bars(0, "1 month", "1 Y", what="BID_ASK"),
    bars(0, "1 min", "1 D"),
    bars(0, "1 min", "1800 S"),
    tws.ReqHistoricalTicks(0, SPY, end="20261120 16:00:00 US/Eastern", count=1000, what="MIDPOINT"),
    tws.ReqContractDetails(0, replace(SPY, sec_type="OPT", right="C")),
]


@pytest.mark.parametrize("heavy", HEAVY, ids=lambda one: f"{type(one).__name__}{one.req_id}")
def test_fifty_requests_at_once_cost_one_step_and_another_in_each_turn(heavy):
    table = Table(data=UNPACED)
    table.venue.advance()
    for number in range(50):
        table.say(replace(heavy, req_id=number))
    for turn in range(1, 20):
        assert table.venue.turns.taken == turn
        table.venue.advance()


def test_a_short_request_does_not_wait_for_the_same_clients_long_ones():
    table = Table(data=UNPACED)
    for number in range(20):
        table.say(bars(number, "1 day", "1 Y"))
    table.say(bars(20))
    while not table.venue.history.pending[table.session, 20].cut:
        table.venue.advance()
    assert table.venue.turns.taken < 50


def test_answers_due_together_come_in_the_order_of_their_requests():
    table = Table(data=UNPACED)
    for number, duration in enumerate(("60 D", "20 D", "1 D")):
        table.say(bars(number, "1 day", duration))
    table.venue.catch_up(table.clock.time())
    table.wait(0.5)
    assert [one.req_id for one in table.told(tws.HistoricalData)] == [0, 1, 2]


@pytest.mark.parametrize("always_open", [True, False])
@pytest.mark.parametrize("end", ["00010101-00:00:00", "19001231 10:00:00 US/Eastern"])
def test_before_its_first_day_a_fund_has_no_history(end, always_open):
    table = Table(always_open=always_open, data=UNPACED)
    table.say(bars(9, end=end))
    table.say(tws.ReqHistoricalTicks(10, SPY, end=end, count=10, what="TRADES"))
    table.wait(1)
    assert [code for code, _ in errors(table)] == [162]
    assert table.told(tws.HistoricalTicksLast) == [tws.HistoricalTicksLast(10)]


def test_what_breaks_in_a_later_turn_is_answered_too(monkeypatch):
    table = Table(data=UNPACED)
    table.say(bars(8, "1 day", "1 Y"))
    monkeypatch.setattr(table.market, "bars_in_parts", lambda *_: (1 // 0 for _ in "x"))
    table.say(bars(9))
    assert errors(table) == []
    table.wait(1)
    assert errors(table) == [(322, "Error processing request.")]
    assert [one.req_id for one in table.told(tws.HistoricalData)] == [8]
    table.say(bars(9))


def test_a_cancelled_request_can_be_made_again_under_its_id():
    table = Table(data=UNPACED)
    for number in (1, 2):
        table.say(bars(9, duration=f"{number * 1800} S"))
        if number == 1:
            table.say(tws.CancelHistoricalData(9))
    table.wait(1)
    (answer,) = table.told(tws.HistoricalData)
    assert len(answer.bars) == 60


@pytest.mark.parametrize("start", [MONDAY, MONDAY - timedelta(days=1)])
@pytest.mark.parametrize("duration", ["1 D", "1 W"])
def test_a_history_that_is_kept_up_to_date_has_no_hole_before_its_updates(start, duration):
    table = Table(start, data=UNPACED)
    live = {"keep_up_to_date": True, "format_date": 2, "use_rth": True}
    table.say(bars(9, "5 mins", duration, **live))
    table.wait(6)
    (answer,) = table.told(tws.HistoricalData)
    times = [int(bar.date) for bar in answer.bars]
    now = start.timestamp()
    assert times[-1] == (now - 1) // 300 * 300
    newest = [at for at in times if at >= now - 18 * 3600]
    assert newest == list(range(newest[0], times[-1] + 1, 300))
    last, (update, *_) = answer.bars[-2], table.told(tws.HistoricalDataUpdate)
    assert int(update.date) - times[-1] in {0, 300}
    streamed = table.market.bar(756733, "TRADES", 300, times[-1], rth=True)
    assert (streamed.close, streamed.volume, streamed.count) == (
        last.close,
        last.volume,
        last.count,
    )


def test_each_history_that_is_kept_up_to_date_costs_a_step_of_its_own():
    table = Table(data=UNPACED)
    for number in range(20):
        table.say(bars(number, keep_up_to_date=True))
    table.wait(4.75)
    table.clock.advance(0.25)
    table.venue.advance()
    told = [len(table.told(tws.HistoricalDataUpdate))]
    while told[-1] < 20:
        table.venue.advance()
        told.append(len(table.told(tws.HistoricalDataUpdate)))
    assert told == list(range(told[0], 21))
    assert told[0] <= 1
