"""What follows a validation on the board: the hand-over once it passed, the way back if blocked."""

from datetime import date

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from crucible.ledger.record import record
from crucible.live.publish import publish
from crucible.roles import Role, has_role
from validation import board, tags
from validation.board import BoardError
from validation.models import Column, Session, Task, TaskComment, TaskStep
from validation.procedures import BLOCKED, PASSED, ROLLBACK, TRANSITION, Line

MACHINE = "system"
FIRST_TASK = ("2.1", "Strategy base classes")
DEPLOYMENT = ("G-001", "Decide how and where the gateway is deployed")
START_DATE = "14.6"
TESTED_AND_REPEATED = ("11.13", "11.14")


def transition_code(session: Session) -> str:
    """Return the code of the task that hands an approved session over."""
    return f"T14-{session.number.removeprefix('prelive_').replace('_', '-')}"[:20]


def handed_over(session: Session) -> bool:
    """Say whether nothing is left to do after the approval."""
    left = Task.objects.filter(code=transition_code(session)).exclude(column=Column.DONE)
    return not left.exists()


def open_transition(session: Session) -> Task:
    """Put the hand-over of an approved session on the board; inside the caller's transaction."""
    link = reverse("session", args=[session.number])
    label = "SIMULATED. " if session.simulated else ""
    task, _ = Task.objects.get_or_create(
        code=transition_code(session),
        defaults={
            "title": f"{label}Transition to the next milestone", "column": Column.READY,
            "position": 900, "owner_role": Role.PM.value,
            "description": f"{session.number} is approved; each step below leads to the next "
            "milestone.",
        },
    )  # fmt: skip
    _lay_out(task, TRANSITION, {PASSED: tags.name(session, PASSED)})
    report, archive = (reverse(name, args=[session.number]) for name in ("report", "archive"))
    where = f"Report {report}, logs {archive}."
    TaskComment.objects.create(task=task, text=f"{label}{session.number}: {where}", link=link)
    done = Task.objects.filter(sessions=session, column=Column.DONE).first()
    if done is not None:
        see(task, "14.1", f"{done}, {done.completed_at:%Y-%m-%d}")
    see(task, "14.2", where)
    _ask_for_deployment(session, link)
    for earlier in _predecessors(session):
        for code in TESTED_AND_REPEATED:
            see(earlier, code, f"{session.number} is approved, at {session.code_version[:12]}")
    return task


def _ask_for_deployment(session: Session, link: str) -> None:
    """Keep the stability notes with the open question that they are for."""
    code, title = DEPLOYMENT
    task, new = Task.objects.get_or_create(
        code=code, defaults={"title": title, "position": 950, "owner_role": Role.OP.value}
    )
    if new:
        record("task.created", "task", code, actor=MACHINE, what=title)
    notes = session.stability_notes.strip() or "No stability notes were written."
    label = "SIMULATED. " if session.simulated else ""
    TaskComment.objects.create(task=task, text=f"{label}{session.number}: {notes}", link=link)


def open_rollback(session: Session, task: Task) -> None:
    """Give the follow-up of a blocked session its way back; inside the caller's transaction."""
    _lay_out(task, ROLLBACK, {BLOCKED: tags.name(session, BLOCKED), PASSED: ""})


def _lay_out(task: Task, lines: tuple[Line, ...], names: dict[str, str]) -> None:
    if task.steps.exists():
        return
    TaskStep.objects.bulk_create(
        TaskStep(
            task=task, code=line.code, position=position, text=line.text, roles=list(line.roles),
            tag=names[line.tag] if line.tag else "",
        )
        for position, line in enumerate(lines, start=1)
    )  # fmt: skip
    record(
        "task.procedure_begun", "task", task.code, actor=MACHINE,
        steps=[line.code for line in lines],
    )  # fmt: skip


def _predecessors(session: Session) -> list[Task]:
    """Return the follow-ups of the sessions that this one was started after."""
    found, earlier = [], session.restart_of
    while earlier is not None:
        if earlier.follow_up is not None:
            found.append(earlier.follow_up)
        earlier = earlier.restart_of
    return found


def tagged(session: Session, tag: str, where: str) -> None:
    """Tick the steps that waited for this tag of the session; inside the caller's transaction."""
    tasks = [*Task.objects.filter(code=transition_code(session)), *_predecessors(session)]
    tasks += [session.follow_up] if session.follow_up else []
    for task in tasks:
        for step in task.steps.filter(tag=tag):
            see(task, step.code, where)
    if tag == tags.name(session, PASSED):
        for task in _predecessors(session):
            see(task, "11.16", where)


def see(task: Task, code: str, note: str) -> None:
    """Tick a step because a machine saw it done; one that is done, or not there, stays so."""
    step = task.steps.filter(code=code, done_at=None).first()
    if step is not None:
        _done(step, None, note)


def tick(step: TaskStep, by: User, note: str = "") -> TaskStep:
    """Say as a person that a step is done; raises PermissionDenied or BoardError."""
    with transaction.atomic():
        step = TaskStep.objects.select_for_update().get(pk=step.pk)
        if not step.roles:
            raise BoardError(f"Step {step.code} is ticked by what it is about, not by hand.")
        if not has_role(by, *(Role(code) for code in step.roles)):
            raise PermissionDenied("This step belongs to another role.")
        if step.done_at is not None:
            raise BoardError(f"Step {step.code} is done already.")
        _done(step, by, note)
    return step


def _done(step: TaskStep, by: User | None, note: str) -> None:
    step.done_at, step.done_by, step.note = timezone.now(), by, note.strip()[:500]
    step.save(update_fields=["done_at", "done_by", "note"])
    actor: User | str = by or MACHINE
    record("task.step_done", "task", step.task.code, actor=actor, step=step.code, note=step.note)
    publish("board", "dashboard")
    if not step.task.steps.filter(done_at=None).exists():
        why = "Every step is done."
        board.move_by_system(step.task, Column.DONE, actor=actor, why=why)


def kick_off(task: Task, by: User, *, starts_on: date | None, lead: str) -> Task:
    """Fill in when the next milestone begins and who leads it, and open its first task.

    Raises PermissionDenied, and BoardError if one of the two is missing.
    """
    if not has_role(by, Role.PM):
        raise PermissionDenied("The Project Manager begins the next milestone.")
    if starts_on is None or not lead.strip():
        raise BoardError("A start date and a lead must be named, both.")
    with transaction.atomic():
        task = Task.objects.select_for_update().get(pk=task.pk)
        if not task.steps.filter(code=START_DATE, done_at=None).exists():
            raise BoardError(f"{task.code} waits for no start date.")
        task.starts_on, task.lead = starts_on, lead.strip()[:100]
        task.save(update_fields=["starts_on", "lead"])
        record(
            "milestone.kicked_off", "task", task.code, actor=by, starts_on=starts_on,
            lead=task.lead,
        )  # fmt: skip
        first = _first_task(task, by)
        for code, note in ((START_DATE, f"{starts_on}"), ("14.7", task.lead), ("14.8", str(first))):
            see(task, code, note)
    return task


def _first_task(task: Task, by: User) -> Task:
    """Return the next milestone's first task, made if missing, ready unless it waits for others."""
    code, title = FIRST_TASK
    first, _ = Task.objects.get_or_create(code=code, defaults={"title": title, "position": 960})
    first.starts_on, first.lead = task.starts_on, task.lead
    first.save(update_fields=["starts_on", "lead"])
    waits = first.depends_on.exclude(column=Column.DONE).exists()
    if first.column == Column.BACKLOG and not waits:
        why = f"{task.lead} begins it on {task.starts_on}."
        board.move_by_system(first, Column.READY, actor=by, why=why)
    return first
