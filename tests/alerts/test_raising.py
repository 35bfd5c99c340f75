"""An alert is raised once, counted when it comes again, and closed by a person or its cause."""

import threading
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from crucible.alerts.models import Alert
from crucible.alerts.raising import AlertError, acknowledge, raise_alert, resolve
from crucible.ledger.models import Entry
from crucible.roles import Role
from tests.conftest import People
from tests.databases import Database

MAY = {Role.OP, Role.QS, Role.QA, Role.CRO, Role.CTO, Role.LD, Role.TL}


def lost(ref: str = "paper") -> Alert:
    return raise_alert("gateway.lost", "Gateway lost", "No answer", severity="CRITICAL", ref=ref)


def kinds() -> list[str]:
    return list(Entry.objects.order_by("sequence").values_list("kind", flat=True))


@pytest.mark.django_db
def test_a_raised_alert_is_open_and_in_the_ledger() -> None:
    alert = lost()
    assert (alert.state, alert.severity, alert.count) == ("OPEN", "CRITICAL", 1)
    entry = Entry.objects.get()
    assert (entry.kind, entry.object_id) == ("alert.raised", str(alert.pk))
    assert entry.details["title"] == "Gateway lost"
    assert str(alert) == "CRITICAL Gateway lost"


@pytest.mark.django_db
def test_the_same_within_ten_minutes_is_counted_not_repeated() -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        first = lost()
        clock.shift(timedelta(minutes=9, seconds=59))
        again = lost()
    assert (again.pk, again.count) == (first.pk, 2)
    assert again.last_raised_at > again.raised_at
    assert kinds() == ["alert.raised"]


@pytest.mark.django_db
def test_after_ten_quiet_minutes_it_is_a_new_alert() -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        first = lost()
        clock.shift(timedelta(minutes=10))
        assert lost().pk != first.pk


@pytest.mark.django_db
def test_another_object_or_a_closed_alert_is_a_new_alert(people: People) -> None:
    first = lost()
    assert lost("other").pk != first.pk
    acknowledge(first, people.op)
    assert lost().pk != first.pk


@pytest.mark.django_db
def test_an_unknown_severity_is_refused() -> None:
    with pytest.raises(ValueError, match="LOUD"):
        raise_alert("gateway.lost", "Gateway lost", "", severity="LOUD")
    assert not Alert.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("role", sorted(Role))
def test_only_the_roles_of_the_matrix_acknowledge(people: People, role: Role) -> None:
    alert, person = lost(), people[role.lower()]
    if role in MAY:
        assert acknowledge(alert, person).acknowledged_by == person
        assert kinds() == ["alert.raised", "alert.acknowledged"]
    else:
        with pytest.raises(AlertError, match="role"):
            acknowledge(alert, person)
        assert kinds() == ["alert.raised"]


@pytest.mark.django_db
def test_an_alert_is_acknowledged_once(people: People) -> None:
    alert = acknowledge(lost(), people.op)
    with pytest.raises(AlertError, match="not open"):
        acknowledge(alert, people.qa)
    alert.refresh_from_db()
    assert alert.acknowledged_by == people.op


@pytest.mark.django_db
def test_resolving_closes_every_alert_of_the_cause(people: People) -> None:
    acknowledge(lost(), people.op)
    lost()
    lost("other")
    assert resolve("gateway.lost", ref="paper", actor=people.op) == 2
    assert resolve("gateway.lost", ref="paper") == 0
    assert list(Alert.objects.filter(state="OPEN").values_list("ref", flat=True)) == ["other"]
    assert kinds().count("alert.resolved") == 2


def test_two_that_raise_the_same_alert_at_once_find_each_other(database: Database) -> None:
    def work() -> None:
        lost()
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert list(Alert.objects.values_list("count", flat=True)) == [6]
