"""A request from its submission to its end: submitted, withdrawn, voided by a change."""

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.models import Session
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from approvals import requests
from approvals.guards import Reason, Refused
from approvals.models import Request, Signature
from approvals.requests import UnstableEvidenceError, submit, void_if_changed, withdraw
from approvals.rules import Decision, SlotState
from crucible.alerts.models import Alert
from crucible.ledger.models import Entry
from tests.approvals import evidence
from tests.approvals.conftest import Sign
from tests.approvals.evidence import SUBJECT, FakeEvidence
from tests.conftest import People

pytestmark = pytest.mark.django_db


def entry(kind: str) -> Entry:
    found: Entry = Entry.objects.filter(kind=kind).get()
    return found


class Unstable(FakeEvidence):
    """Signs its own submission: a mistake of the provider."""

    def submitted(self, subject: str, request_id: int, by: Any) -> None:
        evidence.put(subject, content={"submitted_by": by.username})


def test_a_submission_binds_the_content_and_sets_the_deadline(people: People) -> None:
    evidence.put()
    with time_machine.travel(datetime(2026, 11, 20, 18, 59, tzinfo=UTC), tick=False):
        made = submit(SUBJECT, people.op)
    assert made.manifest.content["evidence"] == evidence.read()["content"]
    assert made.manifest.content["policy"]["code"] == "VALIDATION"
    assert made.digest == made.manifest.digest
    assert made.due_at.astimezone(UTC) == datetime(2026, 11, 20, 23, tzinfo=UTC)
    assert (made.state, made.version, made.previous) == ("OPEN", 1, None)


def test_the_hours_of_the_deadline_are_settings(people: People, settings: Settings) -> None:
    settings.SIGNOFF_CUTOFF_HOUR_ET, settings.SIGNOFF_DUE_HOUR_ET = 13, 17
    evidence.put()
    with time_machine.travel(datetime(2026, 11, 20, 18, 59, tzinfo=UTC), tick=False):
        made = submit(SUBJECT, people.op)
    assert made.due_at.astimezone(UTC) == datetime(2026, 11, 23, 22, tzinfo=UTC)


def test_the_evidence_and_the_ledger_learn_of_a_submission(
    signoff: Request, people: People
) -> None:
    assert evidence.read()["told"] == [["SUBMITTED", signoff.pk, "op"]]
    told = entry("signoff.submitted")
    assert (told.actor, told.object_id) == (people.op, str(signoff.pk))
    assert told.details["digest"] == signoff.digest


def test_a_submission_shows_on_every_page_that_tells_of_it(
    people: People, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    evidence.put()
    with django_capture_on_commit_callbacks() as published:
        made = submit(SUBJECT, people.op)
    topics = {topic for call in published for topic in call.args[0]}  # type: ignore[attr-defined]
    assert topics >= {f"signoff:{made.pk}", f"session:{SUBJECT}", "board", "dashboard"}


def test_blockers_refuse_a_submission_and_nothing_is_kept(people: People) -> None:
    evidence.put(blockers=["Item 1.3.2 is open."])
    with pytest.raises(Refused) as caught:
        submit(SUBJECT, people.op)
    assert caught.value.refusal.points == ("Item 1.3.2 is open.",)
    assert not Request.objects.exists()
    assert not evidence.read()["told"]


@pytest.mark.parametrize("code", ["qa", "cro", "pm", "cto", "ad", "ci", "vw"])
def test_only_operators_submit(people: People, code: str) -> None:
    evidence.put()
    with pytest.raises(Refused) as caught:
        submit(SUBJECT, people[code])
    assert caught.value.refusal.code is Reason.ROLE


def test_an_unknown_subject_is_not_submitted(people: People) -> None:
    with pytest.raises(Session.DoesNotExist):
        submit("prelive_1", people.op)


def test_simulated_evidence_is_submitted_in_demo_mode_only(
    people: People, settings: Settings
) -> None:
    evidence.put(simulated=True)
    with pytest.raises(Refused, match="demo mode only"):
        submit(SUBJECT, people.op)
    settings.DEMO = True
    assert submit(SUBJECT, people.op).simulated


def test_what_already_waits_is_not_submitted_again(signoff: Request, people: People) -> None:
    with pytest.raises(Refused) as caught:
        submit(SUBJECT, people.qs)
    assert caught.value.refusal.code is Reason.UNDECIDED


def test_evidence_that_changes_by_being_submitted_is_an_error(
    people: People, settings: Settings
) -> None:
    settings.APPROVALS_EVIDENCE = "tests.approvals.test_requests.Unstable"
    evidence.put()
    with pytest.raises(UnstableEvidenceError, match="submitted by"):
        submit(SUBJECT, people.op)
    assert not Request.objects.exists()


def test_a_change_voids_every_signature_and_keeps_them(
    signoff: Request, sign: Sign, people: People
) -> None:
    sign(people.qa)
    sign(people.cro)
    voided = evidence.change(people.op, config={"revision": 4})
    assert voided == signoff
    signoff.refresh_from_db()
    assert (signoff.state, signoff.closed_by) == ("VOIDED", people.op)
    assert "config.revision" in signoff.closed_reason
    assert [row.state for row in signoff.rows[:2]] == [SlotState.VOID, SlotState.VOID]
    assert all(signature.void for signature in Signature.objects.all())


def test_a_change_tells_the_evidence_the_ledger_and_everybody_who_had_signed(
    signoff: Request, sign: Sign, people: People
) -> None:
    sign(people.qa)
    sign(people.cro)
    evidence.change(people.op, config={"revision": 4})
    assert evidence.read()["told"][-1][:2] == ["VOIDED", "op"]
    assert entry("signoff.voided").actor == people.op
    refs = {alert.ref for alert in Alert.objects.filter(kind="signoff.voided")}
    assert refs == {f"signoff:{signoff.pk}:qa", f"signoff:{signoff.pk}:cro"}


def test_a_change_by_no_person_names_the_part_of_the_system(signoff: Request) -> None:
    evidence.change("scheduler", config={"revision": 4})
    assert entry("signoff.voided").actor_name == "scheduler"
    assert evidence.read()["told"][-1][:2] == ["VOIDED", None]


def test_what_changes_no_content_voids_nothing(signoff: Request, people: People) -> None:
    assert evidence.change(people.op) is None
    evidence.put(blockers=["A comment was written."])
    assert void_if_changed(SUBJECT, people.op) is None
    assert Request.objects.get().state == "OPEN"


def test_a_change_of_what_was_never_submitted_voids_nothing(people: People) -> None:
    evidence.put()
    assert evidence.change(people.op, config={"revision": 4}) is None


def test_a_change_that_is_rolled_back_leaves_the_request_open(
    signoff: Request, people: People
) -> None:
    def broken() -> None:
        with requests.transaction.atomic():
            evidence.change(people.op, config={"revision": 4})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    assert Request.objects.get().state == "OPEN"


def test_after_a_change_a_new_version_is_linked_to_the_old(
    signoff: Request, people: People
) -> None:
    evidence.change(people.op, config={"revision": 4})
    again = submit(SUBJECT, people.op)
    assert (again.version, again.previous) == (2, signoff)
    assert again.digest != signoff.digest
    assert [(c.path, c.before, c.after) for c in again.changes] == [
        ("evidence.config.revision", "3", "4")
    ]


def test_changed_evidence_of_an_approved_request_raises_the_alarm_and_voids_nothing(
    signoff: Request, sign: Sign, people: People
) -> None:
    for signer in (people.qa, people.cro, people.pm):
        sign(signer)
    assert evidence.change(people.op, config={"revision": 4}) is None
    assert Request.objects.get().state == "APPROVED"
    assert Alert.objects.get(kind="signoff.changed_after_approval").severity == "CRITICAL"


def test_a_rejected_request_stays_as_it_is_when_its_evidence_changes(
    signoff: Request, sign: Sign, people: People
) -> None:
    sign(people.qa, Decision.REJECT, comment="figures are wrong")
    assert evidence.change(people.op, config={"revision": 4}) is None
    assert not Alert.objects.exists()


def test_the_submitter_withdraws_with_a_reason(signoff: Request, people: People) -> None:
    withdraw(signoff.pk, people.op, "  the wrong session  ")
    signoff.refresh_from_db()
    assert (signoff.state, signoff.closed_reason) == ("WITHDRAWN", "the wrong session")
    assert evidence.read()["told"][-1] == ["WITHDRAWN", "op", "the wrong session"]
    assert entry("signoff.withdrawn").details["reason"] == "the wrong session"


@pytest.mark.parametrize("code", ["qs", "qa", "ad"])
def test_nobody_else_withdraws(signoff: Request, people: People, code: str) -> None:
    with pytest.raises(Refused) as caught:
        withdraw(signoff.pk, people[code], "the wrong session")
    assert caught.value.refusal.status == 403


def test_a_withdrawal_says_why(signoff: Request, people: People) -> None:
    with pytest.raises(Refused, match="at least 10"):
        withdraw(signoff.pk, people.op, "oops      ")


def test_what_is_decided_is_not_withdrawn(signoff: Request, people: People) -> None:
    withdraw(signoff.pk, people.op, "the wrong session")
    with pytest.raises(Refused, match="any more"):
        withdraw(signoff.pk, people.op, "the wrong session")


def test_of_many_changes_the_first_are_named(signoff: Request, people: People) -> None:
    evidence.change(people.op, **{f"figure{n}": n for n in range(9)})
    signoff.refresh_from_db()
    assert signoff.closed_reason.endswith(
        ": figure0, figure1, figure2, figure3, figure4 and 4 more."
    )


def test_a_change_of_shape_that_has_no_path_of_its_own_voids_too(people: People) -> None:
    evidence.put(content={"a.b": 1})
    submit(SUBJECT, people.op)
    evidence.put(content={"a": {"b": 1}})
    voided = void_if_changed(SUBJECT, "system")
    assert voided is not None
    assert voided.closed_reason == "Changed since it was submitted."
