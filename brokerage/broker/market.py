"""Contracts, quotes, streams and bars."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from ib_async import Contract as IBContract
from ib_async import Ticker

from brokerage.broker.library import contract_of, ib_contract
from brokerage.broker.link import Link
from brokerage.broker.stream import Stream
from brokerage.errors import (
    ContractNotFoundError,
    GatewayConnectionError,
    GatewayTimeout,
    LinesExhaustedError,
)
from brokerage.terms import Bar, Chain, Contract, ContractSpec, Quote, Tick

MOST_LINES = 20
EXCHANGE_ZONE = ZoneInfo("America/New_York")
# Real-time volume: its time stamps are milliseconds of the exchange.
STREAM_TICKS = "233"
# The broker's kinds of market data; with DELAYED, live data are sent where they may be.
LIVE, DELAYED = 1, 3
CLOCKS = ("rtTime", "lastTimestamp", "delayedLastTimestamp")
KINDS: dict[int, Any] = {1: "bid", 66: "bid", 2: "ask", 67: "ask", 4: "last", 68: "last"}


async def qualify(link: Link, spec: ContractSpec, limit: float = 10.0) -> Contract:
    """Return the one contract that the broker knows for this; raises ContractNotFoundError."""
    wanted = IBContract(
        symbol=spec.symbol,
        secType="STK" if spec.sec_type == "ETF" else spec.sec_type,
        exchange=spec.exchange,
        currency=spec.currency,
        lastTradeDateOrContractMonth=spec.expiry,
        strike=spec.strike,
        right=spec.right[:1].upper(),
    )
    what = f"the contract {spec.symbol}"
    found = await link.ask(what, lambda: link.ib.reqContractDetailsAsync(wanted), limit)
    contracts = [
        contract_of(item.contract, min_tick=item.minTick, long_name=item.longName)
        for item in found
        if item.contract is not None and item.contract.symbol == spec.symbol
    ]
    if len({contract.con_id for contract in contracts}) != 1:
        count = len(contracts) or "no"
        raise ContractNotFoundError(
            f"Contract not found: {_words(spec)} ({count} matches).",
            "The symbol is invalid or the description is ambiguous.",
            "Check symbol, expiry, strike and right.",
            code=200,
        )
    # SMART routes what can be traded; an index is told at its own exchange alone.
    return contracts[0] if contracts[0].is_index else replace(contracts[0], exchange="SMART")


async def by_id(link: Link, con_id: int, limit: float = 10.0) -> Contract:
    """Return the contract with this id; raises ContractNotFoundError."""
    wanted = IBContract(conId=con_id, exchange="SMART")
    what = f"the contract {con_id}"
    found = await link.ask(what, lambda: link.ib.reqContractDetailsAsync(wanted), limit)
    for item in found:
        if item.contract is not None:
            one = contract_of(item.contract, min_tick=item.minTick, long_name=item.longName)
            return replace(one, exchange="SMART")
    raise ContractNotFoundError(f"Contract not found: id {con_id}.", code=200)


def _words(spec: ContractSpec) -> str:
    parts = (spec.symbol, spec.sec_type, spec.expiry, f"{spec.strike or ''}", spec.right)
    return " ".join(part for part in parts if part)


async def chain(link: Link, underlying: Contract, limit: float = 15.0) -> Chain:
    """Return the option chain of a share, as routed by SMART in its own trading class."""
    rows = await link.ask(
        f"the option chain of {underlying.symbol}",
        lambda: link.ib.reqSecDefOptParamsAsync(underlying.symbol, "", "STK", underlying.con_id),
        limit,
    )
    rows = [row for row in rows if row.tradingClass == underlying.symbol] or list(rows)
    rows = [row for row in rows if row.exchange == "SMART"] or rows
    if not rows:
        raise ContractNotFoundError(f"Contract not found: no options on {underlying.symbol}.")
    return Chain(
        symbol=underlying.symbol,
        under_con_id=underlying.con_id,
        trading_class=rows[0].tradingClass,
        multiplier=int(float(rows[0].multiplier or 100)),
        expirations=tuple(sorted({day for row in rows for day in row.expirations})),
        strikes=tuple(sorted({float(strike) for row in rows for strike in row.strikes})),
    )


async def quote(link: Link, contract: Contract, limit: float = 15.0) -> Quote:
    """Take a snapshot and return it when the gateway says that it has ended.

    The library's cached ticker is not used: it holds fields of earlier requests. Raises
    GatewayTimeout when the snapshot does not end within `limit` session seconds.
    """
    began = link.clock.wall_ms()
    ticker, arrived = Ticker(contract=ib_contract(contract)), [link.clock.now()]
    ticker.updateEvent += lambda ticker: arrived.append(link.clock.now())
    await link.ask(f"a quote of {contract.label}", lambda: _snapshot(link, ticker), limit)
    return Quote(
        contract=contract,
        bid=ticker.bid,
        ask=ticker.ask,
        last=ticker.last,
        bid_size=ticker.bidSize,
        ask_size=ticker.askSize,
        exchange_time=_exchange_time(ticker),
        received_at=arrived[-1] if len(arrived) > 1 else None,
        data_type=ticker.marketDataType,
        snapshot_ms=link.clock.wall_ms() - began,
    )


async def _snapshot(link: Link, ticker: Ticker) -> None:
    wrapper, client = link.ib.wrapper, link.ib.client
    contract = ticker.contract or IBContract()
    req_id = client.getReqId()
    ended = wrapper.startReq(req_id, contract)
    wrapper.reqId2Ticker[req_id] = ticker
    try:
        client.reqMktData(req_id, contract, "", True, False, [])
        await ended
    except asyncio.CancelledError:
        if link.ib.isConnected():
            client.cancelMktData(req_id)
        raise
    finally:
        wrapper.reqId2Ticker.pop(req_id, None)


async def level(link: Link, index: ContractSpec, limit: float = 15.0) -> Quote:
    """Take a snapshot of an index; its `last` is the level, `data_type` says whether it is delayed.

    Delayed data are taken where the account has no live ones, for this one request: what follows
    on the connection is live again. Raises GatewayError where there are none at all.
    """
    contract = await qualify(link, index)
    link.ib.client.reqMarketDataType(DELAYED)
    try:
        return await quote(link, contract, limit)
    finally:
        if link.ib.isConnected():
            link.ib.client.reqMarketDataType(LIVE)


def _exchange_time(ticker: Ticker) -> datetime | None:
    times = [getattr(ticker, name) for name in CLOCKS]
    return max((at for at in times if at is not None), default=None)


class _Line:
    """A stream's request at the gateway, which can be made again."""

    def __init__(self, link: Link, stream: Stream) -> None:
        self.link, self.stream = link, stream
        self.ticker = Ticker(contract=ib_contract(stream.contract))
        self.ticker.updateEvent += self._on_update
        self.began = link.clock.elapsed()
        self.req_id = 0

    def subscribe(self) -> None:
        client, wrapper = self.link.ib.client, self.link.ib.wrapper
        self.req_id = client.getReqId()
        wrapper.reqId2Ticker[self.req_id] = self.ticker
        self.link.open_lines[self.req_id] = self
        self.link.ib.managed.add(self.req_id)
        client.reqMktData(self.req_id, self.ticker.contract, STREAM_TICKS, False, False, [])

    def cancel(self) -> None:
        self.link.open_lines.pop(self.req_id, None)
        self.link.ib.wrapper.reqId2Ticker.pop(self.req_id, None)
        self.link.ib.managed.discard(self.req_id)
        if self.link.ib.isConnected():
            self.link.ib.client.cancelMktData(self.req_id)

    def resubscribe(self) -> None:
        self.cancel()
        self.link.bucket.spend(2)
        self.subscribe()

    def end(self, error: Exception) -> None:
        self.stream.end(error)

    def _on_update(self, ticker: Ticker) -> None:
        at = self.link.clock.elapsed() - self.began
        exchange_time = _exchange_time(ticker)
        self.stream.told(ticker.marketDataType, {name: getattr(ticker, name) for name in CLOCKS})
        # 1: halted by the exchange, 2: by volatility; 0 and -1 (not known) are not; unset is nan.
        self.stream.halted = ticker.halted > 0
        for tick in ticker.ticks:
            if tick.tickType in KINDS and tick.price > 0:
                self.stream.push(Tick(at, exchange_time, tick.price, KINDS[tick.tickType]))


async def unmanaged(link: Link, contract: Contract) -> None:
    """Ask for a stream as careless code would; raises StreamingForbiddenError, as it must."""
    client = link.ib.client
    client.reqMktData(client.getReqId(), ib_contract(contract), "", False, False, [])


@asynccontextmanager
async def stream(link: Link, contract: Contract, bound: int = 1000) -> AsyncIterator[Stream]:
    """Open the one kind of stream there is, and close it whatever happens.

    Raises LinesExhaustedError, before anything is sent, when twenty lines are open.
    """
    if len(link.open_lines) >= MOST_LINES:
        raise LinesExhaustedError(f"{MOST_LINES} market-data lines are open; close one first.")
    ticks = Stream(contract, bound)
    line = _Line(link, ticks)
    await link.bucket.take()
    if not link.ib.isConnected():
        raise GatewayConnectionError(f"No stream of {contract.label}: not connected.")
    line.subscribe()
    try:
        yield ticks
    finally:
        ticks.end()
        line.cancel()


async def bars(
    link: Link,
    contract: Contract,
    duration: str,
    bar_size: str,
    what: str,
    rth: bool,
    limit: float,
) -> list[Bar]:
    """Return historical bars; the historical limits may hold the request back first.

    The library answers a time-out with an empty list; here it is GatewayTimeout, and the request
    is cancelled at the gateway.
    """
    request = (contract.con_id, duration, bar_size, what, rth)
    cost = 2 if what == "BID_ASK" else 1
    await link.history.admit(request, (contract.con_id, what), cost)
    wall = link.clock.wall(limit)
    found: list[Any] = await link.ask(
        f"bars of {contract.label}",
        lambda: _history(link, contract, (duration, bar_size, what, rth), wall, limit),
        limit * 2 + 5,
    )
    return [_bar(item) for item in found]


async def _history(
    link: Link, contract: Contract, query: tuple[str, str, str, bool], wall: float, limit: float
) -> list[Any]:
    began = link.clock.wall_ms()
    found = await link.ib.reqHistoricalDataAsync(
        ib_contract(contract), "", *query, formatDate=2, timeout=wall
    )
    if not found and link.clock.wall_ms() - began >= wall * 1000:
        raise GatewayTimeout(
            f"No bars of {contract.label} within {limit:g} s; the request was cancelled."
        )
    return list(found)


def _bar(item: Any) -> Bar:
    at = item.date
    if not isinstance(at, datetime):
        at = datetime.combine(at, time(), EXCHANGE_ZONE)
    return Bar(at, item.open, item.high, item.low, item.close, float(item.volume))
