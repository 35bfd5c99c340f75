"""The scheduled look at every gateway: what nobody saw lately is looked at, and never guessed."""

import socket
from datetime import timedelta

import pytest
from django.utils import timezone

from brokerage.models import AccountProof, Endpoint
from brokerage.tasks import probe_endpoints

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def closed(endpoint: Endpoint) -> Endpoint:
    """An endpoint behind which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    endpoint.move(port=port, speed=25)
    return endpoint


def test_a_gateway_that_is_not_there_is_shown_as_not_reachable(closed: Endpoint) -> None:
    probe_endpoints()
    closed.refresh_from_db()
    assert closed.state_now == "UNREACHABLE"
    assert str(closed.port) in closed.last_error


def test_a_gateway_that_was_seen_just_now_is_left_alone(closed: Endpoint) -> None:
    closed.observe("CONNECTED")
    probe_endpoints()
    closed.refresh_from_db()
    assert closed.state_now == "CONNECTED"
    assert not AccountProof.objects.exists()


def test_a_gateway_that_was_seen_a_minute_ago_is_unknown(closed: Endpoint) -> None:
    closed.observe("CONNECTED")
    closed.last_seen_at = timezone.now() - timedelta(seconds=61)
    assert closed.state_now == "UNKNOWN"
