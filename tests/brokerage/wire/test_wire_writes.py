"""When answers leave: at once or after the latency, and all of one cause in one write."""

import asyncio
import time
from datetime import UTC, datetime

import pytest

from brokerage.simulator.clock import ManualClock
from brokerage.simulator.peer import Peer
from brokerage.simulator.server import Gateway
from brokerage.tws import messages as tws
from brokerage.tws.framing import Frames
from tests.brokerage.wire.raw import Raw

MONDAY = datetime(2026, 11, 23, 15, tzinfo=UTC)
SPY = tws.Contract(symbol="SPY", sec_type="STK", exchange="SMART", currency="USD")
QQQ = tws.Contract(symbol="QQQ", sec_type="STK", exchange="SMART", currency="USD")
LATENCY = 0.05


@pytest.fixture
def writes(monkeypatch) -> list[tuple[int | None, int]]:
    """Client and number of messages of each write from now on."""
    seen, write = [], Peer.write

    def noted(self: Peer, data: bytes) -> None:
        frames = Frames()
        frames.feed(data)
        client_id = self.session.client_id if self.session else None
        seen.append((client_id, len(list(frames))))
        write(self, data)

    monkeypatch.setattr(Peer, "write", noted)
    return seen


async def test_what_one_chunk_asks_for_leaves_in_one_write(writes):
    async with Gateway.serve(clock=ManualClock(MONDAY)) as gateway, Raw(gateway, 1) as raw:
        writes.clear()
        await raw.say(*[tws.ReqIds(1)] * 9)
        assert writes == [(1, 10)]


async def test_a_market_update_leaves_in_one_write_for_each_client(writes):
    async with (
        Gateway.serve(clock=ManualClock(MONDAY)) as gateway,
        Raw(gateway, 1) as one,
        Raw(gateway, 2) as two,
    ):
        for raw in (one, two):
            await raw.say(tws.ReqMktData(9, SPY), tws.ReqMktData(10, QQQ))
        writes.clear()
        before = gateway.transcript.count
        await gateway.skip(0.25)
        assert sorted(client_id for client_id, _ in writes) == [1, 2]
        assert sum(count for _, count in writes) == gateway.transcript.count - before


async def test_a_fill_follows_its_acknowledgement_at_once_in_a_write_of_its_own(writes):
    async with Gateway.serve(clock=ManualClock(MONDAY)) as gateway, Raw(gateway, 1) as raw:
        writes.clear()
        order = tws.Order(action="BUY", quantity=1, order_type="MKT", tif="DAY")
        await raw.say(tws.PlaceOrder(200, SPY, order))
        names = [frame.name for frame in gateway.transcript]
        assert [count for _, count in writes] == [3, 4]  # acknowledged, and told; the fill
        assert names.index("CurrentTime") < names.index("ExecDetails")


async def test_answers_wait_for_the_latency_in_the_order_of_the_questions():
    async with Gateway.serve(latency=LATENCY) as gateway, Raw(gateway, 1) as raw:
        began = time.monotonic()
        raw.post(tws.ReqIds(1))
        raw.post(tws.ReqManagedAccts())
        await raw.say()
        assert time.monotonic() - began >= LATENCY
        names = [frame.name for frame in gateway.transcript if frame.direction == "out"]
        assert names[-3:] == ["NextValidId", "ManagedAccts", "CurrentTime"]


async def test_what_was_sent_before_a_hasty_goodbye_still_counts():
    async with Gateway.serve(latency=LATENCY) as gateway:
        async with Raw(gateway, 1) as raw:
            order = tws.Order(action="BUY", quantity=1, order_type="MKT", tif="DAY")
            raw.post(tws.PlaceOrder(200, SPY, order))
        async with asyncio.timeout(10), Raw(gateway, 1) as raw:
            assert raw.told(tws.NextValidId)[0].order_id == 201
