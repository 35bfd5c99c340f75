"""What scenarios provoke is kept with its span, and not counted against the gateway."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction

from brokerage.models import Endpoint
from tests.validation.conftest import Toys, run
from validation import evidence, sessions
from validation.facts import Facts
from validation.models import FaultWindow, LogLine, Session
from validation.rules import apply
from validation.scenarios.faults import TrialFaults
from validation.scenarios.trial import Trial

pytestmark = pytest.mark.django_db
E = evidence.load()


class Lever:
    """A gateway whose faults only remember that they were switched."""

    async def on(self, name: str, **params: Any) -> None:
        pass

    async def off(self, name: str) -> bool:
        return True


def of(toys: Toys, operator: User, body: Any) -> Session:
    toys.add("BC-01", body)
    return run(sessions.start(operator))


@pytest.fixture
def drilled(toys: Toys, seeded: Endpoint, operator: User) -> Session:
    """A session whose only scenario has provoked a disconnect."""

    async def drill(trial: Trial) -> None:
        with trial.planned_fault("a disconnect on purpose"):
            await asyncio.sleep(0.02)
        trial.check("came back", 1, 1)

    return of(toys, operator, drill)


def test_a_window_has_scenario_span_and_reason(drilled: Session) -> None:
    window = FaultWindow.objects.get()
    assert (window.session, window.why) == (drilled, "a disconnect on purpose")
    assert window.attempt is not None
    assert window.attempt.scenario == "BC-01"
    assert 0.02 <= window.seconds < 30
    assert E.manifest(drilled.number)["planned_faults"][0]["why"] == window.why


def test_a_disconnect_inside_counts_as_planned_one_outside_does_not(drilled: Session) -> None:
    window = FaultWindow.objects.get()
    text, level = "Disconnected: reset by peer", "ERROR"
    LogLine.objects.create(
        session=drilled, source="gateway", message=text, level=level, at=window.starts_at
    )
    found = apply("no_disconnects", Facts(drilled))
    assert (found.ok, found.text) == (True, "1 in all, 1 planned, 0 unplanned")
    later = window.ends_at + timedelta(milliseconds=1)
    LogLine.objects.create(session=drilled, source="gateway", message=text, level=level, at=later)
    found = apply("no_disconnects", Facts(drilled))
    assert (found.ok, found.text) == (False, "2 in all, 1 planned, 1 unplanned")
    assert len(Facts(drilled).unplanned("ERROR")) == 1


def test_a_fault_that_is_switched_has_its_window_also_when_it_is_left_on(
    toys: Toys, seeded: Endpoint, operator: User
) -> None:
    async def drill(trial: Trial) -> None:
        faults = TrialFaults(trial, Lever())  # type: ignore[arg-type]
        await faults.on("link_lost")
        await faults.on("burst")
        await faults.off("link_lost")
        await faults.end()
        trial.check("came back", 1, 1)

    of(toys, operator, drill)
    assert FaultWindow.objects.get().why == "fault link_lost"


def test_a_scenario_that_dies_inside_leaves_its_window(
    toys: Toys, seeded: Endpoint, operator: User
) -> None:
    async def drill(trial: Trial) -> None:
        with trial.planned_fault("a disconnect on purpose"):
            raise RuntimeError("it broke")

    of(toys, operator, drill)
    assert FaultWindow.objects.count() == 1


def test_windows_are_kept_for_ever(drilled: Session) -> None:
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM validation_faultwindow")
