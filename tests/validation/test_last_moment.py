"""What comes at the last moment counts: an abort, the kill switch, lost rows, a swapped gateway."""

import asyncio
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.test import Client

from brokerage import kill
from brokerage.models import Endpoint
from tests.conftest import People
from tests.validation.conftest import Toys, run, states, taken
from validation import bookkeeping, recorder, runner, sessions
from validation.cleanup import Cleaned
from validation.lease import Lease
from validation.models import AttemptState, Session, SessionState
from validation.scenarios.trial import Trial

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fast_pulse")]


def during_clean_up(monkeypatch: pytest.MonkeyPatch, happens: Any) -> None:
    """Let something happen while the whole session is cleaned up, after its last scenario."""

    async def clean_up(target: Any, scope: str) -> Cleaned:
        if "/" not in scope:
            await sync_to_async(happens)()
        return Cleaned(True, "Verified.")

    monkeypatch.setattr(runner, "clean_up", clean_up)
    monkeypatch.setattr(runner, "PULSE_S", 60)


def test_an_abort_during_the_clean_up_ends_the_session(
    sound: Session, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    during_clean_up(monkeypatch, lambda: sessions.abort(sound, operator, "wrong account"))
    assert run(sound).state == SessionState.ABORTED
    assert "wrong account" in sound.outcome_reason


def test_the_kill_switch_during_the_clean_up_halts_the_session(
    sound: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    during_clean_up(monkeypatch, lambda: kill.trigger("test", "a rogue order"))
    assert run(sound).state == SessionState.HALTED


@pytest.mark.django_db(transaction=True)
def test_nothing_passes_whose_checks_cannot_be_stored(
    sound: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: Any, **how: Any) -> None:
        raise DatabaseError("disk full")

    monkeypatch.setattr(recorder, "write", away)
    with pytest.raises(DatabaseError, match="rows of evidence"):
        run(sound)
    assert AttemptState.PASSED not in states(sound).values()


def swap(sound: Session) -> None:
    """Make the session one of a paper gateway, which has become a simulated one since."""
    Session.objects.filter(pk=sound.pk).update(simulated=False)
    sound.refresh_from_db()


def test_a_gateway_that_became_a_simulated_one_halts_the_session(sound: Session) -> None:
    swap(sound)
    assert run(sound).state == SessionState.HALTED
    assert "another kind of gateway" in sound.outcome_reason


def test_nothing_is_run_again_on_another_kind_of_gateway(reviewed: Session, operator: User) -> None:
    swap(reviewed)
    with pytest.raises(sessions.SessionRefused, match="another kind"):
        sessions.rerun(reviewed, ["BC-01"], operator)


def test_a_rerun_that_meets_a_new_session_is_refused_in_words(
    reviewed: Session, people: People, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The check before the transaction saw nothing yet.
    monkeypatch.setattr(sessions, "_refuse_start", lambda *args: None)
    sessions.start(people.op, reviewed.endpoint, ["RS-01"])
    client.force_login(people.op)
    address = f"/api/v1/sessions/{reviewed.number}/rerun"
    answer = client.post(address, {"scenarios": ["BC-01"]}, "application/json")
    assert answer.status_code == 409
    assert "is taken by" in answer.json()["detail"]


def test_a_row_that_no_database_takes_stops_the_verdict(
    toys: Toys, seeded: Endpoint, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "storable", lambda row: row)

    async def notes(trial: Trial) -> None:
        trial.check("two is two", 2, 2)
        trial.note("a message of the gateway", code=2**70)
        await asyncio.sleep(0.1)

    toys.add("BC-01", notes)
    session = sessions.start(operator)
    with pytest.raises(DatabaseError, match="2 rows of evidence"):
        run(session)
    assert states(session) == {"BC-01": AttemptState.RUNNING}


def test_the_pulse_hears_the_kill_switch_after_a_fault(
    toys: Toys, seeded: Endpoint, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    look = bookkeeping.look_outside

    def faulty(lease: Lease) -> object:
        asked.append(lease)
        if len(asked) == 1:
            raise RuntimeError("a fault that nobody thought of")
        kill.trigger("test", "a rogue order")
        return look(lease)

    monkeypatch.setattr(bookkeeping, "look_outside", faulty)
    toys.add("BC-01", lambda trial: asyncio.sleep(20))
    session = sessions.start(operator)
    async_to_sync(runner.run)(taken(session))
    session.refresh_from_db()
    assert session.state == SessionState.HALTED
