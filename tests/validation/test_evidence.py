"""Evidence: what is signed, what blocks it, who may not sign, and what a decision does."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.utils import timezone

from brokerage import corrections, reconciliation
from brokerage.models import ReconciliationDiff
from crucible.ledger.canonical import canonical
from crucible.ledger.models import Entry
from tests.conftest import People
from tests.validation.conftest import Toys, passes, run
from tests.validation.test_checklist import close_all, item
from tests.validation.test_rules import fill, order
from validation import archiving, checklist, evidence, reports, revisions, sessions
from validation.configuration import read
from validation.models import Column, ConfigRevision, RevisionState, Session, SessionState, Task
from validation.signals import changed

pytestmark = pytest.mark.django_db
E = evidence.load()


@pytest.fixture
def ready(reviewed: Session, operator: User) -> Session:
    """A session whose checklist is complete and whose report is written."""
    close_all(reviewed, operator)
    reviewed.refresh_from_db()
    return reviewed


@pytest.fixture
def submitted(ready: Session, operator: User) -> Iterator[Session]:
    """A session that waits for its signatures, with nobody listening to its changes."""
    kept, changed.receivers = changed.receivers, []
    changed.sender_receivers_cache.clear()
    with transaction.atomic():
        E.submitted(ready.number, 7, operator)
    ready.refresh_from_db()
    yield ready
    changed.receivers = kept


def text(session: Session) -> str:
    return canonical(E.manifest(session.number))


def test_the_manifest_is_the_same_for_the_same_content(ready: Session) -> None:
    assert text(ready) == text(ready)
    content = E.manifest(ready.number)
    assert [row["id"] for row in content["results"]] == ["BC-01#1", "OE-01#1", "RS-01#1"]
    assert content["configuration"]["in_force"] is True
    assert {"checks", "metrics", "orders", "fills", "log", "checklist", "artefacts"} <= set(content)


def test_submission_and_decision_do_not_change_the_manifest(
    ready: Session, operator: User, people: People
) -> None:
    before = text(ready)
    with transaction.atomic():
        E.lock(ready.number)
        E.submitted(ready.number, 1, operator)
    assert text(ready) == before
    with transaction.atomic():
        E.decided(ready.number, "APPROVED", people.pm, "")
    assert text(ready) == before


@pytest.mark.parametrize(
    "spoil",
    [
        lambda s, by: checklist.reopen(item(s, "1.1.7"), by, "look again"),
        lambda s, by: Session.objects.update(known_issues="Something."),
        lambda s, by: s.log_lines.create(source="late", message="line"),
        lambda s, by: s.attempts.get(scenario="RS-01").checks.create(
            position=9, name="late", expected="1", actual="1", passed=True
        ),
    ],
)
def test_any_change_of_content_changes_the_manifest(
    ready: Session, operator: User, spoil: Any
) -> None:
    before = text(ready)
    spoil(ready, operator)
    assert text(ready) != before


def test_a_configuration_that_somebody_edits_in_its_row_changes_its_digest(ready: Session) -> None:
    before = evidence._configuration(ready)["sha256"]
    assert before == ready.config.digest
    content = ready.config.content
    ConfigRevision.objects.update(
        content=content | {"limits": content["limits"] | {"max_orders": 1}}
    )
    assert evidence._configuration(Session.objects.get(pk=ready.pk))["sha256"] != before


@pytest.mark.parametrize("row", [False, True])
def test_who_settles_a_difference_signs_nothing_and_changes_what_is_signed(
    ready: Session, people: People, row: bool
) -> None:
    scope = f"{ready.number}/RS-08"
    found = reconciliation.begin(ready.endpoint.target(), scope, "CYCLE", 210)
    diff = ReconciliationDiff.objects.create(
        run=found, endpoint=ready.endpoint, scope=scope, kind="PHANTOM", subject="position SPY",
        con_id=756, gap=-1.0,
    )  # fmt: skip
    assert people.cro.pk not in E.conflicts(ready.number)
    before = text(ready)
    corrections.propose(diff, people.qs, "It was bought by hand.", row=row)
    corrections.approve(diff, people.cro)
    assert text(ready) != before
    for person in (people.qs, people.cro):
        assert E.conflicts(ready.number)[person.pk] == "settled a difference to the broker"


def test_orders_and_fills_are_signed_too(ready: Session) -> None:
    order(ready)
    fill(ready, "BUY", 1)
    content = E.manifest(ready.number)
    assert (content["orders"][0]["state"], content["fills"][0]["id"]) == ("FILLED", "e1")


def test_more_than_one_attempt_is_told_to_the_signers(ready: Session) -> None:
    ready.attempts.create(
        scenario="RS-01", slug="x", title="Toy", category="Resilience", position=9, number=2,
        state="PASSED", version="v", severity="S-MED", timeout_s=1,
    )  # fmt: skip
    assert "Needed more than one attempt: RS-01." in E.summary(ready.number).lines


def test_a_sound_session_has_no_blockers(ready: Session) -> None:
    assert E.blockers(ready.number) == []


def test_open_items_and_states_block(reviewed: Session) -> None:
    told = " ".join(E.blockers(reviewed.number))
    assert "The session is in the state manual checks." in told
    assert "Checklist item 1.1.7 is open" in told


def test_a_failed_scenario_blocks(ready: Session) -> None:
    ready.attempts.create(
        scenario="RS-01", slug="x", title="Toy", category="Resilience", position=9, number=2,
        state="FAILED", version="v", severity="S-MED", timeout_s=1,
    )  # fmt: skip
    assert "RS-01 Toy failed." in E.blockers(ready.number)


def test_a_part_of_the_catalogue_can_not_be_signed(toys: Toys, seeded: Any, operator: User) -> None:
    toys.add("BC-01", passes)
    session = run(sessions.start(operator, scenarios=["BC-01"]))
    assert "Only a full session" in E.blockers(session.number)[0]
    assert E.manifest(session.number)["checklist"] == []


def test_the_summary_says_simulated(ready: Session) -> None:
    ready.known_issues = "Slow on Mondays."
    ready.save()
    summary = E.summary(ready.number)
    assert summary.title == f"SIMULATED · Validation session {ready.number}"
    assert summary.simulated
    assert summary.url == ready.get_absolute_url()
    assert "3 of 3 scenarios passed." in summary.lines
    assert any("Mondays" in line for line in summary.lines)


def test_everybody_with_a_hand_in_it_is_in_conflict(
    ready: Session, operator: User, people: People
) -> None:
    checklist.attest(item(ready, "1.1.24"), people.qs)
    ConfigRevision.objects.update(author=people.ld)
    assert E.conflicts(ready.number) == {
        operator.pk: "started the session",
        people.qs.pk: "attested item 1.1.24",
        people.ld.pk: "wrote configuration revision 1",
    }
    ConfigRevision.objects.update(expiry_only=True)
    assert people.ld.pk not in E.conflicts(ready.number)


def test_an_unknown_subject_does_not_exist() -> None:
    for ask in (E.manifest, E.blockers, E.summary, E.conflicts):
        with pytest.raises(ObjectDoesNotExist):
            ask("prelive_19990101_001")
    with pytest.raises(ObjectDoesNotExist), transaction.atomic():
        E.lock("prelive_19990101_001")


def test_a_submission_freezes_the_report_and_moves_the_task(submitted: Session) -> None:
    assert submitted.state == SessionState.AWAITING_APPROVAL
    report = archiving.frozen(submitted)
    assert report is not None
    assert report.markdown == reports.markdown(submitted)
    task = Task.objects.get(code="1.1.8")
    assert task.column == Column.AWAITING_APPROVAL
    assert "@QA @CRO" in task.comments.latest("pk").text


@pytest.mark.parametrize(
    ("outcome", "state", "column"),
    [
        ("APPROVED", SessionState.APPROVED, Column.DONE),
        ("REJECTED", SessionState.REJECTED, Column.IN_PROGRESS),
        ("CHANGES_REQUESTED", SessionState.REPORTING, Column.VALIDATION),
        ("VOIDED", SessionState.REPORTING, Column.VALIDATION),
        ("WITHDRAWN", SessionState.REPORTING, Column.VALIDATION),
    ],
)
def test_a_decision_reaches_the_session_and_its_task(
    submitted: Session, outcome: str, state: str, column: str
) -> None:
    with transaction.atomic():
        E.decided(submitted.number, outcome, None, "because")
    submitted.refresh_from_db()
    task = Task.objects.get(code="1.1.8")
    assert (submitted.state, task.column) == (state, column)
    assert (task.completed_at is not None) == (outcome == "APPROVED")


def test_an_unknown_decision_is_refused(submitted: Session) -> None:
    with pytest.raises(ValueError, match="MAYBE"), transaction.atomic():
        E.decided(submitted.number, "MAYBE", None, "")


def test_another_configuration_in_force_is_a_change(submitted: Session, people: People) -> None:
    heard: list[str] = []

    def hear(sender: Any, subject: str, actor: Any, **rest: Any) -> None:
        heard.append(subject)

    before = text(submitted)
    changed.connect(hear)
    content = submitted.config.content | {"thresholds": {"suite_minutes": 20.0}}
    revision = revisions.draft(people.op, read(content))
    for step, who in (("propose", "op"), ("approve", "qa"), ("approve", "cro")):
        revision = getattr(revisions, step)(revision, people[who])
    revisions.activate(revision, people.qa)
    changed.disconnect(hear)
    assert heard == [submitted.number]
    assert text(submitted) != before
    assert "Another configuration is in force" in E.blockers(submitted.number)[0]


def test_another_expiry_is_no_change(submitted: Session) -> None:
    before = text(submitted)
    revision = revisions.roll_expiry("20991231", "test")
    assert revision is not None
    assert revision.state == RevisionState.ACTIVE
    assert text(submitted) == before
    assert E.blockers(submitted.number) == []


def test_a_newer_approval_supersedes_the_older_of_its_kind(
    submitted: Session, operator: User, people: People
) -> None:
    def twin(number: str, **fields: Any) -> Session:
        return Session.objects.create(
            number=number, endpoint=submitted.endpoint, config=submitted.config,
            created_by=operator, created_at=submitted.created_at - timedelta(days=1),
            **{"state": "APPROVED", "kind": "FULL", "simulated": True} | fields,
        )  # fmt: skip

    older = twin("a")
    others = [twin("b", simulated=False), twin("c", state="REJECTED")]
    later = twin("d")
    Session.objects.filter(pk=later.pk).update(created_at=timezone.now() + timedelta(days=1))
    with transaction.atomic():
        E.decided(submitted.number, "APPROVED", people.pm, "")
    older.refresh_from_db()
    assert older.state == SessionState.SUPERSEDED
    assert older.signed
    entry = Entry.objects.get(kind="session.superseded")
    assert (entry.object_id, entry.details["note"]) == ("a", f"{submitted.number} was approved.")
    for other in (*others, later):
        before = other.state
        other.refresh_from_db()
        assert other.state == before
