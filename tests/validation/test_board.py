"""The board: people within the rules, the system for the rest."""

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied

from brokerage.models import Endpoint
from tests.conftest import People
from validation import board
from validation.board import BoardError
from validation.models import Column, ConfigRevision, Session, Task

pytestmark = pytest.mark.django_db
C = Column


@pytest.fixture
def task(seeded: Endpoint) -> Task:
    return Task.objects.get(code="1.1.8")


def put(task: Task, column: str) -> Task:
    Task.objects.filter(pk=task.pk).update(column=column)
    task.refresh_from_db()
    return task


def test_a_person_moves_a_task_on(task: Task, people: People) -> None:
    moved = board.move(task, C.IN_PROGRESS, people.pm)
    assert moved.column == C.IN_PROGRESS


def test_only_the_system_reaches_approval_and_done(task: Task, people: People) -> None:
    put(task, C.IN_PROGRESS)
    for column in (C.AWAITING_APPROVAL, C.DONE):
        with pytest.raises(BoardError, match="by hand"):
            board.move(task, column, people.pm)
    other = put(Task.objects.get(code="1.1.1"), C.IN_PROGRESS)
    assert board.move(other, C.DONE, people.ld).completed_at is not None


def test_a_block_needs_a_reason(task: Task, people: People) -> None:
    with pytest.raises(BoardError, match="blocks"):
        board.move(task, C.BLOCKED, people.op)
    assert board.move(task, C.BLOCKED, people.op, "no gateway").blocked_reason == "no gateway"
    assert board.move(task, C.IN_PROGRESS, people.op).blocked_reason == ""


def test_a_task_waits_for_those_before_it(task: Task, people: People) -> None:
    put(task, C.BACKLOG)
    with pytest.raises(BoardError, match=r"waits for 1\.1\.1"):
        board.move(task, C.READY, people.pm)
    Task.objects.exclude(pk=task.pk).update(column=C.DONE)
    assert board.move(task, C.READY, people.pm).column == C.READY


def test_roles_limit_moves_and_comments(task: Task, people: People) -> None:
    with pytest.raises(PermissionDenied):
        board.move(task, C.IN_PROGRESS, people.cro)
    with pytest.raises(PermissionDenied):
        board.comment(task, "hello", people.vw)
    with pytest.raises(BoardError, match="empty"):
        board.comment(task, "  ", people.cro)
    assert board.comment(task, " hello ", people.cro).text == "hello"


def test_the_system_leaves_a_comment_even_where_the_task_stays(task: Task) -> None:
    board.move_by_system(task, C.READY, actor="system", why="again", link="/x/")
    assert task.comments.get().link == "/x/"
    board.move_by_system(None, C.READY, actor="system", why="nothing to move")


def session_of(task: Task, endpoint: Endpoint, number: int, state: str = "RUNNING") -> Session:
    """A session of the task; `number` is its gateway's port as well."""
    there = Endpoint.objects.create(name=f"gateway {number}", kind=endpoint.kind, port=number)
    return Session.objects.create(
        number=f"s{number}", endpoint=there, config=ConfigRevision.objects.get(), task=task,
        created_by=User.objects.get(username="op"), state=state,
    )  # fmt: skip


@pytest.mark.parametrize("column", [C.IN_PROGRESS, C.BLOCKED, C.VALIDATION, C.AWAITING_APPROVAL])
def test_what_is_done_stays_done(task: Task, seeded: Endpoint, column: Column) -> None:
    put(task, C.DONE)
    session = session_of(task, seeded, 4010)
    board.move_by_system(task, column, actor="system", why="aborted", session=session)
    task.refresh_from_db()
    assert (task.column, task.comments.get().text) == (C.DONE, "aborted")


def test_a_session_takes_no_task_away_from_another_under_signature(
    task: Task, seeded: Endpoint
) -> None:
    put(task, C.AWAITING_APPROVAL)
    signed = session_of(task, seeded, 4010, "AWAITING_APPROVAL")
    other = session_of(task, seeded, 4011)
    for session, column, stands in (
        (other, C.VALIDATION, C.AWAITING_APPROVAL),
        (other, C.BLOCKED, C.AWAITING_APPROVAL),
        (signed, C.VALIDATION, C.VALIDATION),
    ):
        board.move_by_system(task, column, actor="system", why="x", session=session)
        task.refresh_from_db()
        assert task.column == stands


def test_an_approval_does_not_wait_for_another_one(task: Task, seeded: Endpoint) -> None:
    put(task, C.AWAITING_APPROVAL)
    approved = session_of(task, seeded, 4010, "APPROVED")
    session_of(task, seeded, 4011, "AWAITING_APPROVAL")
    board.move_by_system(task, C.DONE, actor="system", why="approved", session=approved)
    task.refresh_from_db()
    assert task.column == C.DONE
