"""A private simulated gateway in this process, for drills that no real gateway should see."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from brokerage.gateway.switching import LocalSwitches, Switches
from brokerage.simulator.control import Control
from brokerage.simulator.levers import Levers
from brokerage.simulator.server import Frame, Gateway
from brokerage.terms import SIMULATED, Target
from brokerage.tws.messages import ExecDetails


@dataclass(frozen=True)
class Simulated:
    """The running gateway: where it listens, its switches, and every frame of its wire."""

    target: Target
    gateway: Gateway

    @property
    def levers(self) -> Levers:
        """What it does wrong; may be changed while it runs."""
        return self.gateway.levers

    @property
    def switches(self) -> Switches:
        """The faults of the catalogue."""
        return LocalSwitches(self.gateway)

    def fill_one_part(self, most: float) -> None:
        """Let the next fill be of so many units at most, and none follow it until `fill_rest`."""
        self.levers.fill_at_most = most
        self.gateway.watchers.append(self._hold)

    def fill_rest(self) -> None:
        """Let orders fill again as the market gives."""
        self.levers.fill_at_most, self.levers.no_fill = None, False

    def _hold(self, frame: Frame) -> None:
        if isinstance(frame.message, ExecDetails):
            self.levers.no_fill = True
            self.gateway.watchers.remove(self._hold)

    @property
    def transcript(self) -> list[Any]:
        """Every frame, both ways."""
        return list(self.gateway.transcript)


@asynccontextmanager
async def simulation(
    *,
    speed: float = 25.0,
    seed: int = 7,
    expected_account: str = "",
    control: bool = False,
    **levers: Any,
) -> AsyncIterator[Simulated]:
    """Run a simulated gateway on a free local port; keyword arguments switch its levers on.

    With `control` it opens a control port as well, which its target names.
    """
    serving = Gateway.serve(seed=seed, speed=speed, levers=Levers(**levers))
    async with serving as gateway, AsyncExitStack() as stack:
        port = await _control(gateway, stack) if control else None
        target = Target(
            name="simulation",
            host="127.0.0.1",
            port=gateway.port,
            kind=SIMULATED,
            speed=speed,
            expected_account=expected_account,
            always_open=True,
            control_port=port,
        )
        yield Simulated(target, gateway)


async def _control(gateway: Gateway, stack: AsyncExitStack) -> int:
    """The control port, open until the stack ends."""
    control = Control(gateway)
    await control.start()
    stack.push_async_callback(control.stop)
    return control.port
