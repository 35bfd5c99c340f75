"""A session outside regular hours: the QA Lead alone, on record, never signed, never an order."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from brokerage.models import Endpoint
from crucible.ledger.models import Entry
from tests.conftest import People
from tests.validation.conftest import Toys, passes, run, states
from validation import market_hours, runner, sessions
from validation.market_hours import waive
from validation.models import AttemptState, Session, SessionState
from validation.preflight import gateway_rules
from validation.scenarios.catalogue import MARKET_HOURS, ORDERS
from validation.sessions import SessionRefused

pytestmark = pytest.mark.django_db
WHY = "The feed's change of Saturday is to be seen before Monday."


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch, seeded: Endpoint) -> None:
    """An exchange that is closed, whose gateway does not pretend otherwise."""
    Endpoint.objects.update(always_open=False)
    for module in (runner, gateway_rules):
        monkeypatch.setattr(module, "is_regular_hours", lambda at: False)
        monkeypatch.setattr(module, "order_window_open", lambda at: False)


@pytest.fixture
def blocked(toys: Toys, closed: None, operator: User) -> Session:
    """A full session that its preflight has sent back, as the exchange is closed."""
    toys.add("BC-01", passes)
    toys.add("MD-01", passes, needs=[MARKET_HOURS])
    toys.add("OE-01", passes, needs=[MARKET_HOURS, ORDERS])
    session = run(sessions.start(operator))
    assert (session.state, session.approvable) == (SessionState.DRAFT, True)
    return session


def again(session: Session, by: User) -> Session:
    """Check the draft again and let it run."""
    return run(sessions.preflight(session, by))


def test_a_waived_session_runs_without_its_orders_and_is_never_signed(
    blocked: Session, people: People, operator: User
) -> None:
    session = again(waive(blocked, people.qa, WHY), operator)
    assert (session.state, session.approvable) == (SessionState.REPORTING, False)
    ended = states(session)
    assert (ended["BC-01"], ended["MD-01"]) == (AttemptState.PASSED, AttemptState.PASSED)
    assert ended["OE-01"] == AttemptState.SKIPPED


def test_without_it_a_full_session_does_not_run(blocked: Session, operator: User) -> None:
    assert again(blocked, operator).state == SessionState.DRAFT


def test_a_configuration_without_hours_lets_no_full_session_run(
    blocked: Session, operator: User
) -> None:
    config = blocked.config
    config.content["validation"]["market_hours_required"] = False
    config.save()
    assert again(blocked, operator).state == SessionState.DRAFT
    assert blocked.needs_hours(configured=False)


def test_it_is_on_record_and_the_lead_has_a_hand_in_the_session(
    blocked: Session, people: People
) -> None:
    waive(blocked, people.qa, WHY)
    entry = Entry.objects.get(kind="session.hours_waived")
    assert (entry.actor_name, entry.details["reason"]) == (people.qa.username, WHY)
    assert entry.details["approvable"] is False
    assert blocked.involvements.filter(person=people.qa).exists()


@pytest.mark.parametrize("who", ["op", "qs", "cro", "pm", "ld", "cto"])
def test_nobody_else_may(blocked: Session, people: People, who: str) -> None:
    with pytest.raises(PermissionDenied):
        waive(blocked, getattr(people, who), WHY)
    blocked.refresh_from_db()
    assert blocked.hours_waived_by is None


@pytest.mark.parametrize(
    "changes",
    [
        {"state": SessionState.RUNNING},
        {"state": SessionState.REPORTING, "started_at": timezone.now()},
        {"started_at": timezone.now()},
        {"kind": "OBSERVE"},
    ],
)
def test_only_a_draft_that_has_not_run(
    blocked: Session, people: People, changes: dict[str, Any]
) -> None:
    Session.objects.update(**changes)
    with pytest.raises(SessionRefused, match="only a draft"):
        waive(blocked, people.qa, WHY)


def test_it_is_given_once_and_with_a_reason(blocked: Session, people: People) -> None:
    with pytest.raises(SessionRefused, match="Say why"):
        waive(blocked, people.qa, "because")
    waive(blocked, people.qa, WHY)
    with pytest.raises(SessionRefused, match="only once"):
        waive(blocked, people.qa, WHY)
    assert not market_hours.waivable(Session.objects.get(pk=blocked.pk))
