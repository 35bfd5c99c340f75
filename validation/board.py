"""Move tasks across the board, by people within the rules, and by the system."""

from datetime import timedelta

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from brokerage.calendar import ET
from crucible.ledger.record import record
from crucible.live.publish import publish
from crucible.roles import Role, has_role
from validation.models import Column, Session, SessionState, Task, TaskComment

C = Column
MAY_MOVE = (Role.OP, Role.QS, Role.QA, Role.PM, Role.LD)
MAY_COMMENT = (*MAY_MOVE, Role.CRO, Role.CTO, Role.LT, Role.TL, Role.CO, Role.SA)
FOLLOW_UP = "F-"
FOLLOW_UP_WITHIN = timedelta(days=7)
# What a person may do by hand; the system alone moves to AWAITING_APPROVAL, and to DONE what
# needs a sign-off.
BY_HAND: dict[Column, tuple[Column, ...]] = {
    C.BACKLOG: (C.READY, C.BLOCKED),
    C.READY: (C.IN_PROGRESS, C.BACKLOG, C.BLOCKED),
    C.IN_PROGRESS: (C.DONE, C.READY, C.BLOCKED),
    C.VALIDATION: (C.IN_PROGRESS, C.BLOCKED),
    C.BLOCKED: (C.IN_PROGRESS,),
}


class BoardError(ValueError):
    """The move is not one that a person may make; the text says why."""


def may_move_to(task: Task) -> list[Column]:
    """Return the columns to which a person may move the task now."""
    allowed = BY_HAND.get(Column(task.column), ())
    return [column for column in allowed if not (column == C.DONE and task.signed_off)]


def move(task: Task, column: str, by: User, reason: str = "") -> Task:
    """Move a task by hand; raises PermissionDenied or BoardError."""
    if not has_role(by, *MAY_MOVE):
        raise PermissionDenied("Your role may not move tasks.")
    with transaction.atomic():
        task = Task.objects.select_for_update().get(pk=task.pk)
        _check_move(task, column, reason)
        _put(task, Column(column), actor=by, why=reason)
    return task


def _check_move(task: Task, column: str, reason: str) -> None:
    if column not in may_move_to(task):
        raise BoardError(f"{task.code} can't go from {task.column} to {column} by hand.")
    if column == C.BLOCKED and not reason.strip():
        raise BoardError("Say what blocks the task.")
    if column == C.READY and task.column == C.BACKLOG:
        waiting = task.depends_on.exclude(column=C.DONE).values_list("code", flat=True)
        if waiting:
            raise BoardError(f"{task.code} waits for {', '.join(waiting)}.")


def move_by_system(
    task: Task | None,
    column: Column,
    *,
    actor: User | str,
    why: str,
    link: str = "",
    session: Session | None = None,
) -> None:
    """Move a task because a session or a sign-off did; leaves a comment. No task: nothing to do.

    What is done stays done, and a `session` does not take the task away from another one that
    waits for its signatures: the comment alone tells of it.
    """
    if task is None:
        return
    with transaction.atomic():
        task = Task.objects.select_for_update().get(pk=task.pk)
        TaskComment.objects.create(task=task, text=why, link=link)
        if task.column not in {column, C.DONE} and not _under_signature(task, column, session):
            _put(task, column, actor=actor, why=why)


def _under_signature(task: Task, column: Column, session: Session | None) -> bool:
    """Whether another session of the task waits to be signed; an approval does not wait for it."""
    if session is None or column == C.DONE:
        return False
    others = task.sessions.filter(state=SessionState.AWAITING_APPROVAL)
    return others.exclude(pk=session.pk).exists()


def comment(task: Task, text: str, by: User) -> TaskComment:
    """Add a person's remark; raises PermissionDenied or BoardError."""
    if not has_role(by, *MAY_COMMENT):
        raise PermissionDenied("Your role may not comment.")
    if not text.strip():
        raise BoardError("The comment is empty.")
    with transaction.atomic():
        remark = TaskComment.objects.create(task=task, author=by, text=text.strip()[:5000])
        record("task.commented", "task", task.code, actor=by, comment=remark.pk)
        publish("board")
    return remark


def follow_up(what: str, why: str, link: str) -> Task:
    """Put the search for a cause on the board, due in a week; `link` leads to what went wrong."""
    count = Task.objects.filter(code__startswith=FOLLOW_UP).count()
    due_on = (timezone.now() + FOLLOW_UP_WITHIN).astimezone(ET).date()
    task = Task.objects.create(
        code=f"{FOLLOW_UP}{count + 1:03d}", title=f"Find the cause: {what}"[:200], description=why,
        column=C.READY, position=1000 + count, owner_role=Role.LD.value, due_on=due_on,
    )  # fmt: skip
    TaskComment.objects.create(task=task, text=why, link=link)
    record("task.created", "task", task.code, actor="system", what=what, due_on=due_on, why=why)
    publish("board", "dashboard")
    return task


def _put(task: Task, column: Column, *, actor: User | str, why: str) -> None:
    before, now = task.column, timezone.now()
    task.column, task.moved_at = column, now
    task.blocked_reason = why[:500] if column == C.BLOCKED else ""
    task.completed_at = now if column == C.DONE else None
    task.save(update_fields=["column", "moved_at", "blocked_reason", "completed_at"])
    record("task.moved", "task", task.code, actor=actor, before=before, after=column, why=why)
    publish("board", "dashboard")
