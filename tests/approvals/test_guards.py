"""Who may sign and submit: each guard alone, all of them together, and their order of words."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.apps import VALIDATION
from approvals.guards import (
    SUBMITTERS,
    Case,
    Person,
    Reason,
    Refusal,
    Refused,
    check_comment,
    choices,
    may_submit,
    obstacle,
    pick,
    why_not,
)
from approvals.rules import RESUBMITTABLE, UNDECIDED, Decision, Mark, State, parse_slots
from crucible.roles import Role

QA, CRO, PM, OP, AD, CI = Role.QA, Role.CRO, Role.PM, Role.OP, Role.AD, Role.CI
CASE = Case(slots=parse_slots(VALIDATION))
SIGNED_BY_QA = replace(CASE, state=State.PARTIALLY_SIGNED, marks=(Mark(QA, 1, Decision.APPROVE),))


def somebody(*roles: Role, pk: int = 7) -> Person:
    return Person(pk, frozenset(roles))


def reason(case: Case, person: Person, role: Role = QA, **options: Decision) -> Reason | None:
    refusal = obstacle(case, person, role, **options)
    return refusal.code if refusal else None


@pytest.mark.parametrize("role", [QA, CRO])
def test_whoever_holds_an_unlocked_slot_and_took_no_part_may_sign(role: Role) -> None:
    assert obstacle(CASE, somebody(role), role) is None


@pytest.mark.parametrize("role", sorted(set(Role) - {QA}))
def test_no_other_role_may_sign_as_qa_lead(role: Role) -> None:
    assert reason(CASE, somebody(role)) in {Reason.ROLE, Reason.SERVICE_ACCOUNT}


def test_a_role_without_a_slot_may_not_sign_in_it() -> None:
    refusal = obstacle(CASE, somebody(Role.CTO), Role.CTO)
    assert refusal is not None
    assert refusal.code is Reason.ROLE
    assert "no slot for the Chief Technology Officer" in refusal.why


def test_a_service_account_never_signs_whatever_else_it_holds() -> None:
    assert reason(CASE, somebody(CI, QA)) is Reason.SERVICE_ACCOUNT


@pytest.mark.parametrize("role", [QA, CRO])
def test_an_administrator_who_is_also_qa_or_cro_does_not_sign(role: Role) -> None:
    assert reason(CASE, somebody(AD, role), role) is Reason.ADMINISTRATOR


def test_an_administrator_who_is_pm_and_qa_does_not_sign_as_pm_either() -> None:
    marks = (Mark(QA, 1, Decision.APPROVE), Mark(CRO, 2, Decision.APPROVE))
    case = replace(CASE, marks=marks)
    assert reason(case, somebody(AD, PM, QA), PM) is Reason.ADMINISTRATOR
    assert reason(case, somebody(AD, PM), PM) is None


def test_whoever_took_part_is_told_how() -> None:
    refusal = obstacle(replace(CASE, conflicts={7: "started the session"}), somebody(QA), QA)
    assert refusal is not None
    assert (refusal.code, refusal.status) == (Reason.CONFLICT, 403)
    assert "started the session" in refusal.why


def test_the_pm_is_told_who_must_approve_first() -> None:
    refusal = obstacle(SIGNED_BY_QA, somebody(PM), PM)
    assert refusal is not None
    assert (refusal.code, refusal.status) == (Reason.LOCKED, 409)
    assert refusal.why == "Chief Risk Officer must approve first."


def test_one_person_fills_one_slot() -> None:
    assert reason(SIGNED_BY_QA, somebody(QA, CRO, pk=1), CRO) is Reason.ALREADY_SIGNED


def test_one_slot_has_one_signer() -> None:
    assert reason(SIGNED_BY_QA, somebody(QA, pk=2), QA) is Reason.SLOT_TAKEN


@pytest.mark.parametrize("state", sorted(set(State) - UNDECIDED))
def test_a_closed_request_takes_no_signature(state: State) -> None:
    assert reason(replace(CASE, state=state), somebody(QA)) is Reason.CLOSED


def test_changed_content_takes_no_decision_of_any_kind() -> None:
    case = replace(CASE, unchanged=False)
    assert {reason(case, somebody(QA), decision=d) for d in Decision} == {Reason.CHANGED}


def test_blockers_stop_an_approval_and_are_listed_but_a_rejection_passes() -> None:
    case = replace(CASE, blockers=("One scenario failed.", "The archive is missing."))
    refusal = obstacle(case, somebody(QA), QA)
    assert refusal is not None
    assert (refusal.code, refusal.points) == (Reason.BLOCKED, case.blockers)
    assert obstacle(case, somebody(QA), QA, Decision.REJECT) is None


@given(
    held=st.frozensets(st.sampled_from(list(Role))),
    signers=st.lists(st.integers(1, 4), max_size=2, unique=True),
    conflicts=st.dictionaries(st.integers(1, 4), st.just("took part"), max_size=3),
    state=st.sampled_from(list(State)),
    blocked=st.booleans(),
    unchanged=st.booleans(),
    pk=st.integers(1, 4),
)
def test_a_signature_is_allowed_exactly_when_every_rule_allows_it(
    held: frozenset[Role], signers: list[int], conflicts: dict[int, str], state: State,
    blocked: bool, unchanged: bool, pk: int,
) -> None:  # fmt: skip
    marks = tuple(Mark(r, s, Decision.APPROVE) for r, s in zip((QA, CRO), signers, strict=False))
    blockers = ("no",) if blocked else ()
    case = Case(CASE.slots, state, marks, conflicts, blockers, unchanged)
    taken, unlocked_pm = {m.role for m in marks}, len(marks) == 2
    fit = CI not in held and not (AD in held and held & {QA, CRO}) and pk not in conflicts
    open_ = state in UNDECIDED and unchanged and not blocked and pk not in signers
    allowed = {
        role for role in held & {QA, CRO, PM}
        if fit and open_ and role not in taken and (role is not PM or unlocked_pm)
    }  # fmt: skip
    assert set(choices(case, Person(pk, held))) == allowed
    assert (why_not(case, Person(pk, held)) is None) == bool(allowed)


def test_several_roles_get_the_reason_that_passes_by_itself() -> None:
    refusal = why_not(SIGNED_BY_QA, somebody(QA, PM))
    assert refusal is not None
    assert refusal.code is Reason.LOCKED


def test_the_only_possible_slot_is_picked() -> None:
    assert pick(CASE, somebody(CRO, PM), None, Decision.APPROVE) is CRO


def test_two_possible_slots_have_to_be_chosen_from() -> None:
    with pytest.raises(Refused, match="QA Lead or Chief Risk Officer") as caught:
        pick(CASE, somebody(QA, CRO), None, Decision.APPROVE)
    assert caught.value.refusal.status == 400
    assert pick(CASE, somebody(QA, CRO), CRO, Decision.APPROVE) is CRO


@pytest.mark.parametrize("wanted", [QA, None])
def test_a_slot_that_may_not_be_signed_is_not_picked(wanted: Role | None) -> None:
    with pytest.raises(Refused) as caught:
        pick(CASE, somebody(OP), wanted, Decision.APPROVE)
    assert caught.value.refusal.code is Reason.ROLE


@pytest.mark.parametrize("decision", [Decision.REJECT, Decision.REQUEST_CHANGES])
def test_anything_but_an_approval_says_why_in_ten_characters(decision: Decision) -> None:
    check_comment(decision, "ten chars!")
    with pytest.raises(Refused):
        check_comment(decision, "nine char      ")


def test_an_approval_needs_no_comment() -> None:
    check_comment(Decision.APPROVE, "")


@pytest.mark.parametrize("role", SUBMITTERS)
@pytest.mark.parametrize("latest", [None, *sorted(RESUBMITTABLE)])
def test_an_operator_submits_what_nothing_blocks(role: Role, latest: State | None) -> None:
    assert may_submit(somebody(role), [], latest) is None


def submission(latest: State | None = None, *blockers: str, role: Role = OP) -> Refusal | None:
    return may_submit(somebody(role), blockers, latest)


@pytest.mark.parametrize("role", sorted(set(Role) - set(SUBMITTERS)))
def test_nobody_else_submits(role: Role) -> None:
    refusal = submission(role=role)
    assert refusal is not None
    assert (refusal.code, refusal.status) == (Reason.ROLE, 403)


@pytest.mark.parametrize(
    ("latest", "code"),
    [
        (State.OPEN, Reason.UNDECIDED),
        (State.PARTIALLY_SIGNED, Reason.UNDECIDED),
        (State.APPROVED, Reason.DECIDED),
        (State.REJECTED, Reason.DECIDED),
    ],
)
def test_what_waits_or_is_decided_is_not_submitted_again(latest: State, code: Reason) -> None:
    refusal = submission(latest)
    assert refusal is not None
    assert (refusal.code, refusal.status) == (code, 409)


def test_blockers_refuse_a_submission_with_the_list() -> None:
    refusal = submission(None, "Item 1.3.2 is open.", "BC-01 failed.")
    assert refusal is not None
    assert refusal.points == ("Item 1.3.2 is open.", "BC-01 failed.")
    assert refusal.status == 409


def test_a_refusal_reads_as_what_why_and_what_to_do() -> None:
    refusal = submission(State.OPEN)
    assert refusal is not None
    assert str(Refused(refusal)) == f"{refusal.detail} {refusal.why} {refusal.do}"
    assert all(text.endswith(".") for text in (refusal.detail, refusal.why, refusal.do))
