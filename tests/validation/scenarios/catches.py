"""What catches what: a fault of the catalogue, the scenario that it fails, and the checks it fails.

A list of these is both a test (`test_each_fault_is_caught`) and a row each in the table of faults.
"""

from dataclasses import dataclass, field
from typing import Any

from brokerage.simulator.faults.fault import Fault
from brokerage.simulator.faults.script import Script
from brokerage.simulator.server import Gateway


@dataclass(frozen=True)
class Catch:
    """One fault, and the required checks of one scenario that it makes false.

    `after` seconds of the scenario it is switched on; without, before the scenario connects, and
    with 0 as soon as it has; with `when`, upon a message (as in a script of faults) instead. `also`
    says how the names of checks begin that may fail with them, `halts` that the session must stop.
    """

    scenario: str
    fault: str | type[Fault]
    checks: frozenset[str]
    params: dict[str, Any] = field(default_factory=dict)
    after: float | None = 0.0
    speed: float = 0.0
    config: dict[str, Any] = field(default_factory=dict)
    also: frozenset[str] = frozenset()
    when: dict[str, Any] | None = None
    halts: bool = False

    @property
    def name(self) -> str:
        """The fault's name in the catalogue."""
        return self.fault if isinstance(self.fault, str) else self.fault().name

    def against(self, failed: set[str]) -> tuple[list[str], list[str]]:
        """Return the checks that should have failed and did not, and those that did unexpectedly.

        A name that ends in "…" stands for all that begin so: some names carry a date.
        """
        exact = {name for name in self.checks if not name.endswith("…")}
        begins = tuple(name.removesuffix("…") for name in self.checks - exact)
        missing = [name for name in exact if name not in failed]
        missing += [name for name in begins if not any(one.startswith(name) for one in failed)]
        allowed = (*begins, *self.also)
        return missing, [name for name in failed - exact if not name.startswith(allowed)]

    def strike(self, gateway: Gateway) -> None:
        """Switch the fault on, now or when its time has come."""
        if self.when:
            step = {"when": self.when, "on": self.name, "with": self.params}
            Script.parse([step]).start(gateway)
        elif self.after:
            gateway.later(self.after, lambda: self._on(gateway))
        else:
            self._on(gateway)

    def _on(self, gateway: Gateway) -> None:
        fault = self.fault if isinstance(self.fault, str) else self.fault()
        gateway.faults.on(fault, **self.params)

    def __str__(self) -> str:
        told = ",".join(f"{key}={value}" for key, value in self.params.items())
        return f"{self.scenario}-{self.name}{f'({told})' if told else ''}"


def catch(scenario: str, fault: str | type[Fault], *checks: str, **more: Any) -> Catch:
    """Return a catch; the checks' names one by one, parameters of the fault as `params`."""
    also = frozenset(more.pop("also", ()))
    return Catch(scenario, fault, frozenset(checks), also=also, **more)
