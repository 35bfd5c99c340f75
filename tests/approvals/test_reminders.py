"""Reminders two hours before, OVERDUE from the deadline on, each said once."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from approvals import requests
from approvals.models import Request
from approvals.reminders import remind
from approvals.tasks import remind as task
from crucible.alerts.models import Alert
from crucible.ledger.models import Entry
from tests.approvals import evidence
from tests.approvals.conftest import Sign
from tests.approvals.evidence import SUBJECT
from tests.conftest import People

pytestmark = pytest.mark.django_db
DUE = datetime(2026, 11, 20, 23, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(DUE - timedelta(hours=8), tick=False) as traveller:
        yield traveller


@pytest.fixture
def waiting(clock: time_machine.Traveller, signoff: Request) -> Request:
    assert signoff.due_at == DUE
    return signoff


def alerts() -> list[str]:
    return sorted(Alert.objects.values_list("kind", flat=True))


def test_more_than_two_hours_before_nobody_is_reminded(
    waiting: Request, clock: time_machine.Traveller
) -> None:
    clock.move_to(DUE - timedelta(hours=2, seconds=1))
    assert remind() == 0


def test_two_hours_before_one_reminder_names_who_is_missing(
    waiting: Request, sign: Sign, people: People, clock: time_machine.Traveller
) -> None:
    sign(people.qa)
    clock.move_to(DUE - timedelta(hours=2))
    assert (remind(), remind()) == (1, 0)
    alert = Alert.objects.get()
    assert (alert.kind, alert.severity) == ("signoff.reminder", "WARNING")
    assert "Chief Risk Officer, Project Manager" in alert.text
    assert Entry.objects.filter(kind="signoff.reminder").count() == 1


def test_from_the_deadline_on_it_is_overdue_and_pm_and_co_are_told_once(
    waiting: Request, clock: time_machine.Traveller
) -> None:
    clock.move_to(DUE - timedelta(seconds=1))
    assert not Request.objects.get().overdue
    clock.move_to(DUE)
    assert Request.objects.get().overdue
    clock.shift(timedelta(minutes=30))
    assert (remind(), remind()) == (1, 0)
    clock.shift(timedelta(hours=24))
    assert remind() == 0
    alert = Alert.objects.get()
    assert (alert.kind, alert.severity) == ("signoff.overdue", "CRITICAL")
    assert "Project Manager and the Compliance Officer" in alert.text


def test_overdue_is_a_flag_and_expires_into_nothing(
    waiting: Request, sign: Sign, people: People, clock: time_machine.Traveller
) -> None:
    clock.move_to(DUE + timedelta(days=30))
    task()
    found = Request.objects.get()
    assert (found.state, found.overdue) == ("OPEN", True)
    assert sign(people.qa).state == "PARTIALLY_SIGNED"


def test_both_are_said_when_the_scheduler_sees_both_moments(
    waiting: Request, clock: time_machine.Traveller
) -> None:
    for moment in (DUE - timedelta(hours=1), DUE):
        clock.move_to(moment)
        remind()
    assert alerts() == ["signoff.overdue", "signoff.reminder"]


def test_a_closed_request_reminds_nobody_and_its_alerts_are_over(
    waiting: Request, people: People, clock: time_machine.Traveller
) -> None:
    clock.move_to(DUE)
    remind()
    requests.withdraw(waiting.pk, people.op, "the wrong session")
    assert Alert.objects.get().state == "RESOLVED"
    assert remind() == 0
    assert not Request.objects.get().overdue


def test_a_new_version_has_a_deadline_of_its_own(
    waiting: Request, people: People, clock: time_machine.Traveller
) -> None:
    clock.move_to(DUE)
    evidence.change(people.op, config={"revision": 4})
    again = requests.submit(SUBJECT, people.op)
    assert again.due_at == DUE + timedelta(days=3)
    assert not again.overdue
