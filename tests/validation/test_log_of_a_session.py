"""The log of a session: what each line is about, how much is kept, and whole traces."""

import json
import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from brokerage.errors import GatewayTimeout, SafetyViolation
from brokerage.models import Endpoint
from crucible.correlation import correlated
from crucible.json_lines import JsonFormatter
from crucible.ledger.models import Entry
from tests.conftest import People
from tests.validation.conftest import Toys, fails, passes, raises, run, session_of
from validation import log_stream, outbox, sessions, tasks
from validation.models import Attempt, LogLevel, LogLine, Session
from validation.scenarios.trial import Trial
from validation.trials import LONGEST_TRACE, traced

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fast_pulse")]


@pytest.fixture
def streamed() -> Iterator[list[dict[str, Any]]]:
    """What the lines of sessions look like in the log of the process."""
    rows: list[dict[str, Any]] = []
    handler = logging.Handler()
    formatter = JsonFormatter()
    handler.emit = lambda record: rows.append(json.loads(formatter.format(record)))  # type: ignore[method-assign]
    before = log_stream.logger.level
    log_stream.logger.addHandler(handler)
    log_stream.logger.setLevel(logging.DEBUG)
    yield rows
    log_stream.logger.removeHandler(handler)
    log_stream.logger.setLevel(before)


def notes(trial: Trial) -> None:
    """A scenario that says something at two levels."""
    trial.check("two is two", 2, 2)
    trial.note("plain", client_id=0, event="toy.said")
    trial.note("too much", "DEBUG")


def test_the_id_of_a_click_is_carried_to_every_line_and_entry_of_its_run(
    toys: Toys, seeded: Endpoint, operator: User, monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:  # fmt: skip
    toys.add("BC-01", notes)
    carried: list[str] = []

    def work(name: str, kwargs: dict[str, str], headers: dict[str, str], **how: Any) -> None:
        carried.append(headers["correlation"])
        with correlated(headers["correlation"], actor="worker"):
            tasks.execute_session(**kwargs)

    monkeypatch.setattr(outbox.current_app, "send_task", work)
    with correlated("req-7", actor="olivia"), django_capture_on_commit_callbacks(execute=True):
        session = sessions.start(operator)
    assert carried == ["req-7"]
    lines = LogLine.objects.filter(session=session)
    assert set(lines.values_list("correlation", "actor")) == {("req-7", "worker")}
    entries = Entry.objects.filter(body__contains=session.number)
    assert entries.filter(kind="attempt.passed").exists()
    assert set(entries.values_list("correlation", flat=True)) == {"req-7"}


def test_a_line_names_its_event_and_the_client_id_of_its_connection(
    toys: Toys, seeded: Endpoint, operator: User
) -> None:
    run(session_of(toys, operator, BC_01=notes))
    said = LogLine.objects.get(message="plain")
    assert (said.event_type, said.client_id) == ("toy.said", 0)
    assert not LogLine.objects.filter(event_type="").exists()


def test_a_stored_line_is_a_line_of_the_process_too(
    toys: Toys, seeded: Endpoint, operator: User, streamed: list[dict[str, Any]]
) -> None:
    with correlated("cmd-1", actor="command-line"):
        session = run(session_of(toys, operator, BC_01=notes))
    (row,) = [one for one in streamed if one["message"] == "plain"]
    names = ("session", "scenario", "attempt", "event_type", "correlation_id", "actor", "client_id")
    assert [row[name] for name in names] == [
        session.number, "BC-01", 1, "toy.said", "cmd-1", "command-line", 0,
    ]  # fmt: skip
    stored = LogLine.objects.filter(session=session).order_by("pk")
    assert [one["message"] for one in streamed] == list(stored.values_list("message", flat=True))


@pytest.mark.parametrize(("level", "kept"), [(LogLevel.INFO, 0), (LogLevel.DEBUG, 1)])
def test_details_are_kept_in_a_session_that_was_started_so(
    toys: Toys, seeded: Endpoint, operator: User, level: str, kept: int
) -> None:
    toys.add("BC-01", notes)
    run(sessions.start(operator, log_level=level))
    assert LogLine.objects.filter(level="DEBUG", message="too much").count() == kept
    assert LogLine.objects.filter(message="plain").count() == 1


def test_the_start_form_and_the_rest_api_take_the_log_level(
    toys: Toys, seeded: Endpoint, people: People, client: Client
) -> None:
    toys.add("BC-01", passes)
    client.force_login(people.op)
    form = {"endpoint": seeded.pk, "scenarios": ["BC-01"], "log_level": "DEBUG"}
    client.post("/sessions/start/", form)
    session = Session.objects.latest("pk")
    assert session.log_level == LogLevel.DEBUG
    sessions.abort(session, people.op, "The next one is to start.")
    sent = {"scenarios": ["BC-01"], "log_level": "DEBUG"}
    answer = client.post("/api/v1/sessions", sent, content_type="application/json")
    assert (answer.status_code, answer.json()["log_level"]) == (201, "DEBUG")
    wrong = client.post("/api/v1/sessions", {"log_level": "TRACE"}, content_type="application/json")
    assert wrong.status_code == 400


def test_the_log_is_filtered_by_event_and_by_correlation_id(
    toys: Toys, seeded: Endpoint, people: People, client: Client
) -> None:
    with correlated("cmd-5"):
        session = run(session_of(toys, people.op, BC_01=notes))
    client.force_login(people.op)
    page = f"/sessions/{session.number}/log/"
    by_event = client.get(page, {"event": "toy."}).content.decode()
    assert by_event.count("log__line") == 1
    assert "toy.said · client 0" in by_event
    assert "correlation=cmd-5" in by_event
    assert "plain" in client.get(page, {"correlation": "cmd-5"}).content.decode()
    assert "plain" not in client.get(page, {"correlation": "cmd-6"}).content.decode()
    (row,) = [
        one for one in client.get(f"/api/v1/sessions/{session.number}/log").json()["results"]
        if one["message"] == "plain"
    ]  # fmt: skip
    assert (row["event_type"], row["correlation_id"], row["client_id"]) == ("toy.said", "cmd-5", 0)


@pytest.mark.parametrize(
    "error", [ValueError("no U1234567 here"), SafetyViolation("no U1234567 here"),
              GatewayTimeout("no U1234567 here")],
)  # fmt: skip
def test_the_whole_trace_of_an_error_is_kept_for_ever_and_names_no_account(
    toys: Toys, seeded: Endpoint, operator: User, error: Exception
) -> None:
    run(session_of(toys, operator, BC_01=raises(error)))
    attempt = Attempt.objects.get(scenario="BC-01")
    assert "in carry_out" in attempt.trace
    assert "no (account) here" in attempt.trace
    assert "U1234567" not in attempt.trace
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Attempt.objects.filter(pk=attempt.pk).update(trace="")


def test_a_trace_tells_the_cause_without_its_login_and_has_a_bound() -> None:
    error = ValueError("x" * 100)
    error.__cause__ = OSError("redis://default:secret@cache is away")
    assert "redis://(login)@cache is away" in traced(error)
    assert len(traced(ValueError("x" * 2 * LONGEST_TRACE + "end"))) == LONGEST_TRACE
    assert traced(ValueError("x" * 2 * LONGEST_TRACE + "end")).rstrip().endswith("end")


def test_a_page_shows_the_reason_and_folds_the_trace(
    toys: Toys, seeded: Endpoint, people: People, client: Client, admin_client: Client
) -> None:
    session = run(session_of(toys, people.op, fill=9, BC_01=raises(ValueError("broken")),
                             BC_02=fails))  # fmt: skip
    client.force_login(people.op)
    failed = client.get(session.attempts.get(scenario="BC-02").get_absolute_url())
    assert "Full trace" not in failed.content.decode()
    attempt = session.attempts.get(scenario="BC-01")
    text = client.get(attempt.get_absolute_url()).content.decode()
    listed = client.get(session.get_absolute_url()).content.decode()
    for page in (text, listed):
        fold = page[page.index('<details class="fold trace') :]
        fold = fold[: fold.index("</details>")]
        assert "<summary>Full trace</summary>" in fold
        assert "Traceback (most recent call last)" in fold
        assert "Traceback" not in page.replace(fold, "")
        assert "ValueError: broken" in page.replace(fold, "")
    shown = admin_client.get(f"/admin/validation/attempt/{attempt.pk}/change/").content.decode()
    assert "<summary>Full trace</summary>" in shown


def test_every_message_on_the_wire_is_kept_without_accounts(seeded: Endpoint) -> None:
    call_command(
        "run_validation", "--speed", "25", "--seed", "7", "--scenario", "BC-02",
        "--log-level", "DEBUG", verbosity=0, stdout=StringIO(),
    )  # fmt: skip
    wire = LogLine.objects.filter(source="wire", level="DEBUG", attempt__scenario="BC-02")
    assert set(wire.values_list("event_type", flat=True)) == {"wire.sent", "wire.received"}
    assert wire.filter(event_type="wire.received", message__contains="NetLiquidation").exists()
    accounts = wire.filter(message__startswith="15,1,").values_list("message", flat=True)
    assert set(accounts) == {"15,1,(account)"}
    ids = set(wire.exclude(client_id=None).values_list("client_id", flat=True))
    assert len(ids) == 1
    assert ids <= set(range(210, 220))


def test_verbose_keeps_everything_and_prints_the_log(
    seeded: Endpoint, streamed: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    log_stream.logger.setLevel(logging.CRITICAL)
    call_command("run_validation", "--speed", "25", "--scenario", "BC-02", "--verbose",
                 verbosity=0, stdout=StringIO())  # fmt: skip
    assert Session.objects.latest("pk").log_level == LogLevel.DEBUG
    assert {"wire.sent", "gateway.connected"} <= {one["event_type"] for one in streamed}
