"""What the market did by itself, after the last word of any client, outlives a restart too."""

import shutil
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from brokerage.simulator.clock import ManualClock
from brokerage.simulator.holidays import ET
from brokerage.simulator.server import Gateway
from brokerage.tws import messages as tws
from tests.brokerage.wire.raw import Raw
from tests.brokerage.wire.test_wire_restart import BUY, MONDAY, SPY, run

ID = 756733
TRAIL = replace(BUY, action="SELL", order_type="TRAIL", aux_price=2.0, tif="GTC")


@asynccontextmanager
async def killed(directory: Path, start: datetime = MONDAY + timedelta(minutes=1)):
    """The gateway that starts on what is on the disk now, as if the first had been killed."""
    copy = directory.with_name(f"{directory.name}-killed")
    shutil.copytree(directory, copy)
    async with Gateway.serve(state_dir=copy, clock=ManualClock(start)) as gateway:
        yield gateway


async def trailed(raw: Raw) -> float:
    """Where the stop of a TRAIL stands after a rise of which no client hears."""
    await raw.say(tws.PlaceOrder(500, SPY, TRAIL))
    await raw.gateway.skip(1)
    raw.gateway.move(ID, 1.02)
    await raw.gateway.skip(3)
    return raw.gateway.venue.floor.book.order((1, 500)).stop_price


def stop(gateway: Gateway) -> float:
    return gateway.venue.floor.book.order((1, 500)).stop_price


async def test_a_trailing_stop_stands_where_it_stood(tmp_path):
    async with run(tmp_path / "a") as gateway, Raw(gateway, 1) as raw:
        before = await trailed(raw)
        async with killed(tmp_path / "a") as again:
            assert stop(again) == before > gateway.venue.floor.market.quote(ID).last - 5
    async with run(tmp_path / "a", 60) as again:
        assert stop(again) == before


async def test_a_stop_limit_order_that_woke_up_stays_awake(tmp_path):
    async with run(tmp_path / "a") as gateway, Raw(gateway, 1) as raw:
        ask = gateway.venue.floor.market.quote(ID).ask
        prices = {"aux_price": round(ask + 1, 2), "limit_price": round(ask - 5, 2)}
        order = replace(BUY, order_type="STP LMT", tif="GTC", **prices)
        await raw.say(tws.PlaceOrder(500, SPY, order))
        gateway.move(ID, 1.005)
        await gateway.skip(3)
        async with killed(tmp_path / "a") as again:
            assert again.venue.floor.book.order((1, 500)).triggered


async def test_an_option_that_was_exercised_stays_exercised(tmp_path):
    clock = ManualClock(datetime(2026, 3, 6, 15, 0, tzinfo=ET))
    settings = {"clock": clock, "state_dir": tmp_path / "a"}
    async with Gateway.serve(**settings) as gateway, Raw(gateway, 1) as raw:
        strike = float(round(gateway.venue.floor.market.quote(ID).last) - 20)
        terms = {"sec_type": "OPT", "expiry": "20260306", "strike": strike, "right": "C"}
        await raw.say(tws.PlaceOrder(500, replace(SPY, **terms), replace(BUY, quantity=1)))
        await gateway.skip(3700)
        account = gateway.venue.floor.account()
        async with killed(tmp_path / "a", datetime(2026, 3, 6, 17, 0, tzinfo=ET)) as again:
            kept = again.venue.floor.account()
            assert kept.held() == account.held()
            assert (kept.cash, kept.held_quantity(ID)) == (account.cash, 100.0)


async def test_a_transferred_position_is_kept(tmp_path):
    async with run(tmp_path / "a") as gateway, Raw(gateway, 1) as raw:
        await raw.say(tws.ReqPositions())
        gateway.faults.on("position_changed_elsewhere")
        await gateway.skip(1)
        async with killed(tmp_path / "a") as again:
            held = gateway.venue.floor.account().held()
            assert again.venue.floor.account().held() == held != []


async def test_an_order_that_the_opening_released_is_released(tmp_path):
    night = datetime(2026, 3, 3, 9, 29, tzinfo=ET)
    settings = {"clock": ManualClock(night), "always_open": False, "state_dir": tmp_path / "a"}
    async with Gateway.serve(**settings) as gateway, Raw(gateway, 1) as raw:
        order = replace(BUY, order_type="LMT", limit_price=500.0)
        await raw.say(tws.PlaceOrder(500, SPY, order))
        await gateway.skip(120)
        async with killed(tmp_path / "a") as again:
            assert not again.venue.fills.record((1, 500)).held


async def test_orders_of_one_price_keep_their_turns(tmp_path):
    first, second = (
        replace(BUY, order_type="LMT", limit_price=price, tif="GTC") for price in (600.0, 601.0)
    )
    async with run(tmp_path) as gateway, Raw(gateway, 1) as raw:
        await raw.say(tws.PlaceOrder(500, SPY, first), tws.PlaceOrder(501, SPY, second))
        await raw.say(tws.PlaceOrder(500, SPY, second))  # behind the other now
    async with run(tmp_path, 60) as again, Raw(again, 1) as raw:
        await raw.say(tws.PlaceOrder(502, SPY, second))
        turns = [sim.key[1] for sim in again.venue.floor.book.working()]
        assert turns == [501, 500, 502]
