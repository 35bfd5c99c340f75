"""Try one scenario at a gateway without a session: for the tests of a package of scenarios."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from brokerage import gateway
from brokerage.clock import SessionClock
from brokerage.terms import SIMULATED, Target
from validation.configuration import Config, read
from validation.scenarios.catalogue import FAULTS, ORDERS, Catalogue, Definition
from validation.scenarios.trial import Trial, TrialListener
from validation.trials import carry_out

Registering = Callable[[Any], None]
REF = "rehearsal"


@dataclass(frozen=True)
class Rehearsed:
    """How a scenario ended: its state, the required checks that are false, what was measured."""

    state: str
    reason: str
    failed: tuple[str, ...] = ()
    measured: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


async def rehearse(
    register: Registering,
    scenario: str,
    *,
    port: int,
    host: str = "127.0.0.1",
    speed: float = 1.0,
    config: Mapping[str, Mapping[str, Any]] | None = None,
) -> Rehearsed:
    """Run the scenario `scenario` of a package as a session would, at a simulated gateway.

    `register` is the package's entry point, `config` are changes of the default configuration by
    section. Only the proof of the paper account is stored. Raises ValueError for a scenario that
    needs orders or faults: those need a session, with its grant, clean-up and control port.
    """
    definition = _definition(register, scenario)
    target = Target(REF, host, port, SIMULATED, speed=speed, always_open=True)
    trial = Trial(target, _configured(config or {}), f"{REF}/{scenario}", SessionClock(speed))
    if definition.own_connection:
        return _judged(await carry_out(definition, trial), trial)
    async with gateway.connect(target, clock=trial.clock, listener=TrialListener(trial)) as desk:
        trial.connection = desk
        return _judged(await carry_out(definition, trial), trial)


def _definition(register: Registering, scenario: str) -> Definition:
    catalogue = Catalogue()
    register(catalogue.scenario)
    definition = catalogue.get(scenario)
    if definition.wants(ORDERS) or definition.wants(FAULTS):
        raise ValueError(f"{scenario} needs orders or faults: run it in a session")
    return definition


def _configured(changes: Mapping[str, Mapping[str, Any]]) -> Config:
    content = Config().content()
    for section, fields in changes.items():
        content[section] |= fields
    return read(content)


def _judged(ending: Any, trial: Trial) -> Rehearsed:
    failed = tuple(row.name for row in trial.checks if row.required and not row.passed)
    measured = {row.name: row.value for row in trial.metrics}
    notes = tuple(row.text for row in trial.notes)
    return Rehearsed(str(ending.state), ending.reason, failed, measured, notes)
