"""A simulated gateway in a thread of its own, so that tests of any style can use it."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError
from types import TracebackType
from typing import Any, Self, TypeVar

from brokerage.simulator.server import Gateway

T = TypeVar("T")
PATIENCE = 60.0  # wall seconds that a call into the gateway's thread may take


class Running:
    """A gateway that listens from `start` to `stop`, or for the length of a `with` block.

    Whatever touches the gateway goes through `call` or `wait`, which run it on the gateway's loop.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0, **settings: Any) -> None:
        """`settings` are those of `Gateway`: seed, speed, start, accounts …"""
        self.host, self.gateway = host, Gateway(**settings)
        self._asked, self._ready = port, threading.Event()
        self._failure: Exception | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="tws-gateway", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.gateway.port

    @property
    def running(self) -> bool:
        """Whether it listens."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Listen; raises OSError when the port is taken."""
        self._thread.start()
        self._ready.wait()
        if self._failure:
            self._thread.join()
            raise self._failure

    def stop(self) -> None:
        """Close every connection and end the thread; harmless twice."""
        if self.running:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def call(self, function: Callable[[], T]) -> T:
        """What `function` returns, or raises, on the gateway's loop; once stopped, here."""
        if not self.running:
            return function()

        async def there() -> T:
            return function()

        return self.wait(there)

    def wait(
        self,
        function: Callable[[], Awaitable[T]],
        limit: float = PATIENCE,
        moves: Callable[[], object] = lambda: None,
    ) -> T:
        """What `function` returns once awaited on the gateway's loop.

        Raises RuntimeError when the gateway has stopped, TimeoutError after `limit` wall seconds in
        which `moves`, what shows that it gets on, has stayed the same.
        """
        if not self.running:
            raise RuntimeError("the gateway has stopped")

        async def there() -> T:
            return await _while_it_moves(function(), limit, moves)

        try:
            return asyncio.run_coroutine_threadsafe(there(), self._loop).result()
        except CancelledError:
            raise RuntimeError("the gateway has stopped") from None

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self.gateway.start(self.host, self._asked))
        except Exception as error:  # noqa: BLE001 - it is raised in the thread that waits for it
            self._failure = error
        self._ready.set()
        if not self._failure:
            self._loop.run_forever()
            self._loop.run_until_complete(self._end())
        self._loop.close()

    async def _end(self) -> None:
        await self.gateway.stop()
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)


async def _while_it_moves(work: Awaitable[T], limit: float, moves: Callable[[], object]) -> T:
    """Await the work; raises TimeoutError after `limit` seconds in which nothing has moved."""
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            before = moves()
            await asyncio.wait({task}, timeout=limit)
            if not task.done() and moves() == before:
                raise TimeoutError(f"Nothing has happened for {limit:g} s.")
        return task.result()
    finally:
        task.cancel()
