"""The frame of the API: liveness, and a description of itself that tools can read."""

from pathlib import Path

import yaml
from django.core.management import call_command
from django.db import connection
from django.test import Client

from tests.databases import Database


def test_healthz_answers_without_a_login(db: None, client: Client) -> None:
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json()["tradingMode"] == "PAPER"


def test_healthz_is_not_healthy_without_a_database(sqlite_file: Database, client: Client) -> None:
    connection.close()
    Path(sqlite_file.url.removeprefix("sqlite:///")).write_bytes(b"no database" * 100)
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "database unavailable"}


def test_the_schema_is_valid_and_describes_the_upload(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "schema.yaml"
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(path))
    described = yaml.safe_load(path.read_text())["paths"]
    assert "post" in described["/api/v1/ci/uploads"]
    assert {"get", "post"} <= set(described["/api/v1/ci/bot-configs"])
    assert client.get("/api/v1/schema").status_code == 200


def test_every_other_address_of_the_api_needs_a_login(db: None, client: Client) -> None:
    for path in ("sessions", "config/revisions", "approvals/pending", "kill-switch", "ci/uploads"):
        assert client.get(f"/api/v1/{path}").status_code in {401, 403}, path
