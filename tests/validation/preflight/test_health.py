"""How the product stands: over REST, at the terminal, and the signs of life it rests on."""

from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from django.utils import timezone
from rest_framework.test import APIClient

from brokerage import kill
from brokerage.models import AccountProof, Endpoint
from tests.conftest import People
from validation import sweeper
from validation.management.commands import healthcheck
from validation.models import Heartbeat
from validation.preflight import health, surroundings
from validation.preflight.surroundings import beat, heartbeat_age, look_around

pytestmark = pytest.mark.django_db
LONG_AGO = timezone.now() - timedelta(seconds=61)


@pytest.fixture(autouse=True)
def _broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "broker_error", lambda: "")
    monkeypatch.setattr(surroundings, "broker_error", lambda: "away")


@pytest.fixture
def well(seeded: Endpoint) -> Endpoint:
    """An installation in which everything answers."""
    beat()
    seeded.observe(Endpoint.Seen.CONNECTED)
    AccountProof.objects.create(endpoint=seeded, target="x", accounts=["DU1"], ok=True)
    return seeded


def check(*args: str) -> str:
    out = StringIO()
    call_command("healthcheck", *args, stdout=out)
    return out.getvalue()


def test_all_is_well(well: Endpoint, people: People) -> None:
    out = check()
    for line in ("✔ database", "✔ broker", "✔ scheduler", "connected, paper", "✔ kill switch"):
        assert line in out
    client = APIClient()
    assert client.get("/api/v1/health").status_code == 401
    client.force_authenticate(people.vw)
    answer = client.get("/api/v1/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda e: Heartbeat.objects.update(at=LONG_AGO), "scheduler"),
        (lambda e: e.observe(Endpoint.Seen.UNREACHABLE), "gateway Simulated gateway"),
        (lambda e: kill.trigger("test", "drill"), "kill switch"),
    ],
)  # fmt: skip
def test_what_is_not_well_is_named(well: Endpoint, people: People, spoil: Any, named: str) -> None:
    spoil(well)
    with pytest.raises(CommandError, match=f"Not well: {named}"):
        check()
    client = APIClient()
    client.force_authenticate(people.vw)
    answer = client.get("/api/v1/health")
    assert answer.status_code == 503
    assert [one["name"] for one in answer.json()["parts"] if one["ok"] is False] == [named]


def test_what_is_unknown_is_not_called_well(well: Endpoint) -> None:
    Endpoint.objects.update(last_seen_at=timezone.now() - timedelta(minutes=2))
    Heartbeat.objects.all().delete()
    out = check()
    assert "? scheduler: no sign of life yet" in out
    assert "? gateway Simulated gateway: not seen lately" in out


def test_a_shell_without_workers_may_say_so(
    well: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "broker_error", lambda: "refused")
    with pytest.raises(CommandError, match="broker"):
        check()
    assert "✘ broker: refused" in check("--without-workers")


def test_a_database_that_is_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise DatabaseError("no such host")

    monkeypatch.setattr(healthcheck, "parts", away)
    with pytest.raises(CommandError, match="no such host"):
        check()


def test_each_sweep_is_a_sign_of_life(seeded: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeper.outbox, "deliver_again", lambda: 0)
    assert heartbeat_age() is None
    sweeper.sweep()
    age = heartbeat_age()
    assert age is not None
    assert age < 5


def test_what_is_read_of_the_host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRADING_MODE", " live ")
    monkeypatch.setattr(settings, "BASE_DIR", tmp_path)
    (tmp_path / surroundings.OVERRIDE_FILE).touch()
    seen = look_around()
    assert (seen.trading_mode, seen.override_file) == (
        "live", str(tmp_path / surroundings.OVERRIDE_FILE),
    )  # fmt: skip
    assert seen.free_gb is not None
    assert seen.free_gb > 0
    assert (seen.missing_commands, seen.broker_error, seen.heartbeat_s) == ((), "away", None)
    assert look_around(foreground=True).broker_error is None


def test_a_host_that_others_reach_needs_https(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "ALLOWED_HOSTS", ["crucible.example.com"])
    monkeypatch.setattr(settings, "HTTPS", False)
    assert look_around().exposed
    monkeypatch.setattr(settings, "HTTPS", True)
    assert not look_around().exposed
