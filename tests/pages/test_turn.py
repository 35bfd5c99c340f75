"""A drill's page says what a person has to do now, and takes their word that it is done."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

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


def call(people: People, code: str, session: Session, **body: object) -> Any:
    """Ask over REST what is to be done, or with a step say that it is done."""
    client = APIClient()
    client.force_authenticate(people[code])
    path = f"/api/v1/sessions/{session.number}/turn"
    return client.post(path, body, format="json") if body else client.get(path)


def test_rest_tells_the_step_and_takes_the_word_that_it_is_done(
    drill: Session, people: People
) -> None:
    told = call(people, "vw", drill).json()
    assert (told["scenario"], told["text"], told["confirmed_by"]) == ("OE-01", STOP, None)
    assert told["simulated"] is True
    answer = call(people, "op", drill, step=told["step"])
    assert (answer.status_code, answer.json()["number"]) == (200, drill.number)
    assert Entry.objects.get(kind="drill.confirmed").actor_name == people.op.username
    assert people.op.pk in evidence.load().conflicts(drill.number)
    assert call(people, "vw", drill).json()["confirmed_by"] == people.op.username


def test_rest_waits_for_nothing_once_it_was_seen(drill: Session, people: People) -> None:
    step = call(people, "vw", drill).json()["step"]
    tells(drill, "What was asked for is seen.", SEEN)
    assert call(people, "vw", drill).status_code == 204
    assert call(people, "op", drill, step=step).status_code == 409


@pytest.mark.parametrize(
    ("code", "step", "status"), [("vw", 1, 403), ("ci", 1, 403), ("op", 0, 400), ("op", "x", 400)]
)
def test_rest_refuses_who_may_not_and_what_is_no_step(
    drill: Session, people: People, code: str, step: object, status: int
) -> None:
    assert call(people, code, drill, step=step).status_code == status
    assert not Entry.objects.filter(kind="drill.confirmed").exists()


def test_rest_takes_a_step_once(drill: Session, people: People) -> None:
    step = call(people, "vw", drill).json()["step"]
    assert call(people, "op", drill, step=step).status_code == 200
    again = call(people, "ld", drill, step=step)
    assert (again.status_code, "confirmed that step already" in again.json()["detail"]) == (
        409, True,
    )  # fmt: skip
