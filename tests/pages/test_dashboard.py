"""The dashboard: what it says of account and alerts, and to whom it offers what."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from brokerage.models import AccountProof, Endpoint
from crucible.alerts.raising import raise_alert
from tests.conftest import People
from validation import sessions
from validation.models import ConfigRevision, Session

pytestmark = pytest.mark.django_db


def proof(endpoint: Endpoint, account: str, *, ok: bool = True) -> None:
    endpoint.observe("CONNECTED")
    AccountProof.objects.create(endpoint=endpoint, target="x", accounts=[account], ok=ok)


def tile(browser: Client) -> str:
    page = browser.get("/").content.decode()
    found = page[: page.index("Account mode")].rsplit('<div class="stat">', 1)[1]
    return found + page[page.index("Account mode") :].split("</div>", 1)[0]


def test_the_account_tile_says_which_paper_account_was_reported(
    viewer: Client, endpoint: Endpoint
) -> None:
    proof(endpoint, "DU1234567")
    assert "PAPER" in tile(viewer)
    assert "SIMULATED" in tile(viewer)
    assert "DU1234567" in tile(viewer)


def test_an_account_that_is_not_paper_is_called_so(viewer: Client, endpoint: Endpoint) -> None:
    proof(endpoint, "U1234567", ok=False)
    assert "NOT PAPER" in tile(viewer)
    assert "U1234567" in tile(viewer)


def test_a_gateway_that_was_lost_is_not_called_paper(viewer: Client, endpoint: Endpoint) -> None:
    proof(endpoint, "DU1234567")
    Endpoint.objects.update(last_seen_at=timezone.now() - timedelta(minutes=5))
    assert "PAPER" not in tile(viewer)
    assert "Unknown" in tile(viewer)


def test_the_gravest_alert_stands_first(viewer: Client, endpoint: Endpoint) -> None:
    for severity in ("INFO", "CRITICAL", "WARNING"):
        raise_alert(severity, f"an alert {severity}", "", severity=severity)
    page = viewer.get("/").content.decode()
    feed = page[page.index("3 open") :]
    places = [feed.index(f"an alert {word}") for word in ("CRITICAL", "WARNING", "INFO")]
    assert places == sorted(places)


def test_what_does_not_fit_is_counted(viewer: Client, endpoint: Endpoint) -> None:
    for number in range(8):
        raise_alert(f"kind-{number}", f"alert {number}", "", severity="WARNING")
    assert "8 open, the first 6 here" in viewer.get("/").content.decode()


def test_every_session_that_runs_is_shown(
    viewer: Client, session: Session, people: People, revision: ConfigRevision
) -> None:
    second = Endpoint.objects.create(name="second", kind="SIMULATED", port=4003)
    other = sessions.start(people.op, second)
    page = viewer.get("/").content.decode()
    cards = page[: page.index("Latest sessions")]
    assert (session.number in cards, other.number in cards) == (True, True)


def test_only_who_may_start_and_acknowledge_is_offered_it(
    operator: Client, viewer: Client, endpoint: Endpoint
) -> None:
    raise_alert("test", "Look here", "", severity="WARNING")
    offered = operator.get("/").content.decode()
    assert "Start a session" in offered
    assert "Acknowledge" in offered
    shown = viewer.get("/").content.decode()
    assert "Look here" in shown
    assert "Start a session" not in shown
    assert "Acknowledge" not in shown


def test_what_happened_is_told_in_words(viewer: Client, endpoint: Endpoint) -> None:
    raise_alert("test", "Look here", "", severity="WARNING")
    page = viewer.get("/").content.decode()
    told = page[page.index("What happened") :].split("</ol>", 1)[0]
    assert "Alert raised</span>" in told
    assert "Look here" in told
