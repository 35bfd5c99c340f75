"""Faults in a scenario: noted as planned, off at its end whatever happens, never on a real one."""

import asyncio
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User

from brokerage.errors import GatewayError
from brokerage.gateway import FaultRefused
from brokerage.models import Endpoint
from tests.validation.conftest import Toys, run, states, taken
from validation import runner, sessions
from validation.configuration import Config
from validation.models import AttemptState, LogLine
from validation.scenarios.catalogue import FAULTS
from validation.scenarios.trial import Trial

pytestmark = pytest.mark.django_db


class Panel:
    """Switches that remember what was done to them."""

    def __init__(self, stuck: bool = False) -> None:
        self.on_now: list[str] = []
        self.done: list[str] = []
        self.stuck = stuck

    async def on(self, name: str, **params: Any) -> None:
        self.done.append(f"on {name}")
        self.on_now.append(name)

    async def off(self, name: str) -> bool:
        if self.stuck:
            raise FaultRefused("The fault is stuck.")
        self.done.append(f"off {name}")
        self.on_now.remove(name)
        return True

    async def active(self) -> tuple[str, ...]:
        return tuple(self.on_now)


@pytest.fixture
def panel(monkeypatch: pytest.MonkeyPatch) -> Panel:
    """The switches of every simulated gateway."""
    panel = Panel()
    monkeypatch.setattr(runner.gateway, "switches", lambda target: panel)
    return panel


def session_with(toys: Toys, operator: User, body: Any, **options: Any) -> Any:
    toys.add("RS-01", body, needs=[FAULTS], **options)
    return sessions.start(operator)


def said(session: Any) -> list[tuple[str, bool]]:
    """The log lines about faults, and whether they count as planned."""
    rows = LogLine.objects.filter(session=session, source="faults").order_by("pk")
    return list(rows.values_list("message", "planned"))


async def uses_one(trial: Trial) -> None:
    async with trial.faults.using("link_lost", seconds=60):
        trial.note("lost it")
    trial.check("done", 1, 1)


async def leaves_one_on(trial: Trial) -> None:
    await trial.faults.on("link_lost")
    trial.check("done", 1, 1)


async def breaks_with_one_on(trial: Trial) -> None:
    await trial.faults.on("link_lost")
    raise ValueError("broken")


async def hangs_with_one_on(trial: Trial) -> None:
    await trial.faults.on("link_lost")
    await asyncio.sleep(60)


def test_the_use_of_a_fault_is_noted_as_planned(
    toys: Toys, seeded: Endpoint, operator: User, panel: Panel
) -> None:
    session = session_with(toys, operator, uses_one)
    assert states(run(session)) == {"RS-01": AttemptState.PASSED}
    assert said(session) == [
        ("Fault on: link_lost with seconds 60", True),
        ("Fault off: link_lost", True),
    ]
    assert LogLine.objects.get(message="lost it").planned
    assert panel.done == ["on link_lost", "off link_lost"]


@pytest.mark.parametrize(
    ("body", "options", "state"),
    [
        (leaves_one_on, {}, AttemptState.PASSED),
        (breaks_with_one_on, {}, AttemptState.ERROR),
        (hangs_with_one_on, {"timeout": 0.05}, AttemptState.TIMED_OUT),
    ],
)
def test_what_a_scenario_leaves_on_goes_off_at_its_end(
    toys: Toys, seeded: Endpoint, operator: User, panel: Panel, body: Any, options: Any, state: str
) -> None:
    session = session_with(toys, operator, body, **options)
    assert states(run(session)) == {"RS-01": state}
    assert panel.on_now == []
    assert said(session)[-1][0] == "Fault link_lost was left on by the scenario and is off now"


def test_it_goes_off_when_the_session_is_aborted(
    toys: Toys, seeded: Endpoint, operator: User, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "PULSE_S", 0.02)

    session = session_with(toys, operator, hangs_with_one_on)
    lease = taken(session)
    sessions.abort(session, operator, "enough")
    async_to_sync(runner.run)(lease)
    assert states(session) == {"RS-01": AttemptState.ABORTED}
    assert panel.done == ["on link_lost", "off link_lost"]


def test_a_fault_that_can_not_be_switched_off_is_an_error_in_the_log(
    toys: Toys, seeded: Endpoint, operator: User, panel: Panel
) -> None:
    panel.stuck = True
    session = session_with(toys, operator, leaves_one_on)
    run(session)
    line = LogLine.objects.get(session=session, level="ERROR", source="faults")
    assert "link_lost is still on: The fault is stuck." in line.message


def test_a_scenario_that_needs_faults_is_skipped_where_there_are_none(
    toys: Toys, seeded: Endpoint, operator: User
) -> None:
    session = session_with(toys, operator, uses_one)
    assert states(run(session)) == {"RS-01": AttemptState.SKIPPED}
    assert "control port" in session.attempts.get().reason


def trial_at(endpoint: Endpoint, switches: Panel | None) -> Trial:
    return Trial(endpoint.target(), Config(), "s/RS-01", clock=None, fault_switches=switches)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [Endpoint.Kind.SIMULATED, Endpoint.Kind.PAPER])
def test_who_did_not_declare_the_need_gets_no_fault(kind: str) -> None:
    with pytest.raises(RuntimeError, match="did not declare that it needs faults"):
        trial_at(Endpoint(name="x", kind=kind), None).faults.end()


def test_a_real_gateway_has_no_faults_even_if_somebody_hands_switches_over() -> None:
    panel = Panel()
    with pytest.raises(RuntimeError, match="never switched anywhere else"):
        trial_at(Endpoint(name="x", kind=Endpoint.Kind.PAPER), panel).faults.end()


def test_a_refusal_reaches_the_scenario(
    toys: Toys, seeded: Endpoint, operator: User, panel: Panel
) -> None:
    async def asks_in_vain(trial: Trial) -> None:
        panel.stuck = True
        await trial.faults.on("link_lost")
        with pytest.raises(GatewayError):
            await trial.faults.off("link_lost")
        panel.stuck = False
        trial.check("done", 1, 1)

    session = session_with(toys, operator, asks_in_vain)
    assert states(run(session)) == {"RS-01": AttemptState.PASSED}
    assert panel.on_now == []
