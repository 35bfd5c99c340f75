"""A whole session on the sound simulated gateway: all green, and twice the same."""

import re
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command

from brokerage.models import Endpoint
from validation.models import AttemptState, Check, LogLine, Metric, Session
from validation.scenarios import catalogue

pytestmark = pytest.mark.django_db
NUMBER = re.compile(r"[-+]?\d[\d.,:]*")
EXECUTION = re.compile(r"exec id \S+")
A_MINUTE = timedelta(minutes=1)


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


@pytest.mark.timeout(360)
def test_all_scenarios_pass_within_a_minute_and_a_seed_brings_the_same_events_again(
    seeded: Endpoint,
) -> None:
    first, second = run(7), run(7)
    planned = len(catalogue.load().core())
    for session in (first, second):
        states = [attempt.state for attempt in session.attempts.all()]
        assert states == [AttemptState.PASSED] * planned
        assert session.started_at is not None
        assert session.ended_at is not None
        assert session.ended_at - session.started_at < A_MINUTE
    assert checks(first) == checks(second)
    assert metrics(first) == metrics(second)
    assert events(first) == events(second)
