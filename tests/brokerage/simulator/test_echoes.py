"""What the gateway says of orders from memory is what it would write afresh."""

from dataclasses import replace

import pytest

from brokerage.tws import messages as tws
from brokerage.tws.codec import decode_client, encode
from brokerage.tws.messages import SERVER
from tests.brokerage.simulator.tables import SPY, Table

LIMIT = tws.Order("BUY", 1.0, "LMT", 600.0, tif="DAY", clearing_intent="IB")
ORDERS = (
    LIMIT,
    replace(LIMIT, action="SELL", limit_price=700.0, quantity=2.0, ref="b"),
    replace(LIMIT, parent_id=101, transmit=False, display_size=5, trigger_method=2),
    replace(LIMIT, outside_rth=True, block_order=True, hidden=True, oca_group="g", tif="GTC"),
    replace(LIMIT, order_type="STP", limit_price=None, aux_price=750.0),
    replace(LIMIT, order_type="STP", limit_price=None, aux_price=760.0),
    replace(LIMIT, order_type="TRAIL", limit_price=None, aux_price=1.0, trail_stop_price=750.0),
    replace(LIMIT, order_type="MKT", limit_price=None, aux_price=-0.0),
    replace(LIMIT, oca_type=1, oca_group="h", duration=5, cash_quantity=3.0),
    replace(LIMIT, what_if=True),
)


def placed(table: Table, number: int, order: tws.Order) -> None:
    """Place it as it comes off the wire, where orders that share their end are marked as alike."""
    message = tws.PlaceOrder(number, SPY, order)
    table.say(decode_client(encode(message, 178), 178))
    table.wait(0.5)


def afresh(one: tws.OpenOrder) -> tws.OpenOrder:
    """The same without any mark."""
    return replace(one, order=replace(one.order), state=replace(one.state))


@pytest.mark.parametrize("version", [157, 178])
def test_an_order_is_written_from_memory_as_it_would_be_afresh(version):
    table = Table()
    for number, order in enumerate((*ORDERS, *reversed(ORDERS)), 101):
        placed(table, number, order)
    told = table.told(tws.OpenOrder)
    assert len(told) > len(ORDERS)
    assert sum(one.order.form is not None for one in told) > len(ORDERS)
    for one in told:
        assert SERVER.text(one, version) == SERVER.text(afresh(one), version)


def test_orders_that_differ_in_their_terms_alone_are_known_to_be_alike():
    table = Table()
    for number, order in enumerate((LIMIT, replace(LIMIT, limit_price=601.0)), 101):
        placed(table, number, order)
    first, *others = {one.order.form for one in table.told(tws.OpenOrder)}
    assert first is not None
    assert others == []
