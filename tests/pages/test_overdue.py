"""A scenario that hangs is seen on its session's page, beside the way out, and over REST."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests.conftest import People
from validation.models import Attempt, AttemptState, Session, SessionState

pytestmark = pytest.mark.django_db


def begun(session: Session, seconds: float) -> Attempt:
    """Begin the session's BC-06, so many seconds ago; 12 real seconds are twice its minute."""
    attempt = session.attempts.get(scenario="BC-06")
    attempt.state = AttemptState.RUNNING
    attempt.started_at = timezone.now() - timedelta(seconds=seconds)
    attempt.save()
    return attempt


def test_an_overdue_scenario_is_amber_with_the_abort_beside_it(
    operator: Client, session: Session
) -> None:
    begun(session, 13)
    page = operator.get(session.get_absolute_url()).content.decode()
    assert "Overdue since" in page
    assert "card--warn" in page
    assert "Abort the session" in page
    Session.objects.update(state=SessionState.RUNNING)
    page = operator.get(session.get_absolute_url()).content.decode()
    assert "BC-06 is overdue" in page
    assert "Nothing to do" not in page


def test_a_scenario_in_its_time_is_not_overdue_and_the_page_asks_again_when_it_would_be(
    operator: Client, session: Session
) -> None:
    begun(session, 2)
    page = operator.get(session.get_absolute_url()).content.decode()
    assert "Overdue since" not in page
    assert 'hx-trigger="load delay:11s"' in page


def test_who_may_not_abort_sees_it_without_the_button(viewer: Client, session: Session) -> None:
    begun(session, 13)
    page = viewer.get(session.get_absolute_url()).content.decode()
    assert "Overdue since" in page
    assert "Abort the session" not in page


def test_the_attempt_says_so_on_its_page_and_over_rest(
    operator: Client, session: Session, people: People
) -> None:
    attempt = begun(session, 13)
    assert "Overdue since" in operator.get(attempt.get_absolute_url()).content.decode()
    rows = operator.get(f"/api/v1/sessions/{session.number}/results").json()["results"]
    told = {row["scenario"]: (row["expected_s"], row["overdue_since"]) for row in rows}
    assert told["BC-06"][0] == 60
    assert told["BC-06"][1]
    assert told["BC-05"][1] is None
