"""The commands: run a session in the foreground, seed, roll the expiry."""

from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone
from junitparser import JUnitXml

from brokerage.models import Endpoint
from brokerage.terms import Target
from tests.conftest import People
from tests.validation.conftest import Toys, fails, passes
from validation import foreground, sessions
from validation.management.commands import run_validation
from validation.models import Finding, Session, SessionState, Severity
from validation.rolling import Rolled
from validation.scenarios.trial import Trial
from validation.watch.conditions import Condition

pytestmark = pytest.mark.django_db


def run(*args: str) -> str:
    out = StringIO()
    call_command("run_validation", *args, stdout=out)
    return out.getvalue()


def exit_code(*args: str) -> int:
    with pytest.raises(CommandError) as caught:
        run(*args)
    return caught.value.returncode


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether the gateways of these tests can be reached."""
    answers = [True]
    monkeypatch.setattr(foreground, "reachable", lambda endpoint: answers[0])
    return answers


def test_a_sound_run_says_so_line_by_line(
    toys: Toys, seeded: Endpoint, listening: list[bool], tmp_path: Path
) -> None:
    toys.add("BC-01", passes)
    out = run("--endpoint", seeded.name, "--junit", str(tmp_path / "j.xml"))
    assert "SIMULATED, 1 planned" in out
    assert "✔ BC-01 toy-bc-01" in out
    assert "1 of 1 passed" in out
    assert 'tests="1"' in (tmp_path / "j.xml").read_text()
    session = Session.objects.get()
    assert (session.kind, session.created_by.username) == ("DRY_RUN", "command-line")


def test_a_failure_shows_its_checks_and_exits_with_1(
    toys: Toys, seeded: Endpoint, listening: list[bool]
) -> None:
    toys.add("BC-01", fails)
    out = StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("run_validation", stdout=out)
    assert caught.value.returncode == 1
    assert "✘ BC-01" in out.getvalue()
    assert "✘ two is three: expected 3, 2" in out.getvalue()


STRANGE = Condition("difference_foreign", "SPY", Severity.CRITICAL, "SPY: 5 shares.", "Look.")


def test_a_blocked_session_exits_with_1_though_every_scenario_passed(
    toys: Toys, seeded: Endpoint, listening: list[bool], tmp_path: Path
) -> None:
    toys.add("BC-01", passes)
    toys.watch.left = [STRANGE]
    with pytest.raises(CommandError, match=r"1 of 1 passed\..*is BLOCKED\. .*SPY: 5") as caught:
        run("--junit", str(tmp_path / "j.xml"))
    assert caught.value.returncode == 1
    (suite,) = JUnitXml.fromfile(str(tmp_path / "j.xml"))
    assert (suite.tests, suite.failures) == (2, 1)


def test_what_the_watch_found_exits_with_1(
    toys: Toys, seeded: Endpoint, listening: list[bool], tmp_path: Path
) -> None:
    toys.add("BC-01", finds_an_error)
    with pytest.raises(CommandError, match=r"is REPORTING\..*watch found: Mute\.") as caught:
        run("--junit", str(tmp_path / "j.xml"), "--scenario", "BC-01")
    assert caught.value.returncode == 1
    assert 'failures="1"' in (tmp_path / "j.xml").read_text()


async def finds_an_error(trial: Trial) -> None:
    passes(trial)
    session = await Session.objects.aget()
    await Finding.objects.acreate(
        session=session, at=timezone.now(), kind="no_answer", severity=Severity.ERROR, text="Mute."
    )


def test_a_person_answers_for_a_session_that_can_be_signed(
    toys: Toys, seeded: Endpoint, listening: list[bool], people: People
) -> None:
    toys.add("BC-01", passes)
    run("--user", "op")
    session = Session.objects.get()
    assert (session.kind, session.state) == ("FULL", SessionState.MANUAL_CHECKS)
    assert exit_code("--user", "vw") == 2


def test_a_shell_without_a_person_leaves_the_brokers_gateway_alone(
    toys: Toys, seeded: Endpoint, listening: list[bool]
) -> None:
    toys.add("BC-01", passes)
    paper = {"kind": "PAPER", "port": 4002, "speed": 1, "always_open": False}
    Endpoint.objects.filter(pk=seeded.pk).update(**paper)
    assert "private simulation" in run("--scenario", "BC-01")
    assert exit_code("--endpoint", seeded.name) == 2


def test_some_scenarios_make_a_partial_session(
    toys: Toys, seeded: Endpoint, listening: list[bool]
) -> None:
    toys.add("BC-01", passes)
    toys.add("RS-01", passes)
    run("--scenario", "RS-01", "--fail-fast")
    assert Session.objects.get().kind == "PARTIAL"


@pytest.mark.parametrize(
    "args",
    [
        ["--endpoint", "nowhere"], ["--user", "nobody"], ["--speed", "0.5"],
        ["--scenario", "XX-01"],
    ],
)  # fmt: skip
def test_wrong_usage_exits_with_2(
    toys: Toys, seeded: Endpoint, listening: list[bool], args: list[str]
) -> None:
    toys.add("BC-01", passes)
    assert exit_code(*args) == 2


def test_a_gateway_that_is_away_exits_with_2(
    toys: Toys, seeded: Endpoint, listening: list[bool]
) -> None:
    listening[0] = False
    toys.add("BC-01", passes)
    assert exit_code("--endpoint", seeded.name) == 2


def test_a_junit_file_that_can_not_be_written_exits_with_2(
    toys: Toys, seeded: Endpoint, listening: list[bool], tmp_path: Path
) -> None:
    toys.add("BC-01", passes)
    assert exit_code("--junit", str(tmp_path / "none" / "j.xml")) == 2


def test_a_session_that_somebody_takes_first_is_not_run_twice(
    toys: Toys, seeded: Endpoint, listening: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    toys.add("BC-01", passes)
    monkeypatch.setattr(foreground, "claim", lambda number, owner: None)
    assert exit_code() == 2


def test_nothing_that_listens_is_reachable_at_a_closed_port(seeded: Endpoint) -> None:
    seeded.port = 1
    assert not foreground.reachable(seeded)


def test_private_endpoints_are_used_again_once_they_are_free(
    toys: Toys, seeded: Endpoint, operator: User
) -> None:
    first = foreground.private_endpoint(Target("a", "127.0.0.1", 5001, "SIMULATED", 25))
    again = foreground.private_endpoint(
        Target("b", "127.0.0.1", 5002, "SIMULATED", 10, control_port=5003)
    )
    assert (first.pk, again.port, again.speed) == (again.pk, 5002, 10)
    assert (first.control_port, again.control_port) == (None, 5003)


def test_ctrl_c_aborts_the_session(
    toys: Toys, seeded: Endpoint, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    toys.add("BC-01", passes)
    session = sessions.start(operator, queue=False)
    command = run_validation.Command(stdout=StringIO())
    command._session = session
    started: list[Any] = []

    def thread_of(target: Any, args: Any) -> Any:
        started.append(lambda: target(*args))
        return SimpleNamespace(start=lambda: None)

    monkeypatch.setattr(run_validation, "Thread", thread_of)
    before = run_validation.signal.getsignal(run_validation.signal.SIGINT)
    command._on_interrupt(2, None)
    run_validation.signal.signal(run_validation.signal.SIGINT, before)
    monkeypatch.setattr(run_validation, "close_old_connections", lambda: None)
    (aborts,) = started
    aborts()
    session.refresh_from_db()
    assert session.state == SessionState.ABORTED
    run_validation._stop(session.pk)


def test_seeding_twice_changes_nothing(people: People) -> None:
    out = StringIO()
    call_command("seed_crucible", stdout=out)
    assert "created task 1.1.8" in out.getvalue()
    again = StringIO()
    call_command("seed_crucible", stdout=again)
    assert again.getvalue().strip() == "nothing to do"
    call_command("seed_crucible", verbosity=0, stdout=again)


def test_the_expiry_command_rolls_and_tells(
    seeded: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    answers = [Rolled("done", True), Rolled("no gateway", False)]

    def roll(endpoint: Any, today: Any) -> Rolled:
        asked.append((endpoint, str(today)))
        return answers.pop(0)

    monkeypatch.setattr("validation.management.commands.update_weekly_expiry.roll", roll)
    out = StringIO()
    call_command("update_weekly_expiry", endpoint=seeded.name, date="2026-04-02", stdout=out)
    assert out.getvalue().strip() == "done"
    assert asked == [(seeded, "2026-04-02")]
    with pytest.raises(CommandError, match="no gateway"):
        call_command("update_weekly_expiry")


@pytest.mark.parametrize("options", [{"endpoint": "x"}, {"date": "tomorrow"}])
def test_the_expiry_command_refuses_nonsense(seeded: Endpoint, options: dict[str, str]) -> None:
    with pytest.raises(CommandError):
        call_command("update_weekly_expiry", **options)


@pytest.mark.timeout(120)
def test_a_private_simulated_gateway_runs_real_scenarios(seeded: Endpoint) -> None:
    out = run("--scenario", "BC-03", "OE-01", "--speed", "25", "--seed", "3")
    assert "2 of 2 passed" in out
    session = Session.objects.get()
    assert (session.simulated, session.seed, session.cleanup) == (True, 3, "DONE")
    assert "Verified: no own order works" in session.cleanup_note


def test_a_new_database_names_the_command_that_fills_it(operator: User) -> None:
    with pytest.raises(sessions.SessionRefused, match="seed_crucible"):
        sessions.start(operator, endpoint=Endpoint.objects.create(name="new", kind="SIMULATED"))


@pytest.mark.parametrize("command", ["run_validation", "update_weekly_expiry"])
def test_an_unknown_endpoint_names_the_known_ones(seeded: Endpoint, command: str) -> None:
    with pytest.raises(CommandError, match=f"There are: {seeded.name}"):
        call_command(command, "--endpoint", "nope")
