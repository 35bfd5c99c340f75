"""The demo's edges: occupied ports, a second demo, odd paths, and whom it makes."""

import json
import socket
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from brokerage.models import Endpoint
from crucible.embedded import broker_command
from crucible.ledger.models import Entry
from crucible.management.commands.demo import Command, free_port, listens
from crucible.people import load_demo_people, passwords_file
from crucible.roles import Role, roles_of
from validation.models import Session


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which something listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def demo_settings(settings: Any, tmp_path: Path) -> Any:
    settings.DEMO = True
    settings.VAR_DIR = tmp_path
    return settings


def test_an_occupied_port_is_replaced_and_the_terminal_says_so(taken: int) -> None:
    command = Command(stdout=StringIO())
    port = command._port("The web server", "127.0.0.1", taken)
    assert port != taken
    assert f"port {taken} is in use, taking {port}" in command.stdout._out.getvalue()  # type: ignore[attr-defined]


def test_a_free_port_is_taken_without_a_word(taken: int) -> None:
    wanted = free_port("127.0.0.1", 0)
    command = Command(stdout=StringIO())
    assert command._port("The web server", "127.0.0.1", wanted) == wanted
    assert command.stdout._out.getvalue() == ""  # type: ignore[attr-defined]


def test_listens_tells_an_open_port_from_a_closed_one(taken: int) -> None:
    assert listens("127.0.0.1", taken)
    assert not listens("127.0.0.1", free_port("127.0.0.1", 0))


def test_a_second_demo_in_the_same_directory_is_refused(redis_url: str, settings: Any) -> None:
    settings.LIVE_URL = redis_url.replace("redis+socket://", "unix://")
    with pytest.raises(CommandError, match="Another demo is running"):
        Command(stdout=StringIO())._start_broker()


def test_a_path_too_long_for_a_socket_is_explained(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="CRUCIBLE_VAR or REDIS_URL"):
        broker_command(Path("/" + "x" * 101), tmp_path)


def test_the_embedded_broker_opens_no_tcp_port(tmp_path: Path) -> None:
    command = broker_command(tmp_path / "s", tmp_path)
    assert command[command.index("--port") + 1] == "0"
    assert command[command.index("--unixsocketperm") + 1] == "700"


def test_demo_people_exist_only_in_demo_mode(db: None, settings: Any) -> None:
    settings.DEMO = False
    with pytest.raises(PermissionError):
        load_demo_people()
    with pytest.raises(CommandError, match="only in demo mode"):
        call_command("prepare_demo", gateway_port=4002)
    assert not User.objects.filter(username="olivia").exists()


def test_there_is_one_person_for_each_role_but_the_service_account(
    db: None, demo_settings: Any
) -> None:
    people = load_demo_people()
    assert people.keys() == set(Role) - {Role.CI}
    for role, (username, password) in people.items():
        user = User.objects.get(username=username)
        assert roles_of(user) == {role}
        assert user.check_password(password)


def test_passwords_are_made_once_and_readable_by_the_owner_only(
    db: None, demo_settings: Any
) -> None:
    first = load_demo_people()
    assert load_demo_people() == first
    assert passwords_file().stat().st_mode & 0o077 == 0


def test_preparing_twice_starts_one_session(transactional_db: None, demo_settings: Any) -> None:
    for _ in range(2):
        said = StringIO()
        call_command("prepare_demo", gateway_port=4999, control_port=4998, speed=25, stdout=said)
    people = json.loads(said.getvalue().splitlines()[-1])
    assert Session.objects.get().created_by.username == people["OP"][0]
    endpoint = Endpoint.objects.get(is_default=True)
    assert (endpoint.port, endpoint.control_port) == (4999, 4998)


def test_a_ci_token_belongs_to_a_service_account_without_a_password(db: None) -> None:
    said = StringIO()
    call_command("ci_token", stdout=said)
    account = User.objects.get(username="ci")
    assert roles_of(account) == {Role.CI}
    assert not account.has_usable_password()
    assert len(said.getvalue().strip()) >= 32
    assert Entry.objects.filter(kind="token.issued").exists()


def test_a_person_gets_no_ci_token(db: None) -> None:
    User.objects.create_user("olivia")
    with pytest.raises(CommandError, match="is a person"):
        call_command("ci_token", name="olivia")
