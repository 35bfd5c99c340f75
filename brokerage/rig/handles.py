"""What a test holds of its gateway: the clock, the market, the faults and what crossed the wire."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

from brokerage.rig.errors import RefusedError
from brokerage.rig.running import Running
from brokerage.rig.scripts import load
from brokerage.rig.story import lines
from brokerage.simulator.actions import con_id
from brokerage.simulator.faults.fault import Fault
from brokerage.simulator.faults.script import Run, Script
from brokerage.simulator.market import Quote
from brokerage.simulator.server import IN, OUT, Frame, Settings
from brokerage.simulator.suggestions import suggestion
from brokerage.tws.messages import CLIENT, SERVER, ExecDetails, PlaceOrder

TOLD = 40  # lines of its wire that a failing test shows …
LOOKED_AT = 2000  # … out of so many messages
SETTINGS = tuple(field.name for field in fields(Settings))
UNSOLICITED = -1  # request id of executions that nobody asked for
MESSAGES = {row.name for table in (CLIENT, SERVER) for row in table.by_class.values()}
FRAMES = MESSAGES | {"Hello", "Welcome", "Malformed", "On", "Off"}  # On, Off: of a fault
UNSUPPORTED = re.compile(r"Unsupported\d+")


class ClockHandle:
    """The gateway's clock."""

    def __init__(self, running: Running) -> None:
        self._running = running

    def time(self) -> float:
        """Simulated seconds since the epoch."""
        return self._running.call(self._running.gateway.clock.time)

    def now(self) -> datetime:
        """Simulated time, aware, in UTC."""
        return self._running.call(self._running.gateway.clock.now)

    @property
    def speed(self) -> float:
        """How many times faster than the wall it runs; may be set."""
        return self._running.gateway.clock.speed

    @speed.setter
    def speed(self, speed: float) -> None:
        self._running.call(lambda: self._running.gateway.clock.set_speed(speed))

    def skip(self, seconds: float, pause: float = 0.0) -> None:
        """Go through so many simulated seconds at once; everything due in them happens.

        A client gets `pause` wall seconds after each moment at which it was sent something, to
        answer within the skipped time. The calling thread waits: an asyncio test in which the
        client is to answer meanwhile awaits `asyncio.to_thread(tws_gateway.clock.skip, …)`.

        It may take as long as it gets on. Raises TimeoutError when nothing has happened for a
        minute on the wall.
        """
        gateway = self._running.gateway
        begun = self.time()
        try:
            self._running.wait(lambda: gateway.skip(seconds, pause), moves=lambda: gateway.skipped)
        except TimeoutError as error:
            raise TimeoutError(
                f"The skip of {seconds:g} s does not get on: {error} It has come to {self.now()},"
                f" {self.time() - begun:,.0f} s on. Skip less, or look for a client that does not"
                " read what it is sent."
            ) from None


class MarketHandle:
    """The gateway's market; a share by its symbol, anything else by its contract id."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._market = running.gateway.venue.floor.market

    def quote(self, which: str | int) -> Quote:
        """Bid, ask, last and the rest, now; raises FaultError for what is not listed."""
        listed = _con_id(which)
        return self._running.call(lambda: self._market.quote(listed))

    def halt(self, which: str | int) -> None:
        """Stop trading in it."""
        listed = _con_id(which)
        self._running.call(lambda: self._running.gateway.halt(listed))

    def resume(self, which: str | int) -> None:
        """Trade in it again."""
        listed = _con_id(which)
        self._running.call(lambda: self._running.gateway.resume(listed))

    def move(self, which: str | int, ratio: float) -> None:
        """From now on its prices, and those of its options, are `ratio` times what they were."""
        listed = _con_id(which)
        self._running.call(lambda: self._running.gateway.move(listed, ratio))


def _con_id(which: str | int) -> int:
    return which if isinstance(which, int) else con_id(which)


class FaultsHandle:
    """The gateway's faults; `crucible-gateway faults` lists their names and parameters."""

    def __init__(self, running: Running) -> None:
        self._running, self._box = running, running.gateway.faults

    def on(self, fault: Fault | str, **params: Any) -> Fault:
        """Switch a fault on; raises FaultError for a name or parameter that there is not."""
        return self._running.call(lambda: self._box.on(fault, **params))

    def off(self, fault: Fault | str) -> bool:
        """Switch a fault off; False if it was not on."""
        return self._running.call(lambda: self._box.off(fault))

    def clear(self) -> list[str]:
        """Switch everything off; the names of what was on."""
        return self._running.call(self._box.clear)

    def active(self) -> tuple[Fault, ...]:
        """What is on, in the order it was switched on."""
        return self._running.call(self._box.active)

    def play(self, script: str | Path | Script) -> Run:
        """Carry out a script, or the YAML file of one; raises RefusedError for a wrong file."""
        steps = script if isinstance(script, Script) else load(Path(script))
        return self._running.call(lambda: steps.start(self._running.gateway))

    @contextmanager
    def using(self, fault: Fault | str, **params: Any) -> Iterator[Fault]:
        """A fault that is on for the length of a block."""
        switched = self.on(fault, **params)
        try:
            yield switched
        finally:
            self.off(switched)


class TwsGateway(Running):
    """A simulated gateway for a test: the fixture `tws_gateway`, or a `with` block of your own."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0, **settings: Any) -> None:
        """`settings` are those of `Gateway`: seed, speed, start, accounts …"""
        super().__init__(host, port, **settings)
        self.clock, self.market = ClockHandle(self), MarketHandle(self)
        self.faults = FaultsHandle(self)

    @property
    def transcript(self) -> list[Frame]:
        """Everything that has crossed the wire so far, both ways, and each switch of a fault."""
        return self.call(lambda: list(self.gateway.transcript))

    def orders(self) -> list[PlaceOrder]:
        """Every order message of the clients, modifications and what-ifs included."""
        return [frame.message for frame in self.transcript if _is(frame, IN, PlaceOrder)]

    def executions(self) -> list[ExecDetails]:
        """Every execution that a client was told of unasked, in that order; repeats included."""
        told = [frame.message for frame in self.transcript if _is(frame, OUT, ExecDetails)]
        return [details for details in told if details.req_id == UNSOLICITED]

    def ending(self) -> str:
        """What makes this run again, and the last of what crossed the wire, to be read."""
        start = f"{self.gateway.clock.start:%Y-%m-%dT%H:%M:%S+00:00}"
        active = ", ".join(fault.name for fault in self.faults.active()) or "none"
        told = list(lines(self.transcript[-LOOKED_AT:]))[-TOLD:]
        return "\n".join([f"start {start} · faults on: {active}", *told])

    def disconnect(self) -> None:
        """Cut every connection; whoever connects anew is let in."""
        self.wait(self.gateway.drop_all)

    def wait_for(self, name: str, count: int = 1, timeout: float = 5.0) -> Frame:
        """The frame with the `count`-th message called `name`, e.g. `PlaceOrder`, once it is there.

        Raises RefusedError for a name that no frame has, TimeoutError after `timeout` wall
        seconds. In an asyncio test await `asyncio.to_thread(tws_gateway.wait_for, name)`.
        """
        if name not in FRAMES and not UNSUPPORTED.fullmatch(name):
            hint = suggestion(name, FRAMES, "docs/gateway.md says how to wait.")
            raise RefusedError(f"No message is called {name}: {hint}")

        async def there() -> Frame:
            found: asyncio.Queue[Frame] = asyncio.Queue()
            for frame in self.gateway.transcript:
                found.put_nowait(frame)
            self.gateway.watchers.append(found.put_nowait)
            try:
                return await _nth(found, name, count)
            finally:
                self.gateway.watchers.remove(found.put_nowait)

        try:
            return self.wait(there, timeout)
        except TimeoutError:
            times = f"{name} {count} times" if count > 1 else f"any {name}"
            text = f"the gateway has not seen {times} within {timeout:g} seconds"
            raise TimeoutError(text) from None


async def _nth(frames: asyncio.Queue[Frame], name: str, count: int) -> Frame:
    while True:
        frame = await frames.get()
        count -= frame.name == name
        if count == 0:
            return frame


def _is(frame: Frame, direction: str, kind: type[Any]) -> bool:
    return frame.direction == direction and isinstance(frame.message, kind)
