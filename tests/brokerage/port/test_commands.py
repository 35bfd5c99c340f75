"""The kill switch and the connection check from a terminal, with exit codes."""

import io
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.core.management import CommandError, call_command

from brokerage import gateway, kill
from brokerage.models import Endpoint, KillSwitch
from tests.conftest import People

CAUSE = "The strike rule chose a contract in the money."


def switch(*args: str) -> str:
    out = io.StringIO()
    call_command("kill_switch", *args, stdout=out)
    return out.getvalue()


@pytest.fixture
def types(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lets a test pipe a password in."""

    def pipe(password: str) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))

    return pipe


def test_the_state_is_told(db: None) -> None:
    assert switch("status").startswith("ARMED")


def test_a_switch_that_is_not_armed_has_its_own_exit_code(db: None) -> None:
    kill.trigger("test", "odd fills")
    with pytest.raises(SystemExit) as caught:
        switch("status")
    assert caught.value.code == 3


def test_anyone_at_the_terminal_may_stop(db: None) -> None:
    assert "odd fills" in switch("trigger", "--reason", "odd fills")
    assert KillSwitch.current().by_name == "command line"


def test_a_trigger_can_be_put_down_to_a_person(people: People) -> None:
    switch("trigger", "--reason", "odd fills", "--user", "lt")
    assert KillSwitch.current().by == people.lt


@pytest.mark.parametrize("args", [["--reason", " "], ["--reason", "x", "--user", "nobody"]])
def test_a_bad_trigger_is_refused(db: None, args: list[str]) -> None:
    with pytest.raises(CommandError) as caught:
        switch("trigger", *args)
    assert caught.value.returncode == 1
    assert KillSwitch.permits()


def test_arming_needs_two_passwords(people: People, types: Any) -> None:
    kill.trigger("test", "odd fills")
    types("secret-op")
    assert "by op" in switch("request-reset", "--user", "op", "--root-cause", CAUSE)
    types("secret-cro")
    assert switch("approve-reset", "--user", "cro").startswith("ARMED")


def test_refusing_by_command(people: People, types: Any) -> None:
    kill.trigger("test", "odd fills")
    kill.request_reset(people.op, CAUSE)
    types("secret-cro")
    assert switch("refuse-reset", "--user", "cro", "--reason", "no").startswith("TRIGGERED")


def test_a_wrong_password_arms_nothing(people: People, types: Any) -> None:
    kill.trigger("test", "odd fills")
    kill.request_reset(people.op, CAUSE)
    types("wrong")
    with pytest.raises(CommandError, match="password"):
        switch("approve-reset", "--user", "cro")
    assert not KillSwitch.permits()


def test_the_password_is_asked_for_at_a_terminal(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill.trigger("test", "odd fills")
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)
    monkeypatch.setattr("getpass.getpass", lambda prompt: "secret-op")
    assert "RESET_REQUESTED" in switch("request-reset", "--user", "op", "--root-cause", CAUSE)


def check(*args: str) -> list[str]:
    out = io.StringIO()
    call_command("check_gateway_connection", *args, stdout=out)
    return out.getvalue().splitlines()


def test_a_sound_gateway_gives_three_lines(endpoint: Endpoint) -> None:
    async def looks() -> list[str]:
        async with gateway.simulation() as simulated:
            endpoint.port, endpoint.speed = simulated.target.port, 25
            await sync_to_async(endpoint.save)()
            return await sync_to_async(check)()

    lines = async_to_sync(looks)()
    assert len(lines) == 3
    assert "SIMULATED" in lines[0]
    assert "DU1234567" in lines[1]
    assert "UTC" in lines[2]


def test_a_gateway_that_is_not_there_is_an_error_that_helps(endpoint: Endpoint) -> None:
    Endpoint.objects.update(port=1, speed=50)
    with pytest.raises(CommandError, match="Nothing listens at 127") as caught:
        check("--attempts", "1")
    assert "Start the gateway" in str(caught.value)


@pytest.mark.parametrize("args", [[], ["--endpoint", "nowhere"]])
def test_a_missing_endpoint_is_said(db: None, args: list[str]) -> None:
    with pytest.raises(CommandError, match="endpoint"):
        check(*args)
