"""Hostile bodies, queries and addresses get a clear 4xx, on PostgreSQL as well."""

import logging

import pytest
from django.test import Client

from brokerage.models import KillSwitch
from tests.conftest import People
from tests.databases import Database

DEEP = b"[" * 100_000


@pytest.fixture
def client(database: Database, people: People) -> Client:
    """Somebody who may read everything and do little; a fault answers 500, as in production."""
    client = Client(raise_request_exception=False)
    client.force_login(people.qa)
    return client


@pytest.mark.parametrize("body", [DEEP, b'{"a":' * 50_000, rb'{"reason": "\ud800"}', b"\xff", b"{"])
def test_a_body_that_is_no_sound_json_is_refused(
    client: Client, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    answer = client.post("/api/v1/kill-switch/trigger", body, "application/json")
    assert answer.status_code == 400
    assert "JSON parse error" in answer.json()["detail"]
    assert not [line for line in caplog.records if line.levelno >= logging.ERROR]


@pytest.mark.parametrize("limit", ["9" * 30, "9223372036854775807"])
def test_a_limit_beyond_all_bounds_gives_a_page(client: Client, limit: str) -> None:
    assert client.get(f"/api/v1/sessions?limit={limit}").status_code == 200


@pytest.mark.parametrize(
    "address",
    ["/sessions/x/checklist/%00/", "/api/v1/sessions/x/checklist/%00", "/signoffs/submit/%00/"],
)
def test_an_address_with_a_nul_is_not_found(client: Client, address: str) -> None:
    assert client.post(address).status_code == 404


@pytest.mark.parametrize("way_back", ["0", "no-such-view", "\x00", "//evil.example/", "x" * 3000])
def test_the_kill_switch_triggers_whatever_the_way_back_is(client: Client, way_back: str) -> None:
    body = {"reason": "a rogue order", "next": way_back}
    answer = client.post("/kill-switch/trigger/", body)
    assert answer.status_code == 302
    assert "evil" not in answer["Location"]
    assert not KillSwitch.permits()


@pytest.mark.parametrize("number", ["a b", "\x00", "💩", "x" * 50])
def test_a_predecessor_that_cannot_be_is_refused_in_the_form(client: Client, number: str) -> None:
    assert client.get("/sessions/", {"restart_of": number}).status_code == 200
    answer = client.post("/sessions/start/", {"restart_of": number})
    assert answer.status_code in {400, 422}


@pytest.mark.parametrize("query", ["kind=%00", "q=%00", "actor_name=a%00b"])
def test_a_nul_among_the_admins_filters_is_not_found(client: Client, query: str) -> None:
    assert client.get("/admin/ledger/entry/?kind=x").status_code == 200
    assert client.get(f"/admin/ledger/entry/?{query}").status_code == 404
