"""Noise and spoilt messages at a running gateway: the offender pays, ib_async works on."""

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ib_async import LimitOrder

from brokerage.simulator.server import Gateway
from brokerage.tws.framing import frame, join
from tests.brokerage.tws.test_tws_fuzz import HELLO, START, spoilt
from tests.brokerage.wire.conftest import client, snapshot, spy, until

DONE = ("Cancelled", "Inactive")  # noise may be a global cancel, or have spent the account's money
ATTACKS = st.lists(st.binary(max_size=60) | spoilt().map(frame), min_size=1, max_size=5)


async def attack(port: int, number: int, pieces: list[bytes]) -> None:
    """Start a session of one's own, say all that, and leave without waiting for an answer."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    start = frame(join(["71", "2", str(number), ""])) if number % 2 else START
    try:
        writer.write(HELLO + start + b"".join(pieces))
        await writer.drain()
        writer.write_eof()
    except ConnectionError:
        pass
    finally:
        writer.close()


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(ATTACKS, min_size=1, max_size=6))
def test_nothing_that_a_client_sends_disturbs_another(attacks):
    async def story() -> None:
        async with Gateway.serve(speed=25) as gateway, client(gateway, 0) as ib:
            await asyncio.gather(
                *(attack(gateway.port, 100 + at, pieces) for at, pieces in enumerate(attacks))
            )
            share = await spy(ib)
            assert (await snapshot(ib, share)).bid > 0
            trade = ib.placeOrder(share, LimitOrder("BUY", 1, 100.0))
            await until(lambda: trade.orderStatus.status in {"Submitted", *DONE}, limit=20)
            if not trade.isDone():
                ib.cancelOrder(trade.order)
            await until(lambda: trade.orderStatus.status in DONE, limit=20)

    asyncio.run(story())
