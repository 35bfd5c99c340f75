"""The project board."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from brokerage.calendar import ET
from crucible.roles import has_role
from validation import board
from validation.board import BoardError
from validation.forms import CommentForm, MoveForm
from validation.models import Column, Task
from validation.views.answers import carry_out, first_error, person_of, show


def page(request: HttpRequest) -> HttpResponse:
    """All tasks in their columns."""
    may_move = has_role(request.user, *board.MAY_MOVE)
    cards = [_card(task, may_move) for task in _tasks()]
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
        Task.objects.prefetch_related("comments__author", "depends_on", "sessions", "caused_by")
    )


def _card(task: Task, may_move: bool) -> dict[str, Any]:
    comments = list(task.comments.all())
    return {
        "task": task,
        "comments": comments,
        "waits_for": [one for one in task.depends_on.all() if one.column != Column.DONE],
        "sessions": [*task.caused_by.all(), *task.sessions.all()][:3],
        "moves": board.may_move_to(task) if may_move else [],
    }


@require_POST
def move(request: HttpRequest, code: str) -> HttpResponse:
    """Move a task by hand."""
    task = get_object_or_404(Task, code=code)
    form = MoveForm(request.POST)
    if not form.is_valid():
        return _wrong(request, task, form)
    wanted, by = form.cleaned_data, person_of(request)
    return carry_out(
        request,
        _address(task),
        lambda: board.move(task, wanted["column"], by, wanted["reason"]),
        BoardError,
        done=f"{task.code} moved to {Column(wanted['column']).label}.",
    )


@require_POST
def comment(request: HttpRequest, code: str) -> HttpResponse:
    """Add a remark to a task."""
    task = get_object_or_404(Task, code=code)
    form = CommentForm(request.POST)
    if not form.is_valid():
        return _wrong(request, task, form)
    text, by = form.cleaned_data["text"], person_of(request)
    return carry_out(request, _address(task), lambda: board.comment(task, text, by), BoardError)


def _wrong(request: HttpRequest, task: Task, form: MoveForm | CommentForm) -> HttpResponse:
    messages.error(request, first_error(form))
    return redirect(_address(task))


def _address(task: Task) -> str:
    return f"{reverse('board')}#task-{task.code}"
