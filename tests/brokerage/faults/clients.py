"""What a plain ib_async can be asked about its connection, in one word each."""

import asyncio
from contextlib import suppress

from ib_async import IB

from brokerage.simulator.server import Gateway

PATIENCE = 0.6  # wall seconds; only what never comes takes that long
LONG = 10.0  # of a sound gateway everything comes, on a busy machine a little late


def patience(gateway: Gateway) -> float:
    """How long to wait for an answer that may never come."""
    return PATIENCE if gateway.faults else LONG


async def attempt(gateway: Gateway, client_id: int = 2, **options: object) -> tuple[str, list[int]]:
    """How an attempt to connect ends, and the codes that came with it."""
    ib, told = IB(), []
    ib.errorEvent += lambda req_id, code, text, contract: told.append(code)
    options = {"timeout": patience(gateway)} | options
    try:
        await ib.connectAsync("127.0.0.1", gateway.port, clientId=client_id, **options)
    except Exception as error:  # noqa: BLE001 - its name is the answer
        return type(error).__name__, told
    ib.disconnect()
    await asyncio.sleep(0)
    return "connected", told


async def alive(gateway: Gateway, ib: IB) -> bool:
    """Whether the gateway tells its time."""
    with suppress(TimeoutError, ConnectionError):
        return bool(await asyncio.wait_for(ib.reqCurrentTimeAsync(), patience(gateway)))
    return False


def told(ib: IB) -> list[int]:
    """All codes from now on, farm notices included."""
    heard: list[int] = []
    ib.errorEvent += lambda req_id, code, text, contract: heard.append(code)
    return heard


def updates(ib: IB, ticker: object) -> list[float]:
    """The bids of a stream from now on, as they come."""
    bids: list[float] = []
    ticker.updateEvent += lambda one: bids.append(one.bid)  # type: ignore[attr-defined]
    return bids


async def updates_from_now_on(ib: IB, ticker: object) -> list[float]:
    """The same, but for what was on its way: an answer comes behind it."""
    await ib.reqCurrentTimeAsync()
    return updates(ib, ticker)
