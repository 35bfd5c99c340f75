"""Follow one stream of the watch: ticks into its line, and a fresh one when it falls silent."""

import asyncio
from typing import TYPE_CHECKING

from brokerage.errors import GatewayError, GatewayTimeout
from brokerage.gateway import Desk, Stream
from brokerage.terms import Contract, ContractSpec
from validation.models.watching import Severity
from validation.watch.conditions import Condition
from validation.watch.liveness import SILENT_S, Line

if TYPE_CHECKING:
    from validation.watch.process import Watch

# Session seconds until a line that was refused, or is silent, is asked for again.
AGAIN_S = 30.0
LEAST_LOOK = 0.5


class Follower:
    """Keeps one symbol's line open while a connection lasts."""

    def __init__(self, watch: "Watch", desk: Desk, symbol: str) -> None:
        self._watch, self._desk, self._symbol = watch, desk, symbol

    async def follow(self) -> None:
        """Subscribe and read; subscribe again after a refusal or a silence."""
        contract = await self._contract()
        while True:
            line = self._watch.renew_line(self._symbol)
            try:
                async with self._desk.stream(contract) as stream:
                    await self._read(stream, line)
            except GatewayError as error:
                line.refused = error.code or 0, error.what
            await self._watch.clock.sleep(AGAIN_S)

    async def _contract(self) -> Contract:
        if known := self._watch.contracts.get(self._symbol):
            return known
        while True:
            try:
                contract = await self._desk.qualify(ContractSpec(self._symbol))
            except GatewayTimeout as error:
                self._watch.judge("contracts", [unanswered(self._symbol, error)])
                await self._watch.clock.sleep(AGAIN_S)
            else:
                self._watch.judge("contracts", ())
                return contract

    async def _read(self, stream: Stream, line: Line) -> None:
        """Read until the line has been silent for so long that a fresh one is worth a try."""
        clock = self._watch.clock
        reader = asyncio.ensure_future(self._ticks(stream, line))
        limit = max(SILENT_S, line.floor) + AGAIN_S
        try:
            while not reader.done() and line.age(clock.elapsed()) < limit:
                await asyncio.wait({reader}, timeout=max(AGAIN_S / clock.speed, LEAST_LOOK))
            if reader.done():
                await reader
        finally:
            reader.cancel()

    async def _ticks(self, stream: Stream, line: Line) -> None:
        clock = self._watch.clock
        opened = clock.elapsed()
        async for tick in stream:
            line.data_type, line.halted = stream.data_type, stream.halted
            line.tick(tick.kind, tick.price, opened + tick.at_session_s)


def unanswered(symbol: str, error: GatewayTimeout) -> Condition:
    """Say that a request for a contract's details has not come to its end."""
    do = "What has come is not the whole answer: trade nothing that rests on it."
    text = f"NO_RESPONSE to the contract details of {symbol}: {error.what}"
    return Condition("contract_unanswered", symbol, Severity.ERROR, text, do)
