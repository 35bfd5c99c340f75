"""An event loop that skips the waits in which nothing can happen.

It suits a simulation whose gateway and clients share one loop: once every socket is empty and no
thread works for it, nothing happens before the next timer is due, so that is where its clock goes.
What waits for another process, or for a thread of its own, needs the time that really passes.
"""

import asyncio
import selectors
import time
from datetime import datetime, tzinfo
from typing import Any, Self

from brokerage.patience import PatientLoop, Waiting, steady

LEEWAY_S = 0.0001  # in which bytes that are under way arrive


class _Skipping(Waiting):
    """A selector that skips a wait, where it may, and adds it up as if it had waited."""

    jobs = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if not HastyLoop.hasty or self.jobs or not timeout or timeout < 0:
            return super().select(timeout)
        if not (ready := super().select(0)):
            time.sleep(LEEWAY_S)
            if not (ready := super().select(0)):
                self.waited += timeout
        return ready


class HastyLoop(PatientLoop):
    """A patient loop; one that skips waits while `hasty` is set."""

    hasty = False

    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> asyncio.Future[Any]:
        """Have a thread do something, and wait for it in earnest."""
        job = super().run_in_executor(executor, func, *args)
        self._skipping.jobs += 1
        job.add_done_callback(self._finished)
        return job

    def _finished(self, _: asyncio.Future[Any]) -> None:
        self._skipping.jobs -= 1


class LoopTime(datetime):
    """The time of day as the running loop's clock tells it, for what compares the two."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        """Return the time of day; ahead of the machine's by what was skipped."""
        ahead = steady()() - time.monotonic()
        return cls.fromtimestamp(time.time() + ahead, tz)
