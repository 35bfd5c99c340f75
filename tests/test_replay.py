"""What a fixture writes again is what it wrote first, and only where the same rows stand."""

import pytest
from django.contrib.auth.models import Group
from django.db import connection, transaction

from tests.databases import Database
from tests.replay import Recordings


class Writer:
    """Writes a group as often as it is asked to, and counts that."""

    def __init__(self, name: str = "writers") -> None:
        self.name, self.calls = name, 0

    def __call__(self) -> None:
        self.calls += 1
        Group.objects.create(name=self.name)
        Group.objects.filter(name=self.name).update(name=f"{self.name} of {self.calls}")


def written(recordings: Recordings, make: Writer, standing: str = "") -> list[tuple[int, str]]:
    """Write in a transaction that is rolled back; the groups as they stood in it."""
    with transaction.atomic():
        if standing:
            Group.objects.create(name=standing)
        recordings.write("groups", make)
        found = list(Group.objects.values_list("pk", "name"))
        transaction.set_rollback(True)
    return found


@pytest.mark.django_db
def test_the_same_rows_are_written_without_being_made_again() -> None:
    recordings, make = Recordings(), Writer()
    first, second = written(recordings, make), written(recordings, make)
    if connection.vendor == "sqlite":
        assert first == second != []
        assert make.calls == 1
    else:
        assert make.calls == 2


@pytest.mark.django_db
def test_where_other_rows_stand_they_are_made_anew() -> None:
    recordings, make = Recordings(), Writer()
    written(recordings, make)
    assert len(written(recordings, make, standing="another")) == 2
    assert make.calls == 2


@pytest.mark.django_db
def test_what_was_taken_back_in_part_is_made_every_time() -> None:
    recordings, make = Recordings(), Writer()

    def take_back() -> None:
        with transaction.atomic():
            make()
            transaction.set_rollback(True)

    for _ in range(2):
        recordings.write("nothing", take_back)
    assert make.calls == 2
    assert not Group.objects.exists()


def test_rows_that_stay_are_made_every_time(database: Database) -> None:
    recordings = Recordings()
    first, second = Writer("first"), Writer("second")
    recordings.write("groups", first)
    recordings.write("groups", second)
    assert (first.calls, second.calls) == (1, 1)
