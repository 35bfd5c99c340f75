"""Every line of every process tells what it is about, as JSON that a machine can read."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from celery.signals import task_postrun, task_prerun
from django.test import Client

from crucible.correlation import About, about, begin, correlated, correlation, new_id
from crucible.json_lines import JsonFormatter
from crucible.ledger.models import Entry
from tests.conftest import People

ROOT = Path(__file__).resolve().parents[2]
SAYS = "import logging; logging.getLogger('bot').warning('two\\nlines', extra={'event_type': 'x'})"


def line(message: str = "hello", **extra: object) -> dict[str, object]:
    """What the formatter makes of a record."""
    record = logging.LogRecord("some.module", logging.WARNING, "f.py", 1, message, (), None)
    vars(record).update(extra)
    text = JsonFormatter().format(record)
    assert "\n" not in text
    return dict(json.loads(text))


def test_a_line_has_the_five_names_even_when_nothing_is_known() -> None:
    row = line("one\ntwo \udc80")
    assert list(row)[:5] == ["timestamp", "level", "event_type", "correlation_id", "message"]
    assert row["message"] == "one\ntwo \udc80"
    assert (row["level"], row["event_type"], row["correlation_id"]) == (
        "WARNING", "some.module", "",
    )  # fmt: skip
    assert str(row["timestamp"]).endswith("Z")


def test_a_line_tells_what_is_under_way_where_it_was_written() -> None:
    with correlated("req-1", actor="olivia", session="S-1"), correlated(scenario="BC-01"):
        row = line(event_type="order.placed", client_id=0)
    assert (row["correlation_id"], row["actor"]) == ("req-1", "olivia")
    assert (row["session"], row["scenario"], row["client_id"]) == ("S-1", "BC-01", 0)
    assert row["event_type"] == "order.placed"
    assert about() == About()


def test_an_exception_stays_on_its_line() -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        row = line(exc_info=sys.exc_info())
    assert "Traceback" in str(row["exception"])
    assert "ValueError: broken" in str(row["exception"])


def test_an_id_from_outside_can_break_no_line_and_no_column() -> None:
    with correlated("a\nb " + "x" * 100):
        assert correlation().startswith("a_b_")
        assert len(correlation()) == 80
    assert new_id("req") != new_id("req")


@pytest.mark.django_db
def test_a_click_its_answer_and_its_ledger_entries_share_one_id(
    client: Client, people: People
) -> None:
    client.force_login(people.op)
    triggered = client.post("/kill-switch/trigger/", {"reason": "a test of the ids"})
    other = client.get("/help/")
    entry = Entry.objects.filter(kind="kill.triggered").latest("sequence")
    assert entry.correlation == triggered["X-Request-ID"]
    assert entry.correlation.startswith("req-")
    assert other["X-Request-ID"] != entry.correlation
    assert correlation() == ""


@pytest.mark.django_db
def test_a_request_is_logged_with_its_person_and_without_its_query(
    client: Client,
    people: People,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client.force_login(people.op)
    seen: list[dict[str, object]] = []
    formatter = JsonFormatter()

    def emit(record: logging.LogRecord) -> None:
        seen.append(json.loads(formatter.format(record)))

    monkeypatch.setattr(caplog.handler, "emit", emit)
    with caplog.at_level(logging.INFO, "crucible.request"):
        client.get("/sessions/?state=APPROVED")
    (row,) = [one for one in seen if one["event_type"] == "http.request"]
    assert str(row["message"]).startswith("GET /sessions/ 200 in ")
    assert row["actor"] == people.op.get_username()
    assert str(row["correlation_id"]).startswith("req-")


def test_a_task_goes_on_under_the_id_that_its_message_brought() -> None:
    task = SimpleNamespace(
        name="validation.tasks.execute_session", request={"correlation": "req-9"}
    )
    task_prerun.send(sender=None, task_id="t", task=task)
    assert about() == About("req-9", "worker")
    task.request, task.name = {}, "validation.tasks.back_up"
    task_prerun.send(sender=None, task_id="t", task=task)
    assert about() == About("task-t", "scheduler")
    task_postrun.send(sender=None)
    assert about() == About()


@pytest.mark.parametrize(("wanted", "is_json"), [("", True), ("json", True), ("text", False)])
def test_a_process_writes_json_unless_a_person_asks_for_text(
    tmp_path: Path, wanted: str, is_json: bool
) -> None:
    env = {
        **os.environ,
        "CRUCIBLE_VAR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "crucible.settings",
    }
    env |= {"CRUCIBLE_LOG_FORMAT": wanted} if wanted else {}
    code = f"import django; django.setup(); {SAYS}"
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, cwd=ROOT, capture_output=True, text=True, check=True
    )
    if is_json:
        row = json.loads(done.stdout)
        assert (row["event_type"], row["message"], row["level"]) == ("x", "two\nlines", "WARNING")
    else:
        assert "WARNING bot: two" in done.stdout


def test_a_command_keeps_its_log_off_its_answer(tmp_path: Path) -> None:
    env = {**os.environ, "CRUCIBLE_VAR": str(tmp_path)}
    command = [
        sys.executable,
        "manage.py",
        "shell",
        "--no-imports",
        "-c",
        SAYS + "; print('answer')",
    ]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "answer\n"
    row = json.loads(done.stderr)
    assert row["actor"] == "command-line"
    assert row["correlation_id"].startswith("cmd-")


@pytest.fixture(autouse=True)
def nothing_under_way() -> None:
    """Tests of the same process begin with nothing under way."""
    begin("")
