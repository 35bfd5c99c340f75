"""Orders and accounts through the days: sessions, closes, expiries and midnights in New York."""

from collections.abc import AsyncIterator
from datetime import datetime

import pytest

from brokerage.simulator.clock import ManualClock
from brokerage.simulator.holidays import ET
from brokerage.simulator.server import Gateway
from brokerage.tws import messages as tws
from tests.brokerage.wire.raw import Raw

SHARE = tws.Contract(symbol="SPY", sec_type="STK", exchange="SMART", currency="USD")
TUESDAY = datetime(2026, 3, 3, 15, 0, tzinfo=ET)
FRIDAY = datetime(2026, 3, 6, 15, 0, tzinfo=ET)
HOUR, DAY = 3600.0, 86_400.0


@pytest.fixture
async def gateway(request: pytest.FixtureRequest) -> AsyncIterator[Gateway]:
    """By the exchange's calendar, an hour before the close (of a Tuesday, or as asked for)."""
    clock = ManualClock(getattr(request, "param", TUESDAY))
    async with Gateway.serve(clock=clock, always_open=False) as gateway:
        yield gateway


@pytest.fixture
async def raw(gateway: Gateway) -> AsyncIterator[Raw]:
    async with Raw(gateway, 1) as raw:
        yield raw


def at(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=ET)


async def place(raw: Raw, number: int = 501, contract=SHARE, **fields) -> None:
    order = tws.Order(**{"action": "BUY", "quantity": 10.0, "order_type": "LMT"} | fields)
    await raw.say(tws.PlaceOrder(number, contract, order))
    await raw.gateway.skip(1.0)
    await raw.catch_up()


def statuses(raw: Raw, number: int = 501) -> list[str]:
    return [one.status for one in raw.told(tws.OrderStatus) if one.order_id == number]


def codes(raw: Raw) -> list[int]:
    return [one.code for one in raw.told(tws.Error) if one.code < 2100 or one.code > 2200]


async def later(raw: Raw, seconds: float) -> None:
    await raw.gateway.skip(seconds)
    await raw.catch_up()


async def test_a_day_order_ends_at_the_close(raw):
    await place(raw, limit_price=600.0)
    await later(raw, HOUR)
    assert statuses(raw)[-1] == "Cancelled"
    assert codes(raw) == [202]


@pytest.mark.parametrize(
    "more", [{"tif": "GTC"}, {"tif": "GTD", "good_till": "20260304 12:00:00 US/Eastern"}]
)
async def test_an_order_that_is_good_for_longer_survives_the_close(raw, more):
    await place(raw, limit_price=600.0, **more)
    await later(raw, HOUR)
    assert statuses(raw)[-1] == "Submitted"


async def test_an_order_good_till_a_moment_ends_then(raw):
    await place(raw, limit_price=600.0, tif="GTD", good_till="15:30:00")
    await later(raw, HOUR / 2 - 10)
    assert statuses(raw)[-1] == "Submitted"
    await later(raw, 11.0)
    assert statuses(raw)[-1] == "Cancelled"


@pytest.mark.parametrize("gateway", [at(2026, 3, 3, 17)], indirect=True)
async def test_out_of_hours_an_order_waits_for_the_opening_with_code_399(raw):
    await place(raw, order_type="MKT")
    (warning,) = [one for one in raw.told(tws.Error) if one.code == 399]
    assert "until 20260304 09:30:00 US/Eastern" in warning.text
    assert statuses(raw) == ["PreSubmitted"]
    await later(raw, 16.5 * HOUR + 5)
    assert statuses(raw)[-1] == "Filled"


@pytest.mark.parametrize("gateway", [at(2026, 3, 3, 17)], indirect=True)
async def test_an_order_for_all_hours_fills_after_the_close(raw):
    await place(raw, limit_price=700.0, outside_rth=True)
    assert statuses(raw)[-1] == "Filled"
    assert 399 not in codes(raw)


async def test_an_order_that_comes_later_waits_for_its_time(raw):
    await place(raw, order_type="MKT", good_after="15:30:00")
    assert statuses(raw)[-1] == "Submitted"
    await later(raw, HOUR / 2 + 1)
    assert statuses(raw)[-1] == "Filled"


async def test_at_midnight_yesterdays_executions_and_orders_are_gone(raw):
    await place(raw, order_type="MKT")
    await raw.say(tws.ReqExecutions(1), tws.ReqCompletedOrders())
    assert len(raw.told(tws.CompletedOrder)) == 1
    assert [one.req_id for one in raw.told(tws.ExecDetails)] == [-1, 1]
    await later(raw, 9 * HOUR)
    await raw.say(tws.ReqExecutions(2), tws.ReqCompletedOrders())
    assert len(raw.told(tws.CompletedOrder)) == 1
    assert len(raw.told(tws.ExecDetails)) == 2


async def test_the_days_profit_begins_anew_at_midnight(raw):
    await place(raw, order_type="MKT")
    await later(raw, 9 * HOUR + 5)
    await raw.say(tws.ReqPnl(7, "DU1234567", ""))
    before = raw.told(tws.Pnl)[-1]
    assert before.daily == pytest.approx(0.0, abs=0.01)
    assert before.realized == 0.0


@pytest.mark.parametrize("gateway", [FRIDAY], indirect=True)
@pytest.mark.parametrize(("right", "shares"), [("C", 100.0), ("P", 0.0)])
async def test_an_option_is_settled_at_the_close_of_its_last_day(raw, right, shares):
    listed = raw.gateway.venue.floor.listings
    price = raw.gateway.venue.floor.market.price(756733)
    strike = max(one for one in listed.chain("SPY").strikes if one < price - 5)
    option = tws.Contract(
        symbol="SPY", sec_type="OPT", exchange="SMART", currency="USD",
        expiry="20260306", strike=strike, right=right,
    )  # fmt: skip
    await raw.say(tws.ReqPositions())
    await place(raw, contract=option, quantity=1.0, order_type="MKT")
    assert raw.told(tws.PositionData)[-1].position == 1
    await later(raw, HOUR)
    told = {one.contract.sec_type: one.position for one in raw.told(tws.PositionData)}
    assert (told["OPT"], told.get("STK", 0.0)) == (0.0, shares)


@pytest.mark.parametrize("gateway", [FRIDAY], indirect=True)
async def test_no_order_outlives_its_option(raw):
    option = tws.Contract(
        symbol="SPY", sec_type="OPT", exchange="SMART", currency="USD",
        expiry="20260306", strike=650.0, right="C",
    )  # fmt: skip
    await place(raw, contract=option, quantity=1.0, limit_price=0.01, tif="GTC")
    await later(raw, HOUR)
    assert statuses(raw)[-1] == "Cancelled"


async def test_a_halt_ends_what_must_fill_at_once_and_wakes_nothing(gateway, raw):
    gateway.halt(756733)
    await later(raw, 1)
    price = round(gateway.venue.floor.market.quote(756733).ask + 1, 2)
    await place(raw, 501, limit_price=price, tif="IOC")
    await place(raw, 502, limit_price=price, tif="FOK")
    await place(raw, 503, limit_price=price)
    await place(raw, 504, order_type="STP", aux_price=500.0, tif="IOC")
    assert [statuses(raw, one)[-1] for one in (501, 502)] == ["Cancelled", "Inactive"]
    assert [statuses(raw, one)[-1] for one in (503, 504)] == ["Submitted", "PreSubmitted"]
    gateway.resume(756733)
    await later(raw, 2)
    assert [statuses(raw, one)[-1] for one in (503, 504)] == ["Filled", "Filled"]


async def test_an_option_that_expired_this_afternoon_takes_no_order_even_if_all_is_always_open():
    option = tws.Contract(
        symbol="SPY", sec_type="OPT", exchange="SMART", currency="USD",
        expiry="20260306", strike=685.0, right="C",
    )  # fmt: skip
    clock = ManualClock(at(2026, 3, 6, 16, 30))
    async with Gateway.serve(clock=clock) as gateway, Raw(gateway, 1) as raw:
        await place(raw, contract=option, quantity=1.0, order_type="MKT")
        assert (codes(raw), statuses(raw)) == ([200], [])


async def test_a_child_can_still_be_changed_when_midnight_has_forgotten_its_parent(gateway, raw):
    price = round(gateway.venue.floor.market.quote(756733).ask + 0.5, 2)
    child = {"action": "SELL", "order_type": "STP", "parent_id": 501, "tif": "GTC"}
    await place(raw, 501, limit_price=price, transmit=False)
    await place(raw, 502, aux_price=500.0, **child)
    await later(raw, DAY)
    await place(raw, 502, aux_price=502.0, **child)
    assert codes(raw) == []
    assert gateway.venue.floor.book.order((1, 502)).stop_price == 502.0


@pytest.mark.parametrize("gateway", [at(2026, 3, 6, 3, 0)], indirect=True)
async def test_options_open_and_close_at_regular_hours_whatever_their_order_allows(raw):
    option = tws.Contract(
        symbol="SPY", sec_type="OPT", exchange="SMART", currency="USD",
        expiry="20260313", strike=685.0, right="C",
    )  # fmt: skip
    await place(raw, contract=option, quantity=1.0, limit_price=0.01, outside_rth=True)
    (warning,) = [one.text for one in raw.told(tws.Error) if one.code == 399]
    assert "until 20260306 09:30:00" in warning
    await later(raw, 13 * HOUR)
    assert statuses(raw)[-1] == "Cancelled"
