"""The project board."""

from collections.abc import Callable, Set
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from brokerage.calendar import ET
from crucible.roles import Role, has_role, roles_of
from validation import board, milestones
from validation.board import BoardError
from validation.forms import CommentForm, KickOffForm, MoveForm, TickForm
from validation.models import Column, Task, TaskStep
from validation.views.answers import carry_out, first_error, person_of, show


def page(request: HttpRequest) -> HttpResponse:
    """All tasks in their columns."""
    may_move = has_role(request.user, *board.MAY_MOVE)
    held = roles_of(request.user)
    cards = [_card(task, may_move, held) for task in _tasks()]
    columns = [
        {"column": column, "cards": [card for card in cards if card["task"].column == column]}
        for column in Column
    ]
    context = {
        "columns": columns,
        "total": len(cards),
        "today": timezone.now().astimezone(ET).date(),
        "may_comment": has_role(request.user, *board.MAY_COMMENT),
    }
    return show(request, "board", context)


def _tasks() -> list[Task]:
    return list(
        Task.objects.prefetch_related(
            "comments__author", "depends_on", "sessions", "caused_by", "steps__done_by"
        )
    )


def _card(task: Task, may_move: bool, held: Set[Role]) -> dict[str, Any]:
    comments = list(task.comments.all())
    steps = list(task.steps.all())
    open_steps = [step for step in steps if step.done_at is None]
    return {
        "steps": steps,
        "steps_done": len(steps) - len(open_steps),
        "steps_mine": [step for step in open_steps if held & {Role(code) for code in step.roles}],
        "may_kick_off": Role.PM in held
        and milestones.START_DATE in {step.code for step in open_steps},
        "task": task,
        "comments": comments,
        "waits_for": [one for one in task.depends_on.all() if one.column != Column.DONE],
        "sessions": [*task.caused_by.all(), *task.sessions.all()][:3],
        "moves": board.may_move_to(task) if may_move else [],
    }


@require_POST
def move(request: HttpRequest, code: str) -> HttpResponse:
    """Move a task by hand."""
    task, form = get_object_or_404(Task, code=code), MoveForm(request.POST)
    return _change(
        form, request, task,
        lambda by, said: board.move(task, said["column"], by, said["reason"]),
        lambda said: f"{task.code} moved to {Column(said['column']).label}.",
    )  # fmt: skip


@require_POST
def comment(request: HttpRequest, code: str) -> HttpResponse:
    """Add a remark to a task."""
    task, form = get_object_or_404(Task, code=code), CommentForm(request.POST)
    return _change(form, request, task, lambda by, said: board.comment(task, said["text"], by))


@require_POST
def tick(request: HttpRequest, code: str, step: str) -> HttpResponse:
    """Say that a step of a task is done."""
    found = get_object_or_404(TaskStep.objects.select_related("task"), task__code=code, code=step)
    form = TickForm(request.POST)
    return _change(
        form, request, found.task, lambda by, said: milestones.tick(found, by, said["note"])
    )


@require_POST
def kick_off(request: HttpRequest, code: str) -> HttpResponse:
    """Name the start date and the lead of the next milestone."""
    task, form = get_object_or_404(Task, code=code), KickOffForm(request.POST)
    return _change(
        form, request, task,
        lambda by, said: milestones.kick_off(task, by, **said),
        lambda said: "The next milestone has a start date and a lead.",
    )  # fmt: skip


def _change(
    form: Form,
    request: HttpRequest,
    task: Task,
    act: Callable[[User, dict[str, Any]], object],
    done: Callable[[dict[str, Any]], str] = lambda said: "",
) -> HttpResponse:
    """Do what the form says, and go back to the task; one that says it wrongly is told why."""
    if not form.is_valid():
        messages.error(request, first_error(form))
        return redirect(_address(task))
    by, said = person_of(request), form.cleaned_data
    return carry_out(request, _address(task), lambda: act(by, said), BoardError, done=done(said))


def _address(task: Task) -> str:
    return f"{reverse('board')}#task-{task.code}"
