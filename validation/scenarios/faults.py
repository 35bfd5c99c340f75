"""Faults that a scenario switches on a simulated gateway: noted as planned, off at its end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from brokerage.errors import GatewayError
from brokerage.gateway import Switches

if TYPE_CHECKING:
    from validation.scenarios.trial import Trial


class TrialFaults:
    """The faults of one trial; what is wrong is raised as FaultRefused.

    While one is on, everything that the trial notes counts as planned.
    """

    def __init__(self, trial: "Trial", switches: Switches) -> None:
        self._trial, self._switches = trial, switches
        self._on: list[str] = []
        self._planned_before, self._since = "", datetime.now(UTC)

    async def on(self, name: str, **params: Any) -> None:
        """Switch a fault on; `docs/faults.md` lists names and parameters."""
        await self._switches.on(name, **params)
        if not self._on:
            self._planned_before, self._trial.planned = self._trial.planned, f"fault {name}"
            self._since = datetime.now(UTC)
        if name not in self._on:
            self._on.append(name)
        told = ", ".join(f"{key} {value}" for key, value in params.items())
        self._trial.note(f"Fault on: {name}{' with ' if told else ''}{told}", source="faults")

    async def off(self, name: str) -> bool:
        """Switch a fault off; False if it was not on any more."""
        was_on = await self._switches.off(name)
        self._trial.note(f"Fault off: {name}", source="faults")
        self._forget(name)
        return was_on

    def _forget(self, name: str) -> None:
        if name in self._on:
            self._on.remove(name)
            if not self._on:
                self._trial.window(self._since, self._trial.planned)
                self._trial.planned = self._planned_before

    @asynccontextmanager
    async def using(self, name: str, **params: Any) -> AsyncIterator[None]:
        """A fault that is on for the length of a block."""
        await self.on(name, **params)
        try:
            yield
        finally:
            await self.off(name)

    async def end(self) -> None:
        """Switch off what the scenario left on; one that can't be is an error in the log."""
        for name in list(self._on):
            try:
                await self._switches.off(name)
            except GatewayError as error:
                self._trial.note(f"Fault {name} is still on: {error}", "ERROR", source="faults")
            else:
                self._trial.note(
                    f"Fault {name} was left on by the scenario and is off now", source="faults"
                )
            self._forget(name)
