"""What follows a validation: the hand-over once it passed, the way back once it was blocked."""

from datetime import date

import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.test import Client

from crucible.ledger.models import Entry
from tests.conftest import People
from validation import evidence, milestones, reports, sessions
from validation.board import BoardError
from validation.models import Column, Session, SessionState, Task, TaskStep
from validation.transitions import end
from validation.verdicts import Stop

pytestmark = pytest.mark.django_db
S = SessionState


def approve(session: Session, people: People) -> Task:
    """Let the sign-off be given, and return the task of the hand-over."""
    Session.objects.filter(pk=session.pk).update(state=S.AWAITING_APPROVAL)
    with transaction.atomic():
        evidence.load().decided(session.number, "APPROVED", people.pm, "")
    return Task.objects.get(code=milestones.transition_code(session))


def block(session: Session) -> Task:
    """Let a session stop itself, and return its follow-up."""
    Session.objects.filter(pk=session.pk).update(state=S.RUNNING)
    session.refresh_from_db()
    with transaction.atomic():
        end(session, Stop(S.BLOCKED, "Too many failed.", "Mend it."), actor="worker")
    assert session.follow_up is not None
    return session.follow_up


def done(task: Task) -> set[str]:
    """The codes of the steps that are done."""
    return set(task.steps.exclude(done_at=None).values_list("code", flat=True))


def test_an_approval_opens_the_hand_over_and_ticks_what_is_so_already(
    reviewed: Session, people: People
) -> None:
    task = approve(reviewed, people)
    assert list(task.steps.values_list("code", flat=True)) == [f"14.{n}" for n in range(1, 10)]
    assert done(task) == {"14.1", "14.2"}
    step = task.steps.get(code="14.2")
    assert step.done_by is None
    assert f"/sessions/{reviewed.number}/archive.zip" in step.note
    assert task.comments.get().text.startswith("SIMULATED. ")
    assert task.title.startswith("SIMULATED. ")


def test_stability_notes_go_to_the_open_question_of_the_deployment(
    reviewed: Session, people: People
) -> None:
    session = reports.write(reviewed, people.op, stability_notes="Held for six hours.")
    assert "## Stability of the gateway\n\nHeld for six hours." in reports.markdown(session)
    approve(reviewed, people)
    question = Task.objects.get(code="G-001")
    assert question.column == Column.BACKLOG
    assert "Held for six hours." in question.comments.get().text


@pytest.mark.parametrize(("starts_on", "lead"), [(None, "Lena"), (date(2027, 1, 4), "  ")])
def test_a_kick_off_needs_both_a_start_date_and_a_lead(
    reviewed: Session, people: People, starts_on: date | None, lead: str
) -> None:
    task = approve(reviewed, people)
    with pytest.raises(BoardError, match="both"):
        milestones.kick_off(task, people.pm, starts_on=starts_on, lead=lead)
    assert done(task) == {"14.1", "14.2"}


def test_a_kick_off_opens_the_first_task_of_the_next_milestone(
    reviewed: Session, people: People
) -> None:
    task = approve(reviewed, people)
    Task.objects.filter(code__startswith="1.").update(column=Column.DONE)
    with pytest.raises(PermissionDenied):
        milestones.kick_off(task, people.op, starts_on=date(2027, 1, 4), lead="Lena")
    milestones.kick_off(task, people.pm, starts_on=date(2027, 1, 4), lead=" Lena ")
    first = Task.objects.get(code="2.1")
    assert (first.column, first.lead, first.starts_on) == (
        Column.READY, "Lena", date(2027, 1, 4),
    )  # fmt: skip
    assert {"14.6", "14.7", "14.8"} <= done(task)
    assert Entry.objects.filter(kind="milestone.kicked_off", object_id=task.code).count() == 1
    with pytest.raises(BoardError, match="waits for no start date"):
        milestones.kick_off(task, people.pm, starts_on=date(2027, 1, 5), lead="Tom")


def test_the_first_task_stays_in_the_backlog_as_long_as_it_waits_for_others(
    reviewed: Session, people: People
) -> None:
    task = approve(reviewed, people)
    milestones.kick_off(task, people.pm, starts_on=date(2027, 1, 4), lead="Lena")
    assert Task.objects.get(code="2.1").column == Column.BACKLOG


def test_a_step_is_ticked_once_by_its_role_and_never_by_hand_where_a_machine_looks(
    reviewed: Session, people: People
) -> None:
    steps = {step.code: step for step in approve(reviewed, people).steps.all()}
    with pytest.raises(PermissionDenied):
        milestones.tick(steps["14.4"], people.op)
    with pytest.raises(BoardError, match="not by hand"):
        milestones.tick(steps["14.3"], people.pm)
    ticked = milestones.tick(steps["14.4"], people.pm, "Reviewed on Monday")
    assert (ticked.done_by, ticked.note) == (people.pm, "Reviewed on Monday")
    with pytest.raises(BoardError, match="done already"):
        milestones.tick(steps["14.4"], people.pm)
    entry = Entry.objects.get(kind="task.step_done", body__contains="Reviewed on Monday")
    assert entry.actor == people.pm


def test_the_hand_over_is_done_with_its_last_step(reviewed: Session, people: People) -> None:
    task = approve(reviewed, people)
    TaskStep.objects.exclude(code="14.4").update(done_at=reviewed.created_at)
    session = Session.objects.get()
    assert not milestones.handed_over(session)
    milestones.tick(task.steps.get(code="14.4"), people.pm)
    task.refresh_from_db()
    assert task.column == Column.DONE
    assert milestones.handed_over(session)


def test_a_blocked_full_session_gets_its_way_back(sound: Session) -> None:
    task = block(sound)
    codes = list(task.steps.values_list("code", flat=True))
    assert codes == ["11.11", "11.12", "11.13", "11.14", "11.15", "11.16"]
    assert done(task) == set()


def test_the_approval_of_the_successor_repeats_the_validation_of_the_blocked_one(
    sound: Session, people: People
) -> None:
    task = block(sound)
    again = sessions.start(people.op, restart_of=sound)
    approve(again, people)
    assert done(task) == {"11.13", "11.14"}


def test_the_board_shows_the_steps_and_takes_a_tick_and_the_kick_off(
    reviewed: Session, people: People, client: Client
) -> None:
    task = approve(reviewed, people)
    client.force_login(people.pm)
    page = client.get("/board/").content.decode()
    assert "2 of 9 steps done" in page
    assert page.count("/steps/14.") == 2
    client.post(f"/board/{task.code}/steps/14.5/", {"note": "4 January, 9:00"})
    assert task.steps.get(code="14.5").note == "4 January, 9:00"
    client.post(f"/board/{task.code}/kick-off/", {"lead": "Lena"})
    assert "14.7" not in done(task)
    client.post(f"/board/{task.code}/kick-off/", {"lead": "Lena", "starts_on": "2027-01-04"})
    assert {"14.5", "14.6", "14.7", "14.8"} <= done(task)
    client.force_login(people.op)
    assert client.get("/board/").content.decode().count("/steps/14.") == 1
