"""Switch faults of a simulated gateway on and off; no way leads from here to a real one."""

from typing import Any, Protocol

from brokerage.errors import GatewayError
from brokerage.simulator.control import Remote, RemoteError
from brokerage.simulator.faults.fault import FaultError
from brokerage.simulator.server import Gateway
from brokerage.terms import SIMULATED, Target


class FaultRefused(GatewayError):  # noqa: N818 - the port's word for what was not let through
    """A fault was not switched; the gateway is as it was."""


class Switches(Protocol):
    """The faults of one simulated gateway; each method raises FaultRefused."""

    async def on(self, name: str, **params: Any) -> None:
        """Switch a fault on; `docs/faults.md` lists names and parameters."""

    async def off(self, name: str) -> bool:
        """Switch a fault off; False if it was not on."""

    async def active(self) -> tuple[str, ...]:
        """Names of what is on."""


class LocalSwitches:
    """Those of a gateway in this process and event loop."""

    def __init__(self, gateway: Gateway) -> None:
        self._box = gateway.faults

    async def on(self, name: str, **params: Any) -> None:
        """Switch a fault on."""
        try:
            self._box.on(name, **params)
        except FaultError as error:
            raise _refused(name, error) from error

    async def off(self, name: str) -> bool:
        """Switch a fault off."""
        try:
            return self._box.off(name)
        except FaultError as error:
            raise _refused(name, error) from error

    async def active(self) -> tuple[str, ...]:
        """Names of what is on."""
        return tuple(fault.name for fault in self._box.active())


class RemoteSwitches:
    """Those of a gateway in another process of this machine, over its control port."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def on(self, name: str, **params: Any) -> None:
        """Switch a fault on."""
        await self._ask("on", name, **params)

    async def off(self, name: str) -> bool:
        """Switch a fault off."""
        return bool(await self._ask("off", name))

    async def active(self) -> tuple[str, ...]:
        """Names of what is on."""
        return tuple(fault["name"] for fault in await self._ask("active"))

    async def _ask(self, do: str, name: str = "", **params: Any) -> Any:
        try:
            async with Remote(self._port) as remote:
                return await remote.ask(do, name, **params)
        except RemoteError as error:
            raise _refused(name or do, error) from error


def switches(target: Target) -> Switches | None:
    """The faults of the gateway at this address; None where faults can't be switched.

    That is everywhere but at a simulated gateway that names its control port.
    """
    if target.kind != SIMULATED or target.control_port is None:
        return None
    return RemoteSwitches(target.control_port)


def _refused(name: str, error: Exception) -> FaultRefused:
    return FaultRefused(f"The fault {name} was not switched.", str(error))
