"""An event loop on whose clock a busy machine costs nothing.

A private simulation has its gateway and its client in one process, both faster than real time: at
25 times, the 400 ms in which the machine has no processor for us would be ten seconds of silence
that no gateway ever kept. On this loop's clock such a stall is no time at all.
"""

import asyncio
import selectors
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

GRAIN_S = 0.002  # a wait is rounded up to milliseconds, and ends so much later on an idle machine


class Waiting(selectors.DefaultSelector):
    """A selector that adds up how long it waited, as far as it was asked to."""

    waited = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        began = time.monotonic()
        ready = super().select(timeout)
        took = time.monotonic() - began
        self.waited += took if timeout is None else min(took, max(timeout, 0.0) + GRAIN_S)
        return ready


class PatientLoop(asyncio.SelectorEventLoop):
    """A loop whose time is what it waited for on purpose, and the processor time that it used."""

    def __init__(self, waiting: Waiting | None = None) -> None:
        self._waiting, self._origin = waiting or Waiting(), time.monotonic()
        self._thread, self._used, self._now = 0, 0.0, self._origin
        super().__init__(self._waiting)

    def time(self) -> float:
        """Seconds on the loop's own clock; never ahead of `time.monotonic`, never backwards.

        Another thread than the loop's reads the newest value that the loop itself has read.
        """
        if self._thread == threading.get_ident():
            self._now = self._origin + self._waiting.waited + time.thread_time() - self._used
        return self._now

    def run_forever(self) -> None:
        """Run in this thread, whose processor time counts from here on."""
        self._thread = threading.get_ident()
        self._used = self._origin + self._waiting.waited + time.thread_time() - self._now
        try:
            super().run_forever()
        finally:
            self.time()
            self._thread = 0


class PatientPolicy(asyncio.DefaultEventLoopPolicy):
    """Every new event loop is a patient one."""

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """Make a loop."""
        return PatientLoop()


@contextmanager
def patient_loops() -> Iterator[None]:
    """Let every event loop that is made inside the block be a patient one."""
    before = asyncio.get_event_loop_policy()
    asyncio.set_event_loop_policy(PatientPolicy())
    try:
        yield
    finally:
        asyncio.set_event_loop_policy(before)


def steady() -> Callable[[], float]:
    """Return what tells seconds here: the running loop's clock, else the machine's own."""
    try:
        return asyncio.get_running_loop().time
    except RuntimeError:
        return time.monotonic
