"""Drives the venue through time: by the clock, or step by step through a stretch to be skipped."""

import asyncio
from collections.abc import Awaitable, Callable

from brokerage.simulator.clock import Clock
from brokerage.simulator.venue import Venue


class Driver:
    """Does what is due on the venue's agenda; `sent` is called after each instant's actions."""

    def __init__(self, venue: Venue, clock: Clock, sent: Callable[[], None]) -> None:
        self._venue, self._clock, self._sent = venue, clock, sent
        self._loop: asyncio.AbstractEventLoop | None = None  # None: does not run
        self._timer: asyncio.Handle | None = None
        self._due = 0.0  # when the timer goes off, in simulated time
        self._skipping = asyncio.Lock()
        self.skipped = 0  # instants that all skips together have gone through

    def start(self) -> None:
        """Follow the clock from now on."""
        self._loop = asyncio.get_running_loop()
        self._clock.changed.append(self._again)
        self.arm()

    def stop(self) -> None:
        """Follow it no more; harmless twice."""
        self._loop = None
        self._disarm()
        if self._again in self._clock.changed:
            self._clock.changed.remove(self._again)

    def arm(self) -> None:
        """Wake up when the next action is due, if that is not already so."""
        due = self._venue.next_due()
        if self._loop is None or (self._timer and due >= self._due):
            return
        self._disarm()
        wait = self._clock.wall(due)
        if wait is not None:
            soon, later = self._loop.call_soon, self._loop.call_later
            self._timer = later(wait, self._wake) if wait else soon(self._wake)
            self._due = due

    def catch_up(self) -> float:
        """Do what has become due so far, if time is not being held; the time now."""
        clock = self._clock
        if clock.held:
            return clock.time()
        now = clock.running()
        if self._venue.catch_up(now):
            self._sent()
        return now

    async def skip(self, seconds: float, settle: Callable[[], Awaitable[None]]) -> None:
        """Go through so many simulated seconds, every action at its own time and in order.

        `settle` is awaited after each. One skip at a time: a second one starts where the first
        ends. Raises ValueError backwards.
        """
        if not 0 <= seconds < float("inf"):
            raise ValueError("time can only be skipped forward")
        async with self._skipping:
            until = self._clock.running() + seconds
            while (due := self._venue.next_due()) <= until:
                self._clock.jump(due)
                self._step()
                self.skipped += 1
                await settle()
            self._clock.jump(until)

    def _again(self) -> None:
        """Time has jumped or runs at another speed."""
        self._disarm()
        self.arm()

    def _disarm(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _wake(self) -> None:
        self._timer = None
        self._step()

    def _step(self) -> None:
        try:
            self._venue.advance()
        finally:
            self._sent()
