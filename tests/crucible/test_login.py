"""Passwords can't be guessed at speed, at either of the two doors."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.test import Client

from crucible.login import ATTEMPTS
from tests.conftest import People

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def enters(client: Client, door: str, password: str, **more: str) -> bool:
    body = {"username": "cro", "password": password, "next": "/help/"}
    return client.post(door, body, **more).status_code == 302  # type: ignore[arg-type]


@pytest.mark.parametrize("door", ["/login/", "/admin/login/"])
def test_ten_wrong_passwords_close_the_door(people: People, client: Client, door: str) -> None:
    assert people.cro.is_staff
    for _ in range(ATTEMPTS):
        assert not enters(client, door, "wrong")
    assert not enters(client, door, "secret-cro")


def test_the_door_stays_open_at_another_address(people: People, client: Client) -> None:
    assert people.cro.is_staff
    for _ in range(ATTEMPTS):
        enters(client, "/login/", "wrong", REMOTE_ADDR="10.0.0.66")
    assert enters(client, "/login/", "secret-cro")


def test_a_right_password_forgets_the_wrong_ones(people: People, client: Client) -> None:
    assert people.cro.is_staff
    for _ in range(ATTEMPTS - 1):
        enters(client, "/login/", "wrong")
    assert enters(client, "/login/", "secret-cro")
    assert not enters(Client(), "/login/", "wrong")
    assert enters(Client(), "/login/", "secret-cro")
