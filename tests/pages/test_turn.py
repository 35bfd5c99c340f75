"""A drill's page says what a person has to do now, and takes their word that it is done."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from crucible.ledger.models import Entry
from tests.conftest import People
from validation import drills, evidence
from validation.models import AttemptState, LogLine, Session, SessionState
from validation.scenarios.by_hand import PATIENCE_S, SEEN, YOUR_TURN

pytestmark = pytest.mark.django_db
STOP = "Stop the gateway's program now."


@pytest.fixture
def drill(session: Session) -> Session:
    """A session at real speed whose drill asks for something."""
    attempt = session.attempts.get(scenario="OE-01")
    attempt.state, attempt.started_at = AttemptState.RUNNING, timezone.now()
    attempt.save()
    Session.objects.update(state=SessionState.RUNNING, speed=1.0)
    session.refresh_from_db()
    tells(session, f"{YOUR_TURN}: {STOP}", "alert")
    return session


def tells(session: Session, text: str, source: str) -> LogLine:
    attempt = session.attempts.get(scenario="OE-01")
    return session.log_lines.create(attempt=attempt, message=text, source=source)


def page(client: Client, session: Session) -> str:
    return client.get(session.get_absolute_url(), headers={"HX-Request": "true"}).content.decode()


def confirm(client: Client, session: Session, step: int) -> str:
    path = f"/sessions/{session.number}/turn/"
    return client.post(path, {"step": step}, follow=True).content.decode()


def test_the_page_says_what_is_to_be_done_since_when_and_until_when(
    operator: Client, drill: Session
) -> None:
    now = drills.turn(drill)
    assert now is not None
    assert (now.text, now.until - now.since) == (STOP, timedelta(seconds=PATIENCE_S))
    whole = page(operator, drill)
    assert "What you have to do now" in whole
    assert "Stop the gateway&#x27;s program now." in whole
    assert "I have done it" in whole
    assert "Nothing to do" not in whole
    tells(drill, "What was asked for is seen.", SEEN)
    assert "Nothing to do: results appear as they come." in page(operator, drill)


def test_a_fast_clock_leaves_as_much_less_real_time(drill: Session) -> None:
    drill.speed = 25.0
    now = drills.turn(drill)
    assert now is not None
    assert now.until - now.since == timedelta(seconds=PATIENCE_S / 25)


def test_a_confirmation_is_written_down_once_and_keeps_the_person_from_signing(
    operator: Client, drill: Session, people: People
) -> None:
    now = drills.turn(drill)
    assert now is not None
    assert "Noted. The drill goes on" in confirm(operator, drill, now.step)
    entry = Entry.objects.get(kind="drill.confirmed")
    assert (entry.actor_name, entry.details["did"]) == (people.op.username, STOP)
    assert "said at" in page(operator, drill)
    assert "I have done it" not in page(operator, drill)
    assert "has confirmed that step already" in confirm(operator, drill, now.step)
    assert drill.involvements.filter(person=people.op, what="did a step of a drill").exists()
    assert people.op.pk in evidence.load().conflicts(drill.number)


def test_what_was_seen_is_asked_of_nobody_any_more(operator: Client, drill: Session) -> None:
    now = drills.turn(drill)
    assert now is not None
    tells(drill, "What was asked for is seen.", SEEN)
    assert drills.turn(drill) is None
    assert "What you have to do now" not in page(operator, drill)
    assert "does not wait for that step any more" in confirm(operator, drill, now.step)


def test_the_next_step_takes_the_place_of_the_last_one(operator: Client, drill: Session) -> None:
    first = drills.turn(drill)
    assert first is not None
    confirm(operator, drill, first.step)
    tells(drill, f"{YOUR_TURN}: Start it again.", "alert")
    second = drills.turn(drill)
    assert second is not None
    assert (second.text, second.said) == ("Start it again.", None)
    assert "does not wait for that step any more" in confirm(operator, drill, first.step)


def test_a_drill_that_has_ended_asks_for_nothing(drill: Session) -> None:
    drill.attempts.filter(scenario="OE-01").update(state=AttemptState.PASSED)
    assert drills.turn(drill) is None


def test_a_viewer_reads_it_and_may_not_confirm(viewer: Client, drill: Session) -> None:
    now = drills.turn(drill)
    assert now is not None
    whole = page(viewer, drill)
    assert "What you have to do now" in whole
    assert "I have done it" not in whole
    answer = viewer.post(f"/sessions/{drill.number}/turn/", {"step": now.step})
    assert answer.status_code == 403
    assert not Entry.objects.filter(kind="drill.confirmed").exists()
