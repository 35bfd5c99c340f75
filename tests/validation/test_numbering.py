"""Numbers of sessions that begin in one moment."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User
from django.db import connection

from brokerage.models import Endpoint
from tests.conftest import People
from tests.databases import Database
from tests.validation.conftest import Toys, passes
from validation import numbering, sessions


def test_starts_at_two_gateways_in_one_moment_have_two_numbers(
    postgres_db: Database,
    people: People,
    toys: Toys,
    seeded: Endpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    toys.add("BC-01", passes)
    other = Endpoint.objects.create(name="other", kind="SIMULATED", port=4010, always_open=True)
    read, both, once = numbering.next_number, threading.Barrier(2), threading.local()

    def together() -> str:
        number = read()
        if not hasattr(once, "waited"):
            once.waited = both.wait(60)
        return number

    def start(endpoint: Endpoint) -> str:
        try:
            return sessions.start(people.op, endpoint).number
        finally:
            connection.close()

    monkeypatch.setattr(numbering, "next_number", together)
    with ThreadPoolExecutor(2) as pool:
        numbers = sorted(pool.map(start, (seeded, other)))
    assert [number[-4:] for number in numbers] == ["_001", "_002"]


@pytest.mark.django_db
def test_a_number_that_another_took_meanwhile_is_not_the_reason_of_a_refusal(
    toys: Toys, seeded: Endpoint, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    toys.add("BC-01", passes)
    first = sessions.start(operator)
    other = Endpoint.objects.create(name="other", kind="SIMULATED", port=4010, always_open=True)
    later = first.number.replace("_001", "_002")
    numbers = iter([first.number, later])
    monkeypatch.setattr(numbering, "next_number", lambda: next(numbers))
    assert sessions.start(operator, other).number == later
