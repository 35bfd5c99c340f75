"""Relays in a thread of their own: TCP lines that a test cuts, swallows, refuses and restores."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Self

from brokerage.relay.relay import Relay

ANSWERS_WITHIN_S = 20.0


class Line:
    """One relayed line; every method acts at once on all its connections."""

    def __init__(self, lines: "Lines", relay: Relay) -> None:
        self._lines, self.relay = lines, relay

    @property
    def port(self) -> int:
        """Where clients connect."""
        return self.relay.port

    def partition(self) -> None:
        """Swallow everything, old connections and new ones; nobody is told."""
        self._lines.call(self.relay.half_open)

    def cut(self) -> None:
        """Break every connection of now; new ones are let in."""
        self._lines.call(self.relay.reset)

    def refuse(self) -> None:
        """Break every connection of now and let no new one in."""
        self._lines.call(self.relay.refuse)
        self._lines.call(self.relay.reset)

    def restore(self) -> None:
        """A sound line again."""
        self._lines.run(self.relay.restore())

    def lead_to(self, port: int) -> None:
        """Bring new connections to another port of this machine."""
        self.relay.upstream = ("127.0.0.1", port)


class Lines:
    """The event loop that the relays run in."""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._relays: list[Relay] = []
        return self

    def __exit__(self, *exception: object) -> None:
        for relay in self._relays:
            self.run(relay.__aexit__(None, None, None))
        self.call(self._loop.stop)
        self._thread.join(ANSWERS_WITHIN_S)
        self._loop.close()

    def open(self, port: int) -> Line:
        """Open a line to a port of this machine."""
        relay = Relay("127.0.0.1", port)
        self.run(relay.__aenter__())
        self._relays.append(relay)
        return Line(self, relay)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine in the thread and return what comes of it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(ANSWERS_WITHIN_S)

    def call(self, action: Callable[[], Any]) -> None:
        """Run a function in the thread; it has run when this returns, unless it stops the loop."""
        done = threading.Event()
        self._loop.call_soon_threadsafe(lambda: (action(), done.set()))
        done.wait(ANSWERS_WITHIN_S)
