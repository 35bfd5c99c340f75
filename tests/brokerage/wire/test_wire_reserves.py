"""The margin that working orders keep follows what they would do to the account now."""

from collections.abc import AsyncIterator

import pytest

from brokerage.simulator.clock import ManualClock
from brokerage.simulator.server import Gateway
from brokerage.tws import messages as tws
from tests.brokerage.wire.raw import Raw
from tests.brokerage.wire.test_wire_days import TUESDAY, codes, place, statuses

QQQ = tws.Contract(symbol="QQQ", sec_type="STK", exchange="SMART", currency="USD")
LARGE = {"quantity": 200.0}


@pytest.fixture
async def raw() -> AsyncIterator[Raw]:
    """A client of a gateway whose clock is moved by hand; its account has 100,000 dollars."""
    async with Gateway.serve(clock=ManualClock(TUESDAY)) as gateway, Raw(gateway, 1) as raw:
        yield raw


async def buy_another(raw: Raw) -> None:
    """An entry for which 30,000 dollars must be free."""
    await place(raw, 550, QQQ, limit_price=600.0, **LARGE)


async def test_the_exits_of_a_bracket_keep_no_margin_while_its_entry_rests(raw):
    await place(raw, 501, limit_price=680.0, transmit=False, **LARGE)
    exits = {"action": "SELL", "parent_id": 501, **LARGE}
    await place(raw, 502, limit_price=700.0, transmit=False, **exits)
    await place(raw, 503, order_type="STP", aux_price=650.0, **exits)
    await buy_another(raw)
    assert (codes(raw), statuses(raw, 550)[-1]) == ([], "Submitted")


async def test_a_child_that_sells_more_than_its_entry_buys_keeps_margin(raw):
    await place(raw, 501, limit_price=680.0, transmit=False, quantity=100.0)
    await place(raw, 502, action="SELL", limit_price=700.0, parent_id=501, quantity=300.0)
    await buy_another(raw)
    assert codes(raw) == [201]


async def test_a_sale_that_only_closes_since_another_order_filled_keeps_no_margin(raw):
    await place(raw, 501, action="SELL", limit_price=720.0, **LARGE)
    await place(raw, 502, order_type="MKT", **LARGE)
    await buy_another(raw)
    assert (codes(raw), statuses(raw, 550)[-1]) == ([], "Submitted")


async def test_a_sale_whose_position_another_order_has_closed_keeps_margin(raw):
    await place(raw, 501, order_type="MKT", **LARGE)
    await place(raw, 502, action="SELL", limit_price=720.0, **LARGE)
    await place(raw, 503, action="SELL", order_type="MKT", **LARGE)
    await place(raw, 550, quantity=560.0, limit_price=680.0)
    assert codes(raw) == [201]
