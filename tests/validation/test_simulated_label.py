"""Whatever a program reads of a simulated session says that it is simulated."""

from typing import Any

import pytest
from django.test import Client

from tests.conftest import People
from tests.validation.conftest import Toys, run
from validation import sessions
from validation.scenarios.trial import Trial

pytestmark = pytest.mark.django_db


def measures(trial: Trial) -> None:
    trial.check("two is two", 2, 2)
    trial.check("two is three", 3, 2, required=False)
    trial.measure("latency_ms", 2.0, "ms")
    trial.note("measured")


@pytest.fixture
def number(toys: Toys, seeded: object, people: People) -> str:
    """The number of a session that has measured something."""
    toys.add("BC-01", measures, severity="S-CRIT", waivable=False)
    return run(sessions.start(people.op)).number


@pytest.mark.parametrize("part", ["results", "metrics", "samples", "log", "warnings", "checklist"])
def test_every_row_of_a_simulated_session_says_so(
    number: str, people: People, client: Client, part: str
) -> None:
    client.force_login(people.co)
    answer = client.get(f"/api/v1/sessions/{number}/{part}").json()
    rows = answer if isinstance(answer, list) else answer.get("results", [answer])
    assert rows
    assert all(row["simulated"] is True for row in rows)


def test_a_page_of_results_takes_no_query_for_each_row(
    number: str, people: People, client: Client, django_assert_max_num_queries: Any
) -> None:
    client.force_login(people.co)
    with django_assert_max_num_queries(9):
        client.get(f"/api/v1/sessions/{number}/checklist")
