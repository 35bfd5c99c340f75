"""A scenario, run as the runner runs it, against a simulated gateway in the test's own process."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from django.utils import timezone

from brokerage import gateway
from brokerage.calendar import ET, next_weekly_expiry
from brokerage.clock import SessionClock
from brokerage.gateway import CleanupReport
from brokerage.gateway.switching import LocalSwitches
from brokerage.models import Endpoint, OrderGrant, ReconciliationRun
from brokerage.pacing import Bucket
from brokerage.safety import Door
from brokerage.simulator.levers import Levers
from brokerage.simulator.server import Gateway
from tests.validation.scenarios.catches import Catch
from validation.configuration import Config, read
from validation.route import held_to
from validation.scenarios import catalogue
from validation.scenarios.catalogue import FAULTS, ORDERS, Definition
from validation.scenarios.trial import Trial, TrialListener
from validation.trials import Ending, carry_out

SPEED = 25.0
# Three tapes are made up at the first quotes: time that a fast clock turns into age.
SLOWER = {"MD-03": 10.0}
numbers = count(1)


@dataclass
class Outcome:
    """How a scenario ended, what it wrote, what the clean-up left, and the gateway's own record."""

    ending: Ending
    trial: Trial
    gateway: Gateway
    cleaned: CleanupReport | None = None

    @property
    def state(self) -> str:
        """PASSED, FAILED, …"""
        return str(self.ending.state)

    @property
    def failed(self) -> set[str]:
        """Names of the required checks that are false."""
        return {row.name for row in self.trial.checks if row.required and not row.passed}

    @property
    def warned(self) -> set[str]:
        """Names of the other checks that are false."""
        return {row.name for row in self.trial.checks if not row.required and not row.passed}

    @property
    def measured(self) -> dict[str, float]:
        """Metrics by name."""
        return {row.name: row.value for row in self.trial.metrics}

    @property
    def said(self) -> str:
        """All log lines."""
        return "\n".join(row.text for row in self.trial.notes)


Run = Callable[..., Awaitable[Outcome]]


@pytest.fixture(autouse=True)
def _in_haste(haste: None) -> None:
    """Gateway and scenario share a loop."""


@asynccontextmanager
async def trial_at(
    simulated: Gateway, definition: Definition, config: Config
) -> AsyncIterator[Trial]:
    """A trial with an endpoint, a grant and, unless it wants none, a connection."""
    number = next(numbers)
    endpoint = await Endpoint.objects.acreate(
        name=f"simulation {number}", port=simulated.port, kind=Endpoint.Kind.SIMULATED,
        speed=simulated.clock.speed, always_open=simulated.settings.always_open,
    )  # fmt: skip
    scope, clock = f"test_{number:03}", SessionClock(simulated.clock.speed)
    documented = " ".join(config.paper_trading.documented_positions)
    trial = Trial(
        held_to(config, endpoint), config, f"{scope}/{definition.id}", clock,
        documented_positions=documented,
    )  # fmt: skip
    if definition.wants(FAULTS):
        trial.fault_switches = LocalSwitches(simulated)
    if definition.own_connection:
        yield trial
        return
    orders = definition.wants(ORDERS)
    if orders:
        grant = await OrderGrant.objects.acreate(
            scope=scope, endpoint=endpoint, symbols=[config.test_contracts.spy.symbol],
            max_orders=config.limits.max_orders,
            expires_at=timezone.now() + timedelta(minutes=5),
        )  # fmt: skip
        trial.order_door = Door(grant.pk, clock)
    async with gateway.connect(
        trial.target, readonly=not orders, clock=clock, listener=TrialListener(trial)
    ) as desk:
        trial.connection = desk
        yield trial


async def compare(trial: Trial, ago: float) -> None:
    """Write down that the session's watch has compared the books."""
    past = timezone.now() - timedelta(seconds=ago)
    await ReconciliationRun.objects.acreate(
        endpoint_id=trial.target.endpoint_id, scope=trial.ref.partition("/")[0], occasion="START",
        state=ReconciliationRun.State.CLEAN, started_at=past, ended_at=past,
    )  # fmt: skip


async def unpaced(trial: Trial) -> None:
    """Let the desk send as much as IBKR allows, whatever its configuration says."""
    link = trial.desk._link
    link.bucket = Bucket(link.clock)


def configured(simulated: Gateway, **changes: dict[str, Any]) -> Config:
    """The default configuration with the expiry of the gateway's day; `changes` by section."""
    content = Config().content()
    today = simulated.clock.now().astimezone(ET).date()
    content["test_contracts"]["spy_weekly_call"]["expiry"] = f"{next_weekly_expiry(today):%Y%m%d}"
    for section, fields in changes.items():
        content[section] |= fields
    return read(content)


@pytest.fixture
def run_scenario(transactional_db: None) -> Run:
    """Run one scenario; `levers` are on from the beginning, `later` from when it is connected.

    `compared` real seconds ago the session's watch has compared the books, with None never.
    `catch` is a fault of the catalogue. `prepare` may change the trial before (its `shared` holds
    the gateway); the clean-up finds the gateway sound again.
    """

    async def run(
        scenario: str,
        *,
        speed: float = 0.0,
        start: datetime | None = None,
        always_open: bool = True,
        config: dict[str, Any] | None = None,
        later: dict[str, Any] | None = None,
        prepare: Callable[[Trial], Awaitable[None]] | None = None,
        compared: float | None = 0.0,
        catch: Catch | None = None,
        **levers: Any,
    ) -> Outcome:
        definition = catalogue.load().get(scenario)
        speed = speed or SLOWER.get(scenario, SPEED)
        switches = Levers(**levers)
        serving = Gateway.serve(speed=speed, levers=switches, start=start, always_open=always_open)
        async with serving as simulated:
            settings = configured(simulated, **(config or {}))
            if catch and catch.after is None:
                catch.strike(simulated)
            async with trial_at(simulated, definition, settings) as trial:
                for name, value in (later or {}).items():
                    setattr(simulated.levers, name, value)
                if catch and catch.after is not None:
                    catch.strike(simulated)
                if compared is not None:
                    await compare(trial, compared)
                if prepare:
                    trial.shared["gateway"] = simulated
                    await prepare(trial)
                outcome = Outcome(await carry_out(definition, trial), trial, simulated)
                await trial.end_faults()
                simulated.faults.clear()
            if definition.wants(ORDERS):
                vars(simulated.levers).update(vars(Levers()))
                async with gateway.connect(trial.target, readonly=False) as desk:
                    outcome.cleaned = await gateway.cleanup(desk, trial.ref)
        return outcome

    return run


Caught = Callable[[Catch], Awaitable[None]]


@pytest.fixture
def caught(run_scenario: Run) -> Caught:
    """Run a scenario under the fault that it is to catch, and judge which checks failed."""

    async def judge(catch: Catch) -> None:
        outcome = await run_scenario(
            catch.scenario, speed=catch.speed, config=catch.config, catch=catch
        )
        wanted = ("ERROR" if catch.halts else "FAILED", catch.halts)
        assert (outcome.state, outcome.ending.halted) == wanted, outcome.trial.checks
        missing, others = catch.against(outcome.failed)
        assert not missing, (missing, outcome.failed)
        assert not others, others

    return judge


_kept: dict[str, Outcome] = {}


@pytest.fixture
def sound(run_scenario: Run) -> Run:
    """Give a scenario's outcome on a sound gateway; run once for all tests that only read it."""

    async def give(scenario: str) -> Outcome:
        if scenario not in _kept:
            _kept[scenario] = await run_scenario(scenario)
        return _kept[scenario]

    return give
