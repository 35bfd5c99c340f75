"""Signing: every guard in the process and in the model, and what a decision brings about."""

import pytest
from django.contrib.auth.models import Group, User
from pytest_django import Settings

from approvals import signing
from approvals.guards import Reason, Refused
from approvals.models import Request, Signature
from approvals.requests import submit
from approvals.rules import Decision
from crucible.ledger.models import Entry
from tests.approvals import evidence
from tests.approvals.conftest import Sign
from tests.approvals.evidence import SUBJECT
from tests.conftest import People

pytestmark = pytest.mark.django_db


def through_the_process(signoff: Request, by: User, slot: str, decision: Decision) -> None:
    signing.decide(signoff.pk, by, decision, password=People.password(by))


def into_the_table(signoff: Request, by: User, slot: str, decision: Decision) -> None:
    Signature.objects.create(request=signoff, slot=slot, signer=by, decision=decision.value)


ROUTES = {"process": through_the_process, "model": into_the_table}


def give(user: User, *roles: str) -> User:
    user.groups.add(*(Group.objects.get(name=role) for role in roles))
    return User.objects.get(pk=user.pk)


def attempt(
    route: str, signoff: Request, by: User, slot: str, decision: Decision = Decision.APPROVE
) -> Reason:
    """Try to sign through the process, or past it straight into the table; return the refusal."""
    with pytest.raises(Refused) as caught:
        ROUTES[route](signoff, by, slot, decision)
    assert not Signature.objects.filter(signer=by).exists()
    return caught.value.refusal.code


def test_three_signatures_approve(signoff: Request, sign: Sign, people: People) -> None:
    assert sign(people.cro).state == "PARTIALLY_SIGNED"
    assert sign(people.qa, comment=" well done ").state == "PARTIALLY_SIGNED"
    approved = sign(people.pm)
    assert (approved.state, approved.closed_by) == ("APPROVED", people.pm)
    assert approved.closed_at is not None
    assert evidence.read()["told"][-1] == ["APPROVED", "pm", ""]


def test_a_signature_says_who_what_when_and_on_what(
    signoff: Request, sign: Sign, people: People
) -> None:
    sign(people.qa, comment=" well done ")
    signature = Signature.objects.get()
    assert (signature.signer, signature.signer_name) == (people.qa, "QA Lead")
    assert (signature.slot, signature.decision) == ("QA", "APPROVE")
    assert (signature.comment, signature.digest) == ("well done", signoff.digest)
    assert str(signature) == "QA APPROVE by QA Lead"


def test_the_caller_cannot_write_another_name_or_digest(signoff: Request, people: People) -> None:
    signature = Signature.objects.create(
        request=signoff, slot="QA", signer=people.qa, decision="APPROVE",
        digest="0" * 64, signer_name="somebody", simulated=True,
    )  # fmt: skip
    assert (signature.digest, signature.signer_name) == (signoff.digest, "QA Lead")
    assert signature.simulated is False


def test_every_signature_leaves_an_entry(signoff: Request, sign: Sign, people: People) -> None:
    sign(people.qa)
    told = Entry.objects.get(kind="signoff.signed")
    assert (told.actor, told.details["slot"]) == (people.qa, "QA")
    assert told.details["digest"] == signoff.digest
    assert told.details["state"] == "PARTIALLY_SIGNED"


@pytest.mark.parametrize(
    ("decision", "state"),
    [(Decision.REJECT, "REJECTED"), (Decision.REQUEST_CHANGES, "CHANGES_REQUESTED")],
)
def test_a_rejection_or_a_request_for_changes_ends_it(
    signoff: Request, sign: Sign, people: People, decision: Decision, state: str
) -> None:
    sign(people.cro)
    assert sign(people.qa, decision, comment="the figures are wrong").state == state
    assert evidence.read()["told"][-1] == [state, "qa", "the figures are wrong"]
    with pytest.raises(Refused) as caught:
        sign(people.pm)
    assert caught.value.refusal.code is Reason.CLOSED


def test_changes_requested_lead_to_a_new_version_that_starts_anew(
    signoff: Request, sign: Sign, people: People
) -> None:
    sign(people.qa, Decision.REQUEST_CHANGES, comment="the figures are wrong")
    again = submit(SUBJECT, people.op)
    assert (again.version, again.marks) == (2, ())


def test_a_comment_that_is_too_short_is_refused_in_the_model_too(
    signoff: Request, people: People
) -> None:
    for route in ROUTES:
        assert attempt(route, signoff, people.qa, "QA", Decision.REJECT) is Reason.COMMENT


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("code", ["op", "qs", "cto", "lt", "ld", "sa", "tl", "co", "ad", "vw"])
def test_whoever_has_no_slot_does_not_sign(
    signoff: Request, people: People, route: str, code: str
) -> None:
    assert attempt(route, signoff, people[code], "QA") is Reason.ROLE


@pytest.mark.parametrize("route", ROUTES)
def test_a_service_account_does_not_sign(signoff: Request, people: People, route: str) -> None:
    assert attempt(route, signoff, give(people.ci, "QA"), "QA") is Reason.SERVICE_ACCOUNT


@pytest.mark.parametrize("route", ROUTES)
def test_a_disabled_person_does_not_sign(signoff: Request, people: People, route: str) -> None:
    people.qa.is_active = False
    people.qa.save()
    assert attempt(route, signoff, people.qa, "QA") is Reason.ROLE


@pytest.mark.parametrize("route", ROUTES)
def test_the_submitter_does_not_sign(people: People, route: str) -> None:
    both = give(people.op, "QA")
    evidence.put()
    assert attempt(route, submit(SUBJECT, both), both, "QA") is Reason.CONFLICT


def test_the_submitter_of_an_earlier_version_does_not_sign_a_later_one(people: People) -> None:
    both = give(people.qs, "QA")
    evidence.put()
    submit(SUBJECT, both)
    evidence.change("system", config={"revision": 4})
    assert attempt("process", submit(SUBJECT, people.op), both, "QA") is Reason.CONFLICT


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("why", ["started the session", "attested item 1.1.7", "wrote revision 3"])
def test_whoever_took_part_does_not_sign(
    signoff: Request, people: People, route: str, why: str
) -> None:
    evidence.put(conflicts={people.qa.pk: why})
    assert attempt(route, signoff, people.qa, "QA") is Reason.CONFLICT


@pytest.mark.parametrize("route", ROUTES)
def test_an_administrator_who_is_qa_lead_does_not_sign(
    signoff: Request, people: People, route: str
) -> None:
    assert attempt(route, signoff, give(people.ad, "QA"), "QA") is Reason.ADMINISTRATOR


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("first", [None, "qa", "cro"])
def test_the_pm_does_not_sign_before_qa_and_cro(
    signoff: Request, sign: Sign, people: People, route: str, first: str | None
) -> None:
    if first:
        sign(people[first])
    assert attempt(route, signoff, people.pm, "PM") is Reason.LOCKED


@pytest.mark.parametrize("route", ROUTES)
def test_one_slot_has_one_signer(signoff: Request, sign: Sign, people: People, route: str) -> None:
    sign(people.qa)
    assert attempt(route, signoff, give(people.lt, "QA"), "QA") is Reason.SLOT_TAKEN


def test_one_person_does_not_fill_two_slots(signoff: Request, sign: Sign, people: People) -> None:
    both = give(people.qa, "CRO")
    sign(both, slot=signing.Role.QA)
    with pytest.raises(Refused) as caught:
        sign(both)
    assert caught.value.refusal.code is Reason.ALREADY_SIGNED
    with pytest.raises(Refused):
        Signature.objects.create(request=signoff, slot="CRO", signer=both, decision="APPROVE")


def test_somebody_with_two_slots_has_to_choose(
    signoff: Request, sign: Sign, people: People
) -> None:
    with pytest.raises(Refused) as caught:
        sign(give(people.qa, "CRO"))
    assert caught.value.refusal.code is Reason.CHOOSE


@pytest.mark.parametrize("route", ROUTES)
def test_simulated_evidence_is_approved_in_demo_mode_only(
    people: People, settings: Settings, route: str
) -> None:
    settings.DEMO = True
    evidence.put(simulated=True)
    signoff = submit(SUBJECT, people.op)
    settings.DEMO = False
    assert attempt(route, signoff, people.qa, "QA") is Reason.BLOCKED
    settings.DEMO = True
    signing.decide(signoff.pk, people.qa, Decision.APPROVE, password="secret-qa")
    assert Signature.objects.get().simulated


@pytest.mark.parametrize("route", ROUTES)
def test_what_is_blocked_is_not_approved_but_can_be_rejected(
    signoff: Request, sign: Sign, people: People, route: str
) -> None:
    evidence.put(blockers=["The audit chain was not verified today."])
    assert attempt(route, signoff, people.qa, "QA") is Reason.BLOCKED
    assert sign(people.qa, Decision.REJECT, comment="never verified").state == "REJECTED"


def test_changed_content_that_nobody_told_of_voids_the_request(
    signoff: Request, sign: Sign, people: People
) -> None:
    sign(people.cro)
    evidence.put(content={"results": []})
    assert attempt("model", signoff, people.qa, "QA") is Reason.CHANGED
    assert attempt("process", signoff, people.qa, "QA") is Reason.CHANGED
    signoff.refresh_from_db()
    assert (signoff.state, signoff.closed_by) == ("VOIDED", None)
    assert Entry.objects.get(kind="signoff.voided").actor_name == "system"


def test_a_change_that_comes_between_the_password_and_the_lock_voids_the_request(
    signoff: Request, people: People, settings: Settings
) -> None:
    settings.APPROVALS_EVIDENCE = "tests.approvals.evidence.ChangedJustBefore"
    assert attempt("process", signoff, people.qa, "QA") is Reason.CHANGED
    assert Request.objects.get().state == "VOIDED"


def test_a_wrong_password_signs_nothing(signoff: Request, sign: Sign, people: People) -> None:
    with pytest.raises(Refused) as caught:
        sign(people.qa, password="secret-cro")
    assert caught.value.refusal.code is Reason.PASSWORD
    assert not Signature.objects.exists()


def test_roles_count_as_they_are_now(signoff: Request, sign: Sign, people: People) -> None:
    assert signing.person(people.qa).roles == {signing.Role.QA}
    people.qa.groups.clear()
    with pytest.raises(Refused) as caught:
        sign(people.qa)
    assert caught.value.refusal.code is Reason.ROLE


def test_an_unknown_request_is_not_signed(people: People) -> None:
    with pytest.raises(Request.DoesNotExist):
        signing.decide(99, people.qa, Decision.APPROVE, password="secret-qa")
