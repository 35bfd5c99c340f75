"""A running simulated gateway and the real, unmodified ib_async against it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from ib_async import IB, Contract, Option, Stock, Ticker

from brokerage.simulator.server import Gateway

SPEED = 25.0
SPY = Stock("SPY", "SMART", "USD")


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    """A sound gateway; tests switch its faults."""
    async with Gateway.serve(seed=7, speed=SPEED) as gateway:
        yield gateway


@asynccontextmanager
async def client(gateway: Gateway, client_id: int = 1, **options: object) -> AsyncIterator[IB]:
    """A connected ib_async; `ib.errors` holds the codes it was told."""
    ib = IB()
    ib.errors = []
    ib.errorEvent += lambda req_id, code, text, contract: ib.errors.append((code, req_id, text))
    await ib.connectAsync("127.0.0.1", gateway.port, clientId=client_id, **options)
    try:
        yield ib
    finally:
        ib.disconnect()
        await asyncio.sleep(0)


@pytest.fixture
async def ib(gateway: Gateway) -> AsyncIterator[IB]:
    """The first client."""
    async with client(gateway) as ib:
        yield ib


async def until(condition: Callable[[], object], limit: float = 5.0) -> None:
    """Wait for something to become true; fails after so many wall seconds."""
    async with asyncio.timeout(limit):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.002)


def codes(ib: IB) -> list[int]:
    """Error codes the client was told, without the notices of the farms."""
    return [code for code, _, _ in ib.errors if not 2100 <= code < 2200]


async def spy(ib: IB) -> Contract:
    """SPY, qualified."""
    (contract,) = await ib.qualifyContractsAsync(Stock("SPY", "SMART", "USD"))
    return contract


async def snapshot(ib: IB, contract: Contract) -> Ticker:
    """One quote."""
    (ticker,) = await ib.reqTickersAsync(contract)
    return ticker


async def call(ib: IB) -> tuple[Contract, Ticker]:
    """A weekly call some 3 % out of the money, and its quote."""
    share = await spy(ib)
    last = (await snapshot(ib, share)).last
    chain = (await ib.reqSecDefOptParamsAsync("SPY", "", "STK", share.conId))[0]
    strike = next(strike for strike in chain.strikes if strike > last * 1.03)
    wanted = Option("SPY", chain.expirations[1], strike, "C", "SMART")
    (contract,) = await ib.qualifyContractsAsync(wanted)
    return contract, await snapshot(ib, contract)
