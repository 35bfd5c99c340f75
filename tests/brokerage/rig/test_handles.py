"""What a test holds of its gateway: thread, clock, market, faults and transcript."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from ib_async import IB, MarketOrder, Stock

from brokerage.rig.errors import RefusedError
from brokerage.rig.handles import ClockHandle, TwsGateway
from brokerage.rig.running import Running
from brokerage.simulator.faults.fault import FaultError

SPY = Stock("SPY", "SMART", "USD")
START = datetime(2026, 3, 3, 15, 30, tzinfo=UTC)


@pytest.fixture
def gateway() -> Iterator[TwsGateway]:
    with TwsGateway(speed=25.0, start=START) as gateway:
        yield gateway


@pytest.fixture
async def ib(gateway: TwsGateway) -> IB:
    ib = IB()
    await ib.connectAsync(gateway.host, gateway.port, clientId=1)
    yield ib
    ib.disconnect()


def test_it_starts_at_once():
    assert min(start() for _ in range(5)) < 0.05


def start() -> float:
    """Wall seconds from nothing to a gateway that listens."""
    began = time.perf_counter()
    with TwsGateway() as gateway:
        assert gateway.port
        return time.perf_counter() - began


def test_it_leaves_no_thread_and_no_open_port():
    with TwsGateway() as gateway:
        assert [t for t in threading.enumerate() if t.name == "tws-gateway"]
    gateway.stop()
    assert not [t for t in threading.enumerate() if t.name == "tws-gateway"]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((gateway.host, gateway.port))
    with pytest.raises(RuntimeError, match="the gateway has stopped"):
        gateway.wait_for("Hello")
    assert gateway.transcript == []


def test_a_call_may_take_as_long_as_it_gets_on():
    steps = []

    async def works() -> str:
        for number in range(5):
            await asyncio.sleep(0.1)
            steps.append(number)
        return "done"

    with Running() as running:
        assert running.wait(works, limit=0.3, moves=lambda: len(steps)) == "done"
        with pytest.raises(TimeoutError, match=r"Nothing has happened for 0\.3 s"):
            running.wait(works, limit=0.3)


def test_a_skip_may_take_longer_than_a_call_and_says_how_far_it_came_when_it_can_not(monkeypatch):
    monkeypatch.setattr(Running.wait, "__defaults__", (0.2, lambda: None))
    with Running(start=START) as running:
        clock = ClockHandle(running)
        clock.skip(2 * 3600)
        assert clock.now() >= START + timedelta(hours=2)
        monkeypatch.setattr(running.gateway, "_settle", stand_still)
        with pytest.raises(TimeoutError, match=r"skip of 60 s does not get on.* to 2026-03-03 17:"):
            clock.skip(60)


async def stand_still(pause: float, turns: int) -> None:
    await asyncio.Event().wait()


def test_a_taken_port_is_an_error_of_the_caller(gateway):
    with pytest.raises(OSError, match="in use"):
        TwsGateway(port=gateway.port).start()


def test_the_clock_begins_where_it_was_told_and_skips(gateway):
    before = gateway.clock.time()
    assert before - START.timestamp() < 600
    gateway.clock.skip(3600.0)
    assert 3600 <= gateway.clock.time() - before < 4200
    assert gateway.clock.now().tzinfo is UTC


def test_the_clock_changes_its_speed(gateway):
    gateway.clock.speed = 1.0
    assert gateway.clock.speed == 1.0
    before = gateway.clock.time()
    time.sleep(0.01)
    assert gateway.clock.time() - before < 5


def test_the_market_moves_one_share_and_not_the_others(gateway):
    spy, qqq = gateway.market.quote("SPY"), gateway.market.quote("QQQ")
    gateway.market.move("SPY", 0.5)
    gateway.clock.skip(1.0)
    assert gateway.market.quote("SPY").last == pytest.approx(spy.last / 2, rel=0.01)
    assert gateway.market.quote("QQQ").last == pytest.approx(qqq.last, rel=0.01)
    assert gateway.market.quote(spy.con_id).con_id == spy.con_id


def test_a_symbol_that_is_not_listed_is_told(gateway):
    with pytest.raises(FaultError, match="symbol 'XYZ' is not listed; there are SPY"):
        gateway.market.quote("XYZ")


async def test_an_order_waits_for_the_end_of_a_halt(gateway, ib):
    gateway.market.halt("SPY")
    gateway.clock.skip(1.0)
    await ib.qualifyContractsAsync(SPY)
    trade = ib.placeOrder(SPY, MarketOrder("BUY", 10))
    await asyncio.to_thread(gateway.wait_for, "PlaceOrder")
    gateway.clock.skip(5.0)
    assert gateway.executions() == []
    gateway.market.resume("SPY")
    await asyncio.wait_for(trade.filledEvent, 10)
    assert gateway.orders()[0].order.quantity == 10
    await ib.reqExecutionsAsync()  # their answers are no further executions
    assert sum(details.shares for details in gateway.executions()) == 10


def test_faults_are_switched_and_listed(gateway):
    with gateway.faults.using("slow_acknowledgements", median=5.0) as fault:
        assert gateway.faults.active() == (fault,)
        assert fault.median == 5.0
    assert gateway.faults.active() == ()
    gateway.faults.on("half_open_socket")
    assert gateway.faults.clear() == ["half_open_socket"]
    assert not gateway.faults.off("half_open_socket")
    with pytest.raises(FaultError, match="did you mean half_open_socket"):
        gateway.faults.on("half_open_sockets")


async def test_disconnect_cuts_whoever_is_connected(gateway, ib):
    gone = asyncio.Event()
    ib.disconnectedEvent += gone.set
    gateway.disconnect()
    await asyncio.wait_for(gone.wait(), 5)


@pytest.mark.parametrize(
    ("name", "hint"), [("PlaceOrders", "did you mean PlaceOrder"), ("x", "docs/gateway.md")]
)
def test_waiting_for_what_no_message_is_called_is_refused_at_once(gateway, name, hint):
    with pytest.raises(RefusedError, match=f"No message is called {name}: {hint}"):
        gateway.wait_for(name, timeout=60.0)


@pytest.mark.parametrize("name", ["Malformed", "Unsupported9999", "On"])
def test_waiting_for_what_is_no_message_of_the_tables_is_waiting(gateway, name):
    with pytest.raises(TimeoutError, match=f"not seen any {name}"):
        gateway.wait_for(name, timeout=0.01)


async def test_waiting_for_a_message_finds_earlier_ones_and_counts(gateway, ib):
    first = await asyncio.to_thread(gateway.wait_for, "StartApi")
    assert first.message.client_id == 1
    with pytest.raises(TimeoutError, match=r"not seen StartApi 2 times within 0\.05 s"):
        await asyncio.to_thread(gateway.wait_for, "StartApi", 2, 0.05)
    waiting = asyncio.create_task(asyncio.to_thread(gateway.wait_for, "ReqCurrentTime", 2))
    await ib.reqCurrentTimeAsync()
    assert not waiting.done()
    await ib.reqCurrentTimeAsync()
    assert (await waiting).name == "ReqCurrentTime"
