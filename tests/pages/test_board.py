"""The board's page."""

import pytest
from django.test import Client

from tests.conftest import People
from validation.models import Column, Task

pytestmark = pytest.mark.django_db


@pytest.fixture
def task(people: People) -> Task:
    return Task.objects.create(code="1.1.6", title="Reconnection <logic>", column=Column.READY)


def test_a_task_stands_in_its_column(viewer: Client, task: Task) -> None:
    page = viewer.get("/board/").content.decode()
    assert "Reconnection &lt;logic&gt;" in page
    assert 'id="task-1.1.6"' in page
    assert "Move to" not in page


def test_the_operator_moves_a_task(operator: Client, task: Task) -> None:
    answer = operator.post("/board/1.1.6/move/", {"column": "IN_PROGRESS"})
    assert answer["Location"] == "/board/#task-1.1.6"
    task.refresh_from_db()
    assert task.column == Column.IN_PROGRESS


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ({"column": "DONE"}, "by hand"),
        ({"column": "BLOCKED"}, "Say what blocks the task"),
        ({"column": "NOWHERE"}, "Select a valid choice"),
        ({}, "This field is required"),
    ],
)
def test_a_move_that_is_not_allowed_says_why(
    operator: Client, task: Task, form: dict[str, str], why: str
) -> None:
    assert why in operator.post("/board/1.1.6/move/", form, follow=True).content.decode()
    task.refresh_from_db()
    assert task.column == Column.READY


def test_a_viewer_may_neither_move_nor_comment(viewer: Client, task: Task) -> None:
    assert viewer.post("/board/1.1.6/move/", {"column": "IN_PROGRESS"}).status_code == 403
    assert viewer.post("/board/1.1.6/comment/", {"text": "hello"}).status_code == 403


def test_a_comment_is_shown_escaped_with_its_author(operator: Client, task: Task) -> None:
    page = operator.post("/board/1.1.6/comment/", {"text": "<b>1, 2, 4 s</b>"}, follow=True)
    assert "&lt;b&gt;1, 2, 4 s" in page.content.decode()
    assert task.comments.get().author is not None


def test_a_task_names_what_it_waits_for(viewer: Client, task: Task) -> None:
    later = Task.objects.create(code="1.1.7", title="Configuration")
    later.depends_on.add(task)
    assert '<a href="#task-1.1.6">1.1.6</a>' in viewer.get("/board/").content.decode()
