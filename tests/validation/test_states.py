"""The state machine of a session: every pair of states, allowed or refused."""

import pytest
from django.db import IntegrityError, transaction
from rest_framework.test import APIClient

from crucible.ledger.models import Entry
from tests.conftest import People
from tests.databases import Database
from validation import sessions
from validation.models import Session, SessionState
from validation.models.session import IN_FLIGHT, STOPPED, TERMINAL
from validation.sessions import SessionRefused

S = SessionState
# As roles_and_states.md 4.1 draws it; INTERRUPTED is the end of a session whose worker was lost.
ALLOWED = """
DRAFT PREFLIGHT ABORTED
PREFLIGHT READY DRAFT ABORTED HALTED INTERRUPTED
READY PREFLIGHT RUNNING ABORTED HALTED
RUNNING PAUSED CLEANUP ABORTED BLOCKED HALTED INTERRUPTED
PAUSED RUNNING ABORTED HALTED INTERRUPTED
CLEANUP MANUAL_CHECKS REPORTING ABORTED BLOCKED HALTED INTERRUPTED
MANUAL_CHECKS REPORTING PREFLIGHT
REPORTING MANUAL_CHECKS AWAITING_APPROVAL PREFLIGHT
AWAITING_APPROVAL REPORTING APPROVED REJECTED
APPROVED SUPERSEDED
"""
LEGAL = {
    (S(line.split()[0]), S(target))
    for line in ALLOWED.strip().splitlines()
    for target in line.split()[1:]
}


@pytest.mark.django_db
@pytest.mark.parametrize("before", S)
def test_each_move_is_allowed_or_refused(sound: Session, before: SessionState) -> None:
    for after in S:
        _try(sound, before, after)


def _try(sound: Session, before: SessionState, after: SessionState) -> None:
    Session.objects.update(state=before)
    sound.refresh_from_db()
    entries = Entry.objects.count()
    if (before, after) in LEGAL:
        sessions.move(sound, after, actor="test")
        entry = Entry.objects.order_by("-sequence")[0]
        assert (sound.state, entry.kind) == (after, f"session.{after.lower()}")
        assert (entry.details["before"], entry.details["after"]) == (before, after)
    else:
        with pytest.raises(SessionRefused, match=f"can't go from {before} to {after}"):
            sessions.move(sound, after, actor="test")
        sound.refresh_from_db()
        assert (sound.state, Entry.objects.count()) == (before, entries)


def test_no_state_is_left_by_hand_once_a_session_has_ended() -> None:
    assert {before for before, _ in LEGAL} & {S.REJECTED, S.SUPERSEDED, *STOPPED} == set()
    assert {after for before, after in LEGAL if before == S.APPROVED} == {S.SUPERSEDED}
    assert set(TERMINAL) | {before for before, _ in LEGAL} == set(S)


@pytest.mark.parametrize("step", ["run", "resume", "preflight", "pause", "rerun", "abort"])
@pytest.mark.django_db
def test_an_illegal_step_is_a_conflict_over_rest(sound: Session, people: People, step: str) -> None:
    Session.objects.update(state=S.APPROVED)
    client = APIClient()
    client.force_authenticate(people.op)
    body = {"reason": "too late", "scenarios": ["RS-01"]}
    answer = client.post(f"/api/v1/sessions/{sound.number}/{step}", body, format="json")
    assert answer.status_code == 409, answer.content
    sound.refresh_from_db()
    assert sound.state == S.APPROVED


@pytest.mark.parametrize("state", S)
def test_one_session_holds_a_gateway(database: Database, sound: Session, state: str) -> None:
    more = {
        "endpoint": sound.endpoint, "config": sound.config, "created_by": sound.created_by,
        "state": state,
    }  # fmt: skip
    if state in IN_FLIGHT:
        with pytest.raises(IntegrityError), transaction.atomic():
            Session.objects.create(number="other", **more)
    else:
        assert Session.objects.create(number="other", **more).pk
