"""The password before a signature: audited when wrong, locked after five wrong ones."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from approvals.guards import Reason, Refused
from approvals.passwords import confirm, locked_until
from crucible.alerts.models import Alert
from crucible.ledger.models import Entry
from tests.conftest import People

pytestmark = pytest.mark.django_db
START = datetime(2026, 11, 20, 15, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def attempt(people: People, password: str = "wrong", code: str = "qa") -> Reason | None:
    try:
        confirm(people[code], password, about=1)
    except Refused as refused:
        return refused.refusal.code
    return None


def wrong(people: People, clock: time_machine.Traveller, times: int, apart: timedelta) -> None:
    for _ in range(times):
        assert attempt(people) is Reason.PASSWORD
        clock.shift(apart)


def test_the_right_password_passes_and_leaves_no_entry(people: People) -> None:
    assert attempt(people, "secret-qa") is None
    assert not Entry.objects.filter(kind__startswith="signoff").exists()


def test_a_wrong_password_is_refused_and_audited(people: People) -> None:
    assert attempt(people) is Reason.PASSWORD
    entry = Entry.objects.get(kind="signoff.password_refused")
    assert (entry.actor, entry.object_id) == (people.qa, "1")
    assert "wrong" not in entry.body.replace("password_refused", "")


def test_five_wrong_ones_in_five_minutes_lock_for_five_minutes(
    people: People, clock: time_machine.Traveller
) -> None:
    wrong(people, clock, 5, timedelta(minutes=1))
    locked = START + timedelta(minutes=9)
    assert locked_until(people.qa) == locked
    clock.move_to(locked - timedelta(seconds=1))
    assert attempt(people, "secret-qa") is Reason.LOCKED_OUT
    clock.move_to(locked)
    assert attempt(people, "secret-qa") is None


def test_while_locked_a_wrong_one_sounds_like_a_right_one_and_prolongs_nothing(
    people: People, clock: time_machine.Traveller
) -> None:
    wrong(people, clock, 5, timedelta(0))
    clock.shift(timedelta(minutes=4))
    assert attempt(people) is attempt(people, "secret-qa") is Reason.LOCKED_OUT
    clock.shift(timedelta(minutes=1))
    assert attempt(people, "secret-qa") is None


def test_five_wrong_ones_over_more_than_five_minutes_lock_nothing(
    people: People, clock: time_machine.Traveller
) -> None:
    wrong(people, clock, 5, timedelta(seconds=76))
    assert attempt(people, "secret-qa") is None


def test_a_lock_is_audited_and_raises_one_alert(
    people: People, clock: time_machine.Traveller
) -> None:
    wrong(people, clock, 5, timedelta(0))
    attempt(people)
    assert Entry.objects.filter(kind="signoff.signing_locked").count() == 1
    assert Alert.objects.get().ref == "person:qa"


def test_one_persons_wrong_passwords_lock_nobody_else(
    people: People, clock: time_machine.Traveller
) -> None:
    wrong(people, clock, 5, timedelta(0))
    assert attempt(people, "secret-cro", "cro") is None
