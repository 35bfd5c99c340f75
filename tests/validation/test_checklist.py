"""The checklist: machine and people tick it, each only what is theirs."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied

from crucible.ledger.models import Entry
from tests.conftest import People
from tests.validation.conftest import Toys, fails, passes, run
from validation import checklist, checklists, reports, sessions
from validation.checklist import ChecklistError
from validation.models import Item, ItemState, Session, SessionState
from validation.rules import RULES, Finding
from validation.signals import changed

pytestmark = pytest.mark.django_db
State = ItemState
WRITTEN = {"summary": "Sound.", "known_issues": "None.", "recommendation": "Go on."}


def item(session: Session, code: str) -> Item:
    return session.checklist.items.get(code=code)


def force(session: Session, code: str, state: str) -> Item:
    Item.objects.filter(checklist__session=session, code=code).update(state=state)
    return item(session, code)


def close_all(session: Session, operator: User) -> None:
    """Attest what people attest, write the report, and settle what toys can't prove."""
    reports.write(session, operator, **WRITTEN)
    for one in checklist.open_blocking(session):
        if one.roles and one.state == State.OPEN:
            checklist.attest(one, operator, "seen")
        else:
            force(session, one.code, State.AUTO_PASS)
    checklist.settle(session)


def test_the_template_names_rules_that_exist_and_roles_that_attest() -> None:
    for line in checklists.LINES:
        assert line.rule.partition(":")[0] in {*RULES, ""}, line.code
        assert (line.evidence == "M") == (not line.rule), line.code
        assert bool(line.roles) == (line.evidence != "A"), line.code
    codes = [line.code for line in checklists.LINES]
    assert len(codes) == len(set(codes))
    assert set(codes) >= checklists.SAFETY


def test_only_planned_scenarios_have_a_line_and_the_rest_is_named(reviewed: Session) -> None:
    codes = [one.code for one in reviewed.checklist.items.all() if one.rule.startswith("passed:")]
    assert {"1.2.1", "1.2.13", "1.2.18"} <= set(codes)
    assert "1.2.2" not in codes
    assert "BC-02" in checklists.left_out({"BC-01": ("x", True)})["1.2.2"]
    strange = checklists.lines({"XX-01": ("Team's own", True)})
    assert any(line.code == "1.2.100" for line in strange)


def test_results_tick_their_items(reviewed: Session) -> None:
    assert item(reviewed, "1.2.1").state == State.AUTO_PASS
    assert item(reviewed, "1.2.26").finding == "3 of 3 passed"
    assert item(reviewed, "1.4.1").state == State.AUTO_PASS
    assert item(reviewed, "1.4.3").state == State.AUTO_PASS
    assert item(reviewed, "1.1.27").state == State.OPEN


def test_what_a_machine_can_not_know_stays_open(reviewed: Session) -> None:
    assert item(reviewed, "1.1.13").finding == "not measured"
    assert item(reviewed, "1.1.13").state == State.OPEN


def test_an_attestation_needs_the_items_role(
    reviewed: Session, operator: User, people: People
) -> None:
    with pytest.raises(PermissionDenied, match=r"1\.1\.7 belongs to"):
        checklist.attest(item(reviewed, "1.1.7"), people.pm)
    done = checklist.attest(item(reviewed, "1.1.7"), operator, " seen ", "photo.png")
    assert (done.state, done.closed_by, done.note) == (State.PASS, operator, "seen")
    assert done.closed
    assert Entry.objects.filter(kind="checklist.attested").exists()
    assert reviewed.involvements.filter(person=operator, what="attested item 1.1.7").exists()
    with pytest.raises(ChecklistError, match="attested already"):
        checklist.attest(done, operator)


def test_nobody_attests_what_only_a_machine_ticks(reviewed: Session, operator: User) -> None:
    with pytest.raises(PermissionDenied):
        checklist.attest(item(reviewed, "1.1.27"), operator)


def test_a_machines_failure_never_becomes_a_persons_pass(reviewed: Session, operator: User) -> None:
    failed = force(reviewed, "1.3.1", State.AUTO_FAIL)
    with pytest.raises(ChecklistError, match="only a new machine result"):
        checklist.attest(failed, operator)
    with pytest.raises(ChecklistError):
        checklist.not_applicable(failed, operator, "does not matter")


def test_a_person_may_disagree_with_a_machines_pass(reviewed: Session, operator: User) -> None:
    failed = checklist.fail(item(reviewed, "1.1.18"), operator, "the balance looks wrong")
    assert failed.state == State.FAIL
    checklist.evaluate(reviewed)
    assert item(reviewed, "1.1.18").state == State.FAIL
    with pytest.raises(ChecklistError, match="already"):
        checklist.fail(failed, operator, "again")


def test_an_exception_counts_once_another_person_has_acknowledged_it(
    reviewed: Session, operator: User, people: People
) -> None:
    force(reviewed, "1.3.10", State.AUTO_FAIL)
    with pytest.raises(PermissionDenied):
        checklist.document_exception(item(reviewed, "1.3.10"), people.pm, "known", "low")
    excepted = checklist.document_exception(
        item(reviewed, "1.3.10"), people.qa, "one line", "low risk"
    )
    assert not excepted.closed
    with pytest.raises(PermissionDenied, match="Somebody else"):
        checklist.acknowledge(excepted, people.qa)
    with pytest.raises(PermissionDenied, match="QA Lead"):
        checklist.acknowledge(excepted, operator)
    other = User.objects.create_user("qa2")
    other.groups.set(people.qa.groups.all())
    assert checklist.acknowledge(excepted, other).closed
    assert not reviewed.involvements.filter(person=other).exists()
    with pytest.raises(ChecklistError, match="nothing to acknowledge"):
        checklist.acknowledge(item(reviewed, "1.3.10"), other)


@pytest.mark.parametrize("code", ["1.2.1", "1.1.27", "1.4.1"])
def test_some_items_admit_no_exception(reviewed: Session, operator: User, code: str) -> None:
    with pytest.raises(ChecklistError, match="no exception"):
        checklist.document_exception(
            force(reviewed, code, State.AUTO_FAIL), operator, "text", "risk"
        )


def test_an_exception_needs_a_failure_and_words(reviewed: Session, operator: User) -> None:
    with pytest.raises(ChecklistError, match="Only a failed item"):
        checklist.document_exception(item(reviewed, "1.3.10"), operator, "text", "risk")
    with pytest.raises(ChecklistError, match="Say why"):
        checklist.document_exception(force(reviewed, "1.3.10", State.FAIL), operator, "text", " ")


def test_safety_always_applies_and_the_rest_may_not(reviewed: Session, operator: User) -> None:
    with pytest.raises(ChecklistError, match="safety"):
        checklist.not_applicable(item(reviewed, "1.1.7"), operator, "simulated")
    done = checklist.not_applicable(item(reviewed, "1.1.15"), operator, "no clock here")
    assert (done.state, done.closed) == (State.NOT_APPLICABLE, False)


def test_a_complete_checklist_moves_the_session_and_reopening_moves_it_back(
    reviewed: Session, operator: User
) -> None:
    close_all(reviewed, operator)
    reviewed.refresh_from_db()
    assert reviewed.state == SessionState.REPORTING
    assert checklist.open_blocking(reviewed) == []
    reopened = checklist.reopen(item(reviewed, "1.1.7"), operator, "look again")
    reviewed.refresh_from_db()
    assert (reopened.state, reopened.closed_by) == (State.OPEN, None)
    assert reviewed.state == SessionState.MANUAL_CHECKS
    with pytest.raises(ChecklistError, match="open already"):
        checklist.reopen(reopened, operator, "and again")


def test_a_reopened_machine_item_is_judged_by_the_machine_again(
    reviewed: Session, operator: User
) -> None:
    checklist.fail(item(reviewed, "1.1.18"), operator, "the balance looks wrong")
    again = checklist.reopen(item(reviewed, "1.1.18"), operator, "it was right")
    assert again.state == State.AUTO_PASS


def test_changes_are_announced_once_the_session_waits_for_signatures(
    reviewed: Session, operator: User
) -> None:
    heard: list[dict[str, Any]] = []

    def hear(sender: Any, subject: str, actor: Any, **rest: Any) -> None:
        heard.append({subject: actor})

    changed.connect(hear)
    checklist.attest(item(reviewed, "1.1.7"), operator)
    assert heard == []
    Session.objects.update(state=SessionState.AWAITING_APPROVAL)
    checklist.reopen(item(reviewed, "1.1.7"), operator, "look again")
    changed.disconnect(hear)
    assert heard == [{reviewed.number: operator}]


@pytest.mark.parametrize("state", [SessionState.RUNNING, SessionState.APPROVED])
def test_only_an_undecided_session_has_an_editable_checklist(
    reviewed: Session, operator: User, state: str
) -> None:
    Session.objects.update(state=state)
    with pytest.raises(ChecklistError, match="can't be changed"):
        checklist.attest(item(reviewed, "1.1.7"), operator)


def test_a_failed_scenario_fails_its_item(toys: Toys, seeded: Any, operator: User) -> None:
    toys.add("BC-01", fails)
    for number in range(9):
        toys.add(f"RS-{number + 1:02d}", passes)
    session = run(sessions.start(operator))
    assert item(session, "1.2.1").state == State.AUTO_FAIL
    assert item(session, "1.2.26").state == State.AUTO_FAIL


def test_a_finding_that_fails_undoes_a_persons_pass(
    reviewed: Session, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    force(reviewed, "1.1.8", State.PASS)
    monkeypatch.setitem(RULES, "paper_proofs", lambda facts, _: Finding(False, "U1 was seen"))
    checklist.evaluate(reviewed, codes=["1.1.8"])
    assert item(reviewed, "1.1.8").state == State.AUTO_FAIL
