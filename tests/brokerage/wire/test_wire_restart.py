"""What outlives a restart of the gateway when it has a state directory."""

import asyncio
import subprocess
import sys
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from brokerage.simulator.clock import ManualClock
from brokerage.simulator.server import Gateway
from brokerage.simulator.state import NAME, StateError
from brokerage.tws import messages as tws
from tests.brokerage.wire.raw import Raw

ROOT = Path(__file__).parents[3]
MONDAY = datetime(2026, 11, 23, 15, tzinfo=UTC)
SPY = tws.Contract(symbol="SPY", sec_type="STK", exchange="SMART", currency="USD")
BUY = tws.Order(action="BUY", quantity=3, order_type="MKT", tif="DAY")
SERVER = """
import asyncio, sys
from pathlib import Path
from types import SimpleNamespace
from brokerage.simulator.server import Gateway
async def main():
    async with Gateway.serve(state_dir=Path(sys.argv[1])) as gateway:
        print(gateway.port, flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""


@asynccontextmanager
async def run(directory: Path, after: float = 0.0, **settings: object):
    """One life of a gateway with this state, which begins so many seconds after Monday 15:00."""
    clock = ManualClock(MONDAY + timedelta(seconds=after))
    async with Gateway.serve(state_dir=directory, clock=clock, **settings) as gateway:
        yield gateway


async def next_id(gateway: Gateway, client_id: int) -> int:
    """What a client is told when it connects."""
    async with Raw(gateway, client_id) as raw:
        return raw.told(tws.NextValidId)[0].order_id


def resting(gateway: Gateway) -> tws.Order:
    """A limit that the market will not reach soon."""
    bid = gateway.venue.floor.market.quote(756733).bid
    price = round(bid * 0.98, 2)
    return replace(BUY, order_type="LMT", limit_price=price, tif="GTC")


async def test_each_clients_order_ids_go_on(tmp_path):
    async with run(tmp_path) as gateway, Raw(gateway, 1) as one, Raw(gateway, 2) as two:
        await one.say(tws.PlaceOrder(500, SPY, BUY))
        await two.say(tws.PlaceOrder(700, SPY, BUY))
    async with run(tmp_path, 60) as gateway:
        assert [await next_id(gateway, client_id) for client_id in (1, 2, 3)] == [501, 701, 101]


async def test_permanent_and_execution_ids_never_repeat(tmp_path):
    seen = []
    for life in range(3):
        async with run(tmp_path, life) as gateway, Raw(gateway, 1) as raw:
            await raw.say(tws.PlaceOrder(200 + life, SPY, BUY))
            await gateway.skip(2)
            await raw.catch_up()
            (fill,) = raw.told(tws.ExecDetails)
            seen.append((fill.perm_id, fill.exec_id.split(".", 1)[1]))
    assert len(set(seen)) == len({one for pair in seen for one in pair}) / 2 == 3


async def test_positions_and_cash_are_kept(tmp_path):
    async with run(tmp_path) as gateway, Raw(gateway, 1) as raw:
        await raw.say(tws.PlaceOrder(200, SPY, BUY))
        await gateway.skip(2)
        cash = gateway.venue.floor.account().cash
    async with run(tmp_path, 60) as gateway, Raw(gateway, 1) as raw:
        await raw.say(tws.ReqPositions())
        assert [one.position for one in raw.told(tws.PositionData)] == [3.0]
        assert gateway.venue.floor.account().cash == cash < 100_000


async def test_a_working_order_is_listed_cancelled_and_not_placed_twice(tmp_path):
    async with run(tmp_path) as gateway, Raw(gateway, 1) as raw:
        await raw.say(tws.PlaceOrder(200, SPY, resting(gateway)))
        await gateway.skip(1)
        perm_id = raw.told(tws.OpenOrder)[-1].perm_id
    async with run(tmp_path, 3600) as gateway, Raw(gateway, 1) as raw:
        (order,) = {(one.order_id, one.perm_id) for one in raw.told(tws.OpenOrder)}
        assert order == (200, perm_id)
        await raw.say(tws.CancelOrder(200))
        assert raw.told(tws.OrderStatus)[-1].status == "Cancelled"
    async with run(tmp_path, 3700) as gateway, Raw(gateway, 1) as raw:
        assert raw.told(tws.OpenOrder) == []


async def test_a_kept_order_fills_in_its_next_life(tmp_path):
    async with run(tmp_path) as gateway, Raw(gateway, 1) as raw:
        await raw.say(tws.PlaceOrder(200, SPY, resting(gateway)))
        await gateway.skip(1)
    async with run(tmp_path, 60) as gateway, Raw(gateway, 1) as raw:
        gateway.move(756733, 0.9)
        await gateway.skip(2)
        await raw.catch_up()
        assert sum(fill.shares for fill in raw.told(tws.ExecDetails)) == 3.0


@pytest.fixture
def process(tmp_path):
    """A gateway in a process of its own, on this state."""
    command = [sys.executable, "-c", SERVER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        yield process
        process.kill()


async def test_a_killed_process_has_kept_what_it_told(tmp_path, process):
    elsewhere = SimpleNamespace(port=int(process.stdout.readline()), sessions=list)
    async with asyncio.timeout(30), Raw(elsewhere, 1) as raw:
        await raw.say(tws.PlaceOrder(900, SPY, BUY))
        process.kill()
        process.wait()
    async with run(tmp_path, 60) as gateway:
        assert await next_id(gateway, 1) == 901


async def test_an_account_of_another_login_is_kept_for_later(tmp_path):
    async with run(tmp_path, accounts=("DU1",)) as gateway, Raw(gateway, 1) as raw:
        await raw.say(tws.PlaceOrder(200, SPY, BUY))
        await gateway.skip(2)
    async with run(tmp_path, 60, accounts=("DU2",)) as gateway, Raw(gateway, 1) as raw:
        await raw.say(tws.PlaceOrder(201, SPY, BUY))
    async with run(tmp_path, 120, accounts=("DU1", "DU2")) as gateway:
        assert gateway.venue.floor.account("DU1").cash < 100_000


async def test_the_orders_of_another_login_are_kept_with_its_account(tmp_path):
    async with run(tmp_path, accounts=("DU1",)) as gateway, Raw(gateway, 1) as raw:
        await raw.say(tws.PlaceOrder(200, SPY, resting(gateway)))
        await gateway.skip(1)
    for life in (60, 120):
        async with run(tmp_path, life, accounts=("DU2",)) as gateway, Raw(gateway, 1) as raw:
            assert gateway.venue.keeping.elsewhere == ("DU1",)
            assert raw.told(tws.OpenOrder) == []
            await raw.say(tws.PlaceOrder(200 + life, SPY, BUY))
    async with run(tmp_path, 180, accounts=("DU1",)) as gateway, Raw(gateway, 1) as raw:
        assert {one.order_id for one in raw.told(tws.OpenOrder)} == {200}


@pytest.mark.parametrize("content", [b"{", b'{"format":"crucible-gateway state 1"}'])
async def test_a_damaged_state_keeps_the_gateway_from_starting(tmp_path, content):
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(StateError, match="damaged"):
        async with run(tmp_path):
            pass
    assert (tmp_path / NAME).read_bytes() == content


async def test_two_gateways_on_one_directory_are_refused(tmp_path):
    async with run(tmp_path):
        with pytest.raises(StateError, match="Another gateway"):
            async with run(tmp_path):
                pass


async def test_without_a_directory_nothing_is_kept(tmp_path):
    for _ in range(2):
        async with Gateway.serve(clock=ManualClock(MONDAY)) as gateway:
            assert await next_id(gateway, 1) == 101
            async with Raw(gateway, 1) as raw:
                await raw.say(tws.PlaceOrder(500, SPY, BUY))
