"""A whole session on the sound simulated gateway: all green, and twice the same."""

import re
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from brokerage.models import Endpoint
from brokerage.patience import steady
from tests.haste import LoopTime
from validation import foreground
from validation.models import AttemptState, Check, LogLine, Metric, Session
from validation.scenarios import catalogue, trial

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("haste")]
NUMBER = re.compile(r"[-+]?\d[\d.,:]*")
EXECUTION = re.compile(r"exec id \S+")
A_MINUTE_S = 60.0


def run(seed: int) -> Session:
    call_command(
        "run_validation", "--speed", "25", "--seed", str(seed), verbosity=0, stdout=StringIO()
    )
    session = Session.objects.last()
    assert session is not None
    return session


def events(session: Session) -> list[tuple[str, str, str, int | None, str]]:
    """The log in its order; figures, and the ids that carry the time of the start, left out."""
    lines = LogLine.objects.filter(session=session).select_related("attempt").order_by("pk")
    return [
        (
            line.attempt.scenario if line.attempt else "", line.level, line.source, line.code,
            NUMBER.sub("#", EXECUTION.sub("exec id", line.message)),
        )
        for line in lines
    ]  # fmt: skip


def checks(session: Session) -> list[tuple[str, int, str, bool]]:
    rows = Check.objects.filter(attempt__session=session).order_by("attempt__pk", "position")
    return list(rows.values_list("attempt__scenario", "position", "name", "passed"))


def metrics(session: Session) -> list[tuple[str, str]]:
    rows = Metric.objects.filter(attempt__session=session).order_by("pk")
    return list(rows.values_list("attempt__scenario", "name"))


@pytest.fixture
def lasted(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that each run took, from its start to its end; none that the machine withheld."""
    took: list[float] = []
    run_it = foreground.on_simulation

    async def timed(*args: Any) -> Session:
        clock = steady()
        began = clock()
        session = await run_it(*args)
        took.append(clock() - began)
        return session

    monkeypatch.setattr(foreground, "on_simulation", timed)
    return took


@pytest.fixture(autouse=True)
def _one_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outages are compared with the times of day at which faults were provoked."""
    monkeypatch.setattr(trial, "datetime", LoopTime)


@pytest.mark.timeout(600)
def test_all_scenarios_pass_within_a_minute_and_a_seed_brings_the_same_events_again(
    seeded: Endpoint, lasted: list[float]
) -> None:
    first, second = run(7), run(7)
    planned = len(catalogue.load().core())
    for session in (first, second):
        states = [attempt.state for attempt in session.attempts.all()]
        assert states == [AttemptState.PASSED] * planned
    assert len(lasted) == 2
    assert max(lasted) < A_MINUTE_S
    assert checks(first) == checks(second)
    assert metrics(first) == metrics(second)
    assert events(first) == events(second)
