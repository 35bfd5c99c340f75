"""One managed market-data stream: a bounded buffer that drops its oldest ticks, and counts."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from datetime import datetime

from brokerage.terms import Contract, Tick


class Stream:
    """Ticks of one contract, to iterate over; `gateway` opens and closes it.

    `count` ticks arrived, `dropped` of them were never read, `peak` waited at most. `data_types`
    are the kinds of data that were sent (1 live, 2 frozen, 3 delayed, 4 both), `data_type` is the
    latest; `backward` counts the trades that were reported right after a later one; `halted` says
    that trading is.
    """

    def __init__(self, contract: Contract, bound: int) -> None:
        """`bound` is the most ticks that may wait; raises ValueError below 1."""
        if bound < 1:
            raise ValueError("a stream's buffer holds at least one tick")
        self.contract, self.bound = contract, bound
        self.count = self.dropped = self.peak = self.backward = 0
        self.data_types: set[int] = set()
        self.data_type, self.halted = 1, False
        self._trades: dict[str, datetime] = {}
        self._buffer: deque[Tick] = deque()
        self._news = asyncio.Event()
        self._ended = False
        self._error: Exception | None = None

    def push(self, tick: Tick) -> None:
        """Add a tick; the oldest goes when the buffer is full."""
        if len(self._buffer) == self.bound:
            self._buffer.popleft()
            self.dropped += 1
        self._buffer.append(tick)
        self.count += 1
        self.peak = max(self.peak, len(self._buffer))
        self._news.set()

    def told(self, data_type: int, trade_times: Mapping[str, datetime | None]) -> None:
        """Note the kind of data, and by each of its clocks when the last trade was."""
        self.data_types.add(data_type)
        self.data_type = data_type
        for clock, at in trade_times.items():
            if at is not None:
                self.backward += at < self._trades.get(clock, at)
                self._trades[clock] = at

    def end(self, error: Exception | None = None) -> None:
        """Let the reader finish what waits, then stop or see the error."""
        if not self._ended:
            self._ended, self._error = True, error
            self._news.set()

    def __aiter__(self) -> AsyncIterator[Tick]:
        return self

    async def __anext__(self) -> Tick:
        while not self._buffer:
            if self._error is not None:
                raise self._error
            if self._ended:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        return self._buffer.popleft()
