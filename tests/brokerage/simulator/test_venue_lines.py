"""Lines of market data: kinds, hours, halts, delays and limits, without a socket."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from brokerage.simulator.data_rules import DataRules
from brokerage.simulator.listings import option
from brokerage.simulator.market import Phase
from brokerage.simulator.venue_terms import wire_contract
from brokerage.tws import messages as tws
from tests.brokerage.simulator.tables import SPY, Table

CALL = wire_contract(option("SPY", "20261127", 680.0, "C"))
FAR_PUT = wire_contract(option("SPY", "20261127", 548.0, "P"))
BEFORE_CLOSE = datetime(2026, 11, 24, 0, 59, 58, tzinfo=UTC)  # Monday 20:00 in New York
BEFORE_PRE_OPEN = datetime(2026, 11, 23, 8, 59, 58, tzinfo=UTC)


def unsubscribed() -> Table:
    return Table(data=DataRules(subscribed=False))


def kinds(table: Table) -> list[int]:
    return [one.kind for one in table.told(tws.MarketDataType)]


def prices(table: Table, kind: int) -> list[float]:
    return [one.price for one in table.told(tws.TickPrice) if one.kind == kind]


def test_a_line_begins_with_everything_that_is_known():
    table = Table()
    table.say(tws.ReqMktData(9, SPY))
    sent = {one.kind for one in table.told(tws.TickPrice)}
    assert sent == {1, 2, 4, 6, 7, 9, 14}
    assert [one.kind for one in table.told(tws.TickGeneric)] == [49]
    assert {one.kind for one in table.told(tws.TickSize)} == {0, 3, 5, 8}


def test_without_a_subscription_live_data_are_refused_in_the_gateways_words():
    table = unsubscribed()
    table.say(tws.ReqMktData(9, SPY))
    (error,) = [one for one in table.told(tws.Error) if one.req_id == 9]
    assert error.code == 10089
    assert error.text.endswith("Delayed market data is available.SPY ARCA/TOP/ALL")
    assert not table.told(tws.TickPrice)


@pytest.mark.parametrize("kind", [3, 4])
def test_without_a_subscription_delayed_data_come_when_asked_for(kind):
    table = unsubscribed()
    table.say(tws.ReqMarketDataType(kind))
    table.say(tws.ReqMktData(9, SPY))
    assert table.codes() == [10167]
    assert kinds(table) == [3]
    assert {one.kind for one in table.told(tws.TickPrice)} == {66, 67, 68, 72, 73, 75, 76}
    old = table.market.quote(756733, table.clock.time() - 900)
    assert prices(table, 66) == [old.bid]
    (stamp,) = [one for one in table.told(tws.TickString) if one.kind == 88]
    assert stamp.value == str(int(old.last_time))


def test_with_a_subscription_asking_for_delayed_data_gives_live_ones():
    table = Table()
    table.say(tws.ReqMarketDataType(3))
    table.say(tws.ReqMktData(9, SPY))
    assert (kinds(table), table.codes()) == ([1], [])


def test_a_regulatory_snapshot_is_live_without_a_subscription():
    table = unsubscribed()
    table.say(tws.ReqMktData(9, SPY, regulatory=True))
    table.wait(0.25)
    assert kinds(table) == [1]
    assert table.told(tws.SnapshotEnd) == [tws.SnapshotEnd(9)]


def test_at_the_close_bid_and_ask_go_unless_frozen_data_were_asked_for():
    table = Table(BEFORE_CLOSE, always_open=False)
    table.say(tws.ReqMktData(9, SPY))
    table.say(tws.ReqMarketDataType(2))
    table.say(tws.ReqMktData(10, SPY))
    table.wait(5)
    bids = [one for one in table.told(tws.TickPrice) if one.kind == 1]
    last = {one.req_id: one for one in bids}
    assert (last[9].price, last[9].size) == (-1.0, 0)
    assert last[10].price > 600
    assert [(one.req_id, one.kind) for one in table.told(tws.MarketDataType)] == [
        (9, 1), (10, 1), (10, 2)
    ]  # fmt: skip


def test_before_the_opening_frozen_data_turn_live_when_trading_begins():
    table = Table(BEFORE_PRE_OPEN, always_open=False)
    table.say(tws.ReqMarketDataType(2))
    table.say(tws.ReqMktData(9, SPY))
    assert table.market.phase(756733) is Phase.CLOSED
    table.wait(5)
    assert kinds(table) == [2, 1]
    assert len(prices(table, 1)) > 1


def test_a_closed_market_moves_nothing():
    table = Table(BEFORE_CLOSE, always_open=False)
    table.wait(3)
    table.say(tws.ReqMktData(9, SPY))
    before = len(table.sent)
    table.wait(5)
    assert len(table.sent) == before
    assert prices(table, 1) == [-1.0]


def test_a_halt_is_told_and_stops_the_trades():
    table = Table()
    table.say(tws.ReqMktData(9, SPY))
    table.wait(1)
    table.market.halt(756733)
    table.wait(10)
    trades = len([one for one in table.told(tws.TickString) if one.kind == 45])
    table.wait(10)
    assert len([one for one in table.told(tws.TickString) if one.kind == 45]) == trades
    table.market.resume(756733)
    table.wait(10)
    assert [one.value for one in table.told(tws.TickGeneric)] == [0.0, 1.0, 0.0]
    assert len([one for one in table.told(tws.TickString) if one.kind == 45]) > trades


def test_an_option_has_figures_of_bid_ask_last_and_model():
    table = Table()
    table.say(tws.ReqMktData(9, CALL))
    found = {one.kind: one for one in table.told(tws.TickOptionComputation)}
    assert sorted(found) == [10, 11, 12, 13]
    assert found[10].iv < found[13].iv < found[11].iv
    assert found[10].price < found[13].price < found[11].price
    assert found[13].iv == pytest.approx(0.32)


def test_figures_that_do_not_exist_are_minus_one_and_minus_two():
    table = Table()
    table.say(tws.ReqMktData(9, FAR_PUT))
    bid = next(one for one in table.told(tws.TickOptionComputation) if one.kind == 10)
    assert (bid.price, bid.iv, bid.delta, bid.gamma, bid.vega, bid.theta) == (
        -1,
        -1,
        -2,
        -2,
        -2,
        -2,
    )


def test_delayed_figures_have_numbers_of_their_own():
    table = unsubscribed()
    table.say(tws.ReqMarketDataType(3))
    table.say(tws.ReqMktData(9, CALL))
    assert [one.kind for one in table.told(tws.TickOptionComputation)] == [80, 81, 82, 83]


def test_lines_are_limited_for_all_clients_together_and_bars_take_one_each():
    table = Table(lines=2)
    table.say(tws.ReqMktData(9, SPY))
    table.say(tws.ReqRealTimeBars(10, SPY, what="TRADES"))
    table.say(tws.ReqMktData(11, SPY))
    table.say(tws.ReqRealTimeBars(12, SPY, what="BID"))
    table.say(tws.ReqMktData(13, SPY, snapshot=True))
    table.wait(5)  # two lines are one message a second
    assert [(one.code, one.req_id) for one in table.told(tws.Error) if one.code == 101] == [
        (101, 11), (101, 12)
    ]  # fmt: skip


def test_generic_ticks_add_their_figures():
    table = Table()
    table.say(tws.ReqMktData(9, SPY, generic_ticks="104,106,221,233,236"))
    assert [one.kind for one in table.told(tws.TickGeneric)] == [23, 24, 46, 49]
    assert 37 in {one.kind for one in table.told(tws.TickPrice)}
    assert 48 in {one.kind for one in table.told(tws.TickString)}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"generic_ticks": "233,9999"}, "Incorrect generic tick list of 233,9999"),
        ({"generic_ticks": "all"}, "Legal ones for (STK) are: 100(Option Volume)"),
        ({"generic_ticks": "233", "snapshot": True}, "not applicable to generic ticks"),
    ],
)
def test_generic_ticks_that_do_not_exist_are_refused(changes, text):
    table = Table()
    table.say(replace(tws.ReqMktData(9, SPY), **changes))
    (error,) = [one for one in table.told(tws.Error) if one.req_id == 9]
    assert error.code == 321
    assert text in error.text


def test_a_list_that_cannot_be_read_is_refused_for_an_option_too():
    table = Table()
    option = replace(SPY, sec_type="OPT", expiry="20261127", strike=690.0, right="C")
    table.say(tws.ReqMktData(9, option, generic_ticks="abc"))
    (error,) = [one for one in table.told(tws.Error) if one.req_id == 9]
    assert (error.code, "Incorrect generic tick list" in error.text) == (321, True)
