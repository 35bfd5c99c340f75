"""A trailing stop begins when its order does: not before its parent has filled, nor its time."""

from collections.abc import AsyncIterator

import pytest

from brokerage.simulator.clock import ManualClock
from brokerage.simulator.market import Quote
from brokerage.simulator.server import Gateway
from brokerage.tws import messages as tws
from tests.brokerage.wire.raw import Raw
from tests.brokerage.wire.test_wire_days import TUESDAY, later, place, statuses

ID = 756733
TRAIL = {"action": "SELL", "order_type": "TRAIL", "aux_price": 2.0}


@pytest.fixture
async def raw() -> AsyncIterator[Raw]:
    """A client of a gateway whose clock is moved by hand."""
    async with Gateway.serve(clock=ManualClock(TUESDAY)) as gateway, Raw(gateway, 1) as raw:
        yield raw


def quote(raw: Raw) -> Quote:
    return raw.gateway.venue.floor.market.quote(ID)


async def fall(raw: Raw) -> None:
    """The market loses 2 %."""
    raw.gateway.move(ID, 0.98)
    await later(raw, 3)


async def test_a_trailing_exit_does_not_stop_out_when_its_entry_fills_after_a_fall(raw):
    entry = round(quote(raw).bid * 0.985, 2)
    await place(raw, 501, limit_price=entry, transmit=False)
    await place(raw, 502, parent_id=501, **TRAIL)
    await fall(raw)
    assert (statuses(raw, 501)[-1], statuses(raw, 502)[-1]) == ("Filled", "PreSubmitted")
    told = [one for one in raw.told(tws.OpenOrder) if one.order_id == 502]
    stops = [one.order.trail_stop_price for one in told]
    assert stops[0] is None
    assert stops[-1] == pytest.approx(quote(raw).last - 2, abs=0.5)


async def test_the_stop_of_an_order_for_later_trails_from_then_on(raw):
    await place(raw, 501, order_type="MKT")
    await place(raw, 502, good_after="20260303 15:10:00 US/Eastern", **TRAIL)
    await fall(raw)
    assert raw.gateway.venue.floor.book.order((1, 502)).stop_price == 0.0
    await later(raw, 598)
    assert statuses(raw, 502)[-1] == "PreSubmitted"
    stop = raw.gateway.venue.floor.book.order((1, 502)).stop_price
    assert stop == pytest.approx(quote(raw).last - 2, abs=0.5)
