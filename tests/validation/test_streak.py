"""Clean runs in a row: counted back from the newest, over runs that say something of each other."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from brokerage.models import Endpoint
from tests.validation.conftest import Toys, fails, passes, run
from validation import sessions, streak
from validation.models import ConfigRevision, Session

pytestmark = pytest.mark.django_db
CORE = ["BC-01", "RS-01"]


class Runs:
    """Runs of two toy scenarios, one after the other."""

    def __init__(self, toys: Toys, by: User) -> None:
        self.toys, self.by, self.well = toys, by, True
        toys.add("BC-01", passes)
        toys.add("RS-01", self._either)

    def _either(self, trial: Any) -> None:
        (passes if self.well else fails)(trial)

    def again(self, well: bool = True) -> Session:
        """One more run."""
        self.well = well
        return run(sessions.start(self.by))


@pytest.fixture
def runs(toys: Toys, seeded: Endpoint, operator: User) -> Runs:
    return Runs(toys, operator)


def change(session: Session, **fields: Any) -> None:
    Session.objects.filter(pk=session.pk).update(**fields)


def test_before_the_first_run_there_is_none(runs: Runs) -> None:
    found = streak.current(CORE)
    assert (found.length, found.newest, found.bound) == (0, None, 1.0)


def test_clean_runs_are_counted_back_to_one_that_was_not(runs: Runs) -> None:
    for well in (True, False, True, True):
        last = runs.again(well)
    found = streak.current(CORE)
    assert (found.length, found.newest) == (2, last)
    assert found.why == "blocked"


def test_five_in_a_row_reach_what_is_asked_for(runs: Runs) -> None:
    for _ in range(5):
        runs.again()
    found = streak.current(CORE)
    assert (found.length, found.reached) == (5, True)
    assert found.bound == pytest.approx(0.4507, abs=1e-4)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"code_version": "older"}, "another code version"),
        ({"simulated": False}, "another kind of gateway"),
        ({"state": "ABORTED"}, "aborted"),
        ({"cleanup": "FAILED"}, "not cleaned up"),
    ],
)
def test_a_row_ends_at_a_run_that_says_nothing_of_the_newest(
    runs: Runs, fields: dict[str, Any], why: str
) -> None:
    change(runs.again(), **fields)
    runs.again()
    found = streak.current(CORE)
    assert (found.length, found.why) == (1, why)


def test_a_changed_configuration_begins_a_new_row(runs: Runs) -> None:
    other = runs.again()
    revision = ConfigRevision.objects.get(pk=other.config_id)
    revision.pk, revision.number = None, revision.number + 1
    revision.state = "DRAFT"
    revision.save()
    change(other, config=revision)
    runs.again()
    assert streak.current(CORE).why == "another configuration"


def test_chosen_scenarios_are_no_run_of_the_suite(runs: Runs, operator: User) -> None:
    runs.again()
    run(sessions.start(operator, scenarios=["BC-01"]))
    assert streak.current(CORE).length == 1


def test_a_pass_at_the_second_attempt_is_not_clean(runs: Runs) -> None:
    session = runs.again(well=False)
    change(session, state="MANUAL_CHECKS")
    again = session.attempts.get(scenario="RS-01")
    again.pk, again.number, again.state = None, 2, "PASSED"
    again.save()
    found = streak.current(CORE)
    assert (found.length, found.why) == (0, "RS-01 did not pass at once")


@pytest.mark.parametrize("state", ["DRAFT", "PREFLIGHT", "RUNNING"])
def test_a_failed_run_is_not_forgotten_while_it_runs_again(runs: Runs, state: str) -> None:
    runs.again()
    session = runs.again(well=False)
    change(session, state=state)
    found = streak.current(CORE)
    assert (found.length, found.broken_by) == (0, session)
    assert found.why == "RS-01 did not pass at once"


def test_what_is_under_way_and_has_not_failed_does_not_count(runs: Runs, operator: User) -> None:
    runs.again()
    assert sessions.start(operator).state == "PREFLIGHT"
    found = streak.current(CORE)
    assert (found.length, found.broken_by) == (1, None)


def test_the_dashboard_tells_the_row(runs: Runs, operator: User, client: Client) -> None:
    runs.again()
    client.force_login(operator)
    page = client.get("/").content.decode()
    assert "1 of 5" in page
    assert "at most 95" in page
