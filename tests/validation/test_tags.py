"""The git tag that a session earns, and the pipeline's word that it is made."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from crucible.ledger.append_only import AppendOnlyError
from crucible.ledger.models import Entry
from tests.conftest import People
from tests.validation.test_milestones import approve, block, done
from validation import sessions, tags
from validation.models import CodeTag, Session, SessionKind, SessionState

pytestmark = pytest.mark.django_db
COMMIT = "a1b2c3d4e5f60718293a4b5c6d7e8f9001122334"
OTHER = "b" * 40
# 03:00 UTC is still the evening before in New York.
BEGAN = datetime(2026, 3, 3, 3, 0, tzinfo=UTC)
PASSED, BLOCKED = "phase1-validation-passed-20260302", "phase1-validation-blocked-20260302"
URL = "https://ci.example.com/runs/7"


@pytest.fixture
def real(reviewed: Session) -> Session:
    """A reviewed session at a broker's gateway, of a known commit."""
    Session.objects.update(simulated=False, started_at=BEGAN, code_version=COMMIT)
    reviewed.refresh_from_db()
    return reviewed


@pytest.fixture
def report(people: People) -> Callable[..., Any]:
    """What a pipeline sends, and who; returns the answer."""

    def send(name: str, commit: str = COMMIT, by: Any = None) -> Any:
        client = APIClient()
        client.force_authenticate(by or people.ci)
        return client.post(
            "/api/v1/ci/tags", {"name": name, "commit": commit, "run_url": URL}, format="json"
        )

    return send


@pytest.mark.parametrize("state", SessionState)
def test_only_an_approved_or_a_blocked_full_session_earns_a_tag(
    real: Session, state: SessionState
) -> None:
    real.state = state
    tag = tags.earned(real)
    wanted = {"APPROVED": PASSED, "SUPERSEDED": PASSED, "BLOCKED": BLOCKED}.get(state)
    assert (tag and tag.name) == wanted
    assert tag is None or tag.commit == COMMIT
    real.kind = SessionKind.PARTIAL
    assert tags.earned(real) is None


def test_a_simulated_session_earns_a_tag_that_says_so(real: Session) -> None:
    real.state, real.simulated = SessionState.APPROVED, True
    tag = tags.earned(real)
    assert tag is not None
    assert tag.name == f"simulated-{PASSED}"


def test_a_reported_tag_ticks_the_step_that_waits_for_it(
    real: Session, people: People, report: Callable[..., Any]
) -> None:
    task = approve(real, people)
    assert report(PASSED).status_code == 201
    assert "14.3" in done(task)
    step = task.steps.get(code="14.3")
    assert (step.done_by, step.note) == (None, f"At {COMMIT[:12]}, {URL}")
    entry = Entry.objects.get(kind="tag.reported")
    assert entry.actor == people.ci
    assert entry.details["sessions"] == [real.number]


def test_the_same_report_twice_changes_nothing(
    real: Session, people: People, report: Callable[..., Any]
) -> None:
    approve(real, people)
    first, again = report(PASSED), report(PASSED)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert CodeTag.objects.count() == 1
    with pytest.raises(AppendOnlyError):
        CodeTag.objects.update(commit=OTHER)


def test_a_tag_that_nobody_has_earned_is_refused(
    real: Session, people: People, report: Callable[..., Any]
) -> None:
    assert report(PASSED).status_code == 400
    approve(real, people)
    assert report(PASSED, OTHER).status_code == 400
    assert report(BLOCKED).status_code == 400
    assert report(f"simulated-{PASSED}").status_code == 400
    assert report(PASSED, "HEAD").status_code == 400
    assert report(PASSED, by=people.pm).status_code == 403
    assert not CodeTag.objects.exists()


def test_a_name_that_stands_at_another_commit_is_a_conflict(
    real: Session, people: People, report: Callable[..., Any], client: Client
) -> None:
    approve(real, people)
    CodeTag.objects.create(name=PASSED, commit=OTHER, run_url=URL, reported_by=people.ci)
    assert report(PASSED).status_code == 409
    client.force_login(people.vw)
    page = client.get(real.get_absolute_url()).content.decode()
    assert "a tag stands at one commit" in page


def test_the_way_back_is_tagged_at_both_ends(
    sound: Session, people: People, report: Callable[..., Any]
) -> None:
    Session.objects.update(simulated=False, started_at=BEGAN, code_version=COMMIT)
    task = block(Session.objects.get())
    assert report(BLOCKED).status_code == 201
    assert done(task) == {"11.11"}
    again = sessions.start(people.op, restart_of=Session.objects.get())
    Session.objects.filter(pk=again.pk).update(
        simulated=False, started_at=BEGAN, code_version=OTHER
    )
    again.refresh_from_db()
    transition = approve(again, people)
    assert report(PASSED, OTHER).status_code == 201
    assert done(task) == {"11.11", "11.13", "11.14", "11.16"}
    assert "14.3" in done(transition)


def test_the_page_shows_name_and_commit_and_whether_it_is_made(
    real: Session, people: People, report: Callable[..., Any], client: Client
) -> None:
    client.force_login(people.vw)
    assert "Git tag" not in client.get(real.get_absolute_url()).content.decode()
    approve(real, people)
    page = client.get(real.get_absolute_url()).content.decode()
    assert f"git tag -a {PASSED} {COMMIT[:12]}" in page
    assert COMMIT in page
    assert PASSED in client.get("/board/").content.decode()
    report(PASSED)
    page = client.get(real.get_absolute_url()).content.decode()
    assert "git tag -a" not in page
    assert "Reported by" in page


def test_a_session_whose_commit_is_not_known_says_what_to_do(
    real: Session, people: People, client: Client
) -> None:
    approve(real, people)
    Session.objects.update(code_version="unknown")
    client.force_login(people.vw)
    page = client.get(real.get_absolute_url()).content.decode()
    assert "set CRUCIBLE_CODE_VERSION" in page
    assert "git tag -a" not in page
