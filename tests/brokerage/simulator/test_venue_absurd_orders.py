"""Orders that make no sense are refused with a code of their own, and cost nobody any margin."""

import logging

import pytest

from brokerage.tws import messages as tws
from tests.brokerage.simulator.tables import SPY, Table

VIX = tws.Contract(con_id=13455763)
CALL = tws.Contract(
    symbol="SPY", sec_type="OPT", exchange="SMART", expiry="20261127", strike=690.0, right="C"
)
LARGE = 1.7e308


@pytest.fixture
def table() -> Table:
    return Table()


def place(table: Table, number: int = 201, contract: tws.Contract = SPY, **fields: object) -> None:
    """One order of a hundred shares at the market, or as it is said."""
    order = {"action": "BUY", "quantity": 100.0, "order_type": "MKT"} | fields
    table.say(tws.PlaceOrder(number, contract, tws.Order(**order)))


@pytest.mark.parametrize(
    ("code", "fields"),
    [
        (321, {"quantity": 1e18}),
        (321, {"quantity": LARGE}),
        (110, {"order_type": "LMT", "limit_price": LARGE}),
        (110, {"order_type": "STP", "aux_price": LARGE}),
        (321, {"order_type": "TRAIL", "aux_price": LARGE}),
        (321, {"order_type": "TRAIL", "aux_price": -1.0}),
        (321, {"order_type": "TRAIL", "trailing_percent": LARGE}),
        (321, {"order_type": "TRAIL", "aux_price": 1.0, "trail_stop_price": LARGE}),
        (10314, {"tif": "GTD", "good_till": "99991231 23:59:59 US/Eastern"}),
        (10314, {"good_after": "99991231"}),
        (412, {"contract": VIX}),
    ],
)
def test_what_is_out_of_all_range_is_refused(table, caplog, code, fields):
    with caplog.at_level(logging.ERROR):
        place(table, **fields)
    assert table.codes() == [code]
    assert table.told(tws.OpenOrder) == []
    assert caplog.records == []


@pytest.mark.parametrize("number", [2**31, 2**62, -(2**31) - 1])
def test_an_order_id_that_no_gateway_could_read_uses_none_up(table, number):
    place(table, number)
    assert table.codes() == [320]
    table.say(tws.ReqIds(1))
    assert table.told(tws.NextValidId)[-1].order_id == 101


@pytest.mark.parametrize("contract", [SPY, CALL])
@pytest.mark.parametrize("stray", [{"limit_price": 0.05}, {"aux_price": 0.05}])
def test_a_price_that_the_type_does_not_use_lowers_no_margin(table, contract, stray):
    place(table, 201, contract, quantity=2000.0, **stray)
    assert table.codes() == [201]


@pytest.mark.parametrize("contract", [SPY, CALL])
def test_a_stop_that_the_market_has_passed_is_charged_at_the_market(table, contract):
    place(table, 201, contract, quantity=2000.0, order_type="STP", aux_price=0.05)
    assert table.codes() == [201]


def test_a_stop_that_is_still_to_come_is_charged_at_the_stop(table):
    place(table, 201, CALL, quantity=10.0, order_type="STP", aux_price=200.0)
    assert table.codes() == [201]
    place(table, 202, CALL, quantity=10.0, order_type="STP", aux_price=20.0)
    assert table.codes() == [201]


def test_a_sale_far_above_the_market_lends_nothing(table):
    place(table, 201, action="SELL", quantity=2000.0, order_type="LMT", limit_price=6000.0)
    place(table, 202, CALL, action="SELL", quantity=20.0, order_type="STP", aux_price=600.0)
    assert table.codes() == [201, 201]


def test_a_child_that_opens_more_than_its_parent_needs_margin_of_its_own(table):
    place(table, 201, order_type="LMT", limit_price=600.0, transmit=False)
    limits = {"order_type": "LMT", "limit_price": 600.0, "parent_id": 201, "transmit": False}
    place(table, 202, **limits, quantity=2000.0)
    place(table, 203, **limits | {"limit_price": 900.0}, action="SELL", quantity=2000.0)
    assert table.codes() == [201, 201]
    place(table, 204, **limits | {"limit_price": 900.0, "transmit": True}, action="SELL")
    table.wait(1)
    assert table.codes() == [201, 201]
    assert {one.order_id for one in table.told(tws.OpenOrder)} == {201, 204}


def test_a_change_to_an_index_is_refused_and_the_order_lives(table):
    place(table, 201, order_type="LMT", limit_price=600.0)
    table.wait(1)
    place(table, 201, VIX, order_type="LMT", limit_price=601.0)
    assert table.codes() == [412]
    table.say(tws.ReqOpenOrders())
    assert table.told(tws.OpenOrder)[-1].order.limit_price == 600.0


@pytest.mark.parametrize("time", ["0", "25:00:00", "20261123 10:00:00 Mars/Base", "\0"])
def test_executions_since_no_time_at_all_are_refused(table, time):
    table.say(tws.ReqExecutions(7, time=time))
    assert table.codes() == [10314]
    assert table.told(tws.ExecDetailsEnd) == []
