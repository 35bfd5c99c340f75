"""A gateway holds one session at a time, by whichever of its endpoints it is reached."""

import pytest
from django.contrib.auth.models import User

from brokerage.models import Endpoint
from tests.validation.conftest import Toys, passes, run
from validation import sessions
from validation.models import CleanupState, Session, SessionState
from validation.sessions import SessionRefused

pytestmark = pytest.mark.django_db


@pytest.fixture
def twin(seeded: Endpoint) -> Endpoint:
    """Another endpoint that names the default one's gateway."""
    return Endpoint.objects.create(
        name="twin", kind="SIMULATED", host="localhost", port=seeded.port, always_open=True
    )


def test_a_gateway_that_is_taken_is_taken_at_each_of_its_endpoints(
    sound: Session, twin: Endpoint, operator: User
) -> None:
    with pytest.raises(SessionRefused, match=f"twin is taken by {sound.number}"):
        sessions.start(operator, twin)


def test_the_database_decides_between_two_starts_at_once(
    sound: Session, twin: Endpoint, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "_refuse_start", lambda *args: None)
    with pytest.raises(SessionRefused, match=f"twin is taken by {sound.number}"):
        sessions.start(operator, twin)
    assert Session.objects.count() == 1


def test_nothing_starts_at_an_endpoint_whose_gateway_is_not_clean(
    sound: Session, twin: Endpoint, operator: User
) -> None:
    Session.objects.update(state=SessionState.HALTED, cleanup=CleanupState.FAILED)
    with pytest.raises(SessionRefused, match=f"twin is not clean.*{sound.number}"):
        sessions.start(operator, twin)


def test_a_session_that_has_ended_holds_its_gateway_no_more(
    toys: Toys, twin: Endpoint, operator: User
) -> None:
    toys.add("BC-01", passes)
    first = run(sessions.start(operator))
    second = run(sessions.start(operator, twin))
    assert (first.gateway, second.endpoint) == (second.gateway, twin)


def test_several_gateways_run_side_by_side(sound: Session, operator: User) -> None:
    other = Endpoint.objects.create(name="other", kind="SIMULATED", port=4010, always_open=True)
    assert sessions.start(operator, other).state == SessionState.PREFLIGHT
