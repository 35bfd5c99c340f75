"""A session that is to be watched for two hours waits for them at its end, and stays full."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from brokerage.models import Endpoint
from tests.conftest import People
from tests.validation.conftest import Toys, passes, run, states
from validation import metrics, sessions
from validation.facts import Facts
from validation.models import Session, SessionState
from validation.preflight.process import plan_of
from validation.rules import apply
from validation.sessions import SessionRefused

pytestmark = pytest.mark.django_db


@pytest.fixture
def catalogue(toys: Toys) -> Toys:
    """A catalogue of a core scenario, the two hours, and another procedure."""
    for name in ("X-02", "X-12", "BC-01"):
        toys.add(name, passes)
    return toys


def test_a_full_session_waits_for_them_at_its_end(
    catalogue: Toys, seeded: Endpoint, operator: User
) -> None:
    session = sessions.start(operator, two_hours=True)
    assert (session.kind, session.approvable, session.planned) == ("FULL", True, 2)
    run(session)
    assert list(states(session).items()) == [("BC-01", "PASSED"), ("X-02", "PASSED")]
    assert session.state == SessionState.MANUAL_CHECKS


def test_a_full_session_takes_no_other_procedure(
    catalogue: Toys, seeded: Endpoint, operator: User
) -> None:
    with pytest.raises(SessionRefused, match="every scenario of the catalogue and no other"):
        sessions.start(operator, scenarios=["BC-01", "X-12"], kind="FULL", two_hours=True)


def test_chosen_scenarios_can_be_watched_as_long(
    catalogue: Toys, seeded: Endpoint, operator: User
) -> None:
    session = sessions.start(operator, scenarios=["X-12"], two_hours=True)
    assert (session.kind, set(states(session))) == ("PARTIAL", {"X-02", "X-12"})


def test_an_observation_lasts_as_long_as_it_was_asked_to(
    catalogue: Toys, seeded: Endpoint, operator: User
) -> None:
    with pytest.raises(SessionRefused, match="runs X-15 alone"):
        sessions.start(operator, term=sessions.Term(600, None), two_hours=True)


@pytest.mark.parametrize("two_hours", [True, False])
def test_the_preflight_knows_of_them(
    catalogue: Toys, seeded: Endpoint, operator: User, two_hours: bool
) -> None:
    assert plan_of(sessions.start(operator, two_hours=two_hours)).two_hours == two_hours


def test_the_wait_is_no_time_of_the_suite(
    catalogue: Toys, seeded: Endpoint, operator: User
) -> None:
    session = run(sessions.start(operator, two_hours=True))
    for again in session.attempts.all():
        again.pk, again.number = None, 2
        again.duration_ms = 60_000 if again.scenario == "BC-01" else 7_200_000
        again.save()
    assert apply("suite_time", Facts(session)).ok is True
    minutes = {row.code: row.value for row in metrics.rows(session)}
    assert minutes["ME-25"] == minutes["ME-25a"] == pytest.approx(session.speed)


@pytest.mark.parametrize("address", ["/sessions/start/", "/api/v1/sessions"])
def test_it_is_asked_for_on_the_page_and_over_rest(
    catalogue: Toys, seeded: Endpoint, people: People, client: Client, address: str
) -> None:
    client.force_login(people.op)
    client.post(address, {"endpoint": asked_as(address, seeded), "two_hours": "true"})
    assert set(states(Session.objects.get())) == {"BC-01", "X-02"}


def asked_as(address: str, endpoint: Endpoint) -> Any:
    return endpoint.name if address.startswith("/api") else endpoint.pk
