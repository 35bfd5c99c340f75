"""The bot's configuration in a session: compared, kept as evidence, ticked, never self-signed."""

from datetime import UTC, date, datetime

import pytest
import time_machine

from tests.conftest import People
from tests.validation.conftest import run
from tests.validation.test_bot_file import NESTED
from tests.validation.test_checklist import item
from validation import checklist, evidence
from validation.bot_configs import receive
from validation.models import EventDay, HealthCheck, ItemState, Session
from validation.preflight.process import plan_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fast_pulse")]
RAW = NESTED.encode()


def found_of(session: Session) -> HealthCheck:
    return HealthCheck.objects.get(run__session=session, code="HP-25B")


def test_an_agreeing_upload_ticks_its_item_and_is_evidence(sound: Session, people: People) -> None:
    row, _ = receive(people.qa, RAW)
    session = run(sound)
    assert found_of(session).verdict == "PASS"
    ticked = item(session, "1.1.22")
    assert ticked.state == ItemState.AUTO_PASS
    assert row.sha256 in ticked.finding
    assert row.sha256 in str(evidence.load().manifest(session.number)["preflights"])


def test_who_uploaded_what_was_compared_cannot_sign(sound: Session, people: People) -> None:
    receive(people.qa, RAW)
    session = run(sound)
    told = evidence.load().conflicts(session.number)
    assert told[people.qa.pk] == "uploaded the bot's configuration"


def test_what_differs_fails_the_item_until_a_person_documents_it(
    sound: Session, people: People
) -> None:
    receive(people.ci, RAW.replace(b"timeout: 30", b"timeout: 5"))
    session = run(sound)
    assert found_of(session).verdict == "WARN"
    failed = item(session, "1.1.22")
    assert failed.state == ItemState.AUTO_FAIL
    checklist.document_exception(failed, people.op, "The bot waits less on purpose.", "None.")
    assert item(session, "1.1.22").state == ItemState.EXCEPTION


def test_a_bot_with_a_client_id_of_ours_holds_the_session_up(
    sound: Session, people: People
) -> None:
    receive(people.ci, RAW.replace(b"client_id: 1", b"client_id: 210"))
    session = run(sound)
    assert (session.state, found_of(session).holds_up) == ("DRAFT", True)


def test_without_an_upload_a_person_attests_the_item(sound: Session, people: People) -> None:
    session = run(sound)
    assert found_of(session).verdict == "NOT_APPLICABLE"
    left = item(session, "1.1.22")
    assert left.state == ItemState.OPEN
    assert checklist.attest(left, people.op, "compared").state == ItemState.PASS


def test_a_later_upload_leaves_what_was_compared_as_it_was(sound: Session, people: People) -> None:
    first, _ = receive(people.ci, RAW)
    session = run(sound)
    receive(people.ci, RAW.replace(b"4002", b"7497"))
    checklist.evaluate(session)
    assert first.sha256 in item(session, "1.1.22").finding


def test_the_events_of_today_in_new_york_reach_the_preflight(sound: Session) -> None:
    for day, name in ((16, "CPI"), (17, "FOMC"), (18, "NFP")):
        EventDay.objects.create(day=date(2026, 2, day), name=name)
    # The 17th is not over there.
    with time_machine.travel(datetime(2026, 2, 18, 4, 59, tzinfo=UTC), tick=False):
        assert plan_of(sound).events == ("FOMC",)
