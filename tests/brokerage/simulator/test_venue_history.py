"""Requests for history: limits, pacing, refusals, and long ones that stop nobody else."""

import pytest

from brokerage.simulator.data_rules import DataRules
from brokerage.simulator.venue_floor import Session
from brokerage.tws import messages as tws
from tests.brokerage.simulator.tables import SPY, Table


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
    (query,) = table.venue.history.pending.values()
    assert len(query.bars) == 3
    table.venue.advance()  # the next part of it
    assert len(query.bars) == 6
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
