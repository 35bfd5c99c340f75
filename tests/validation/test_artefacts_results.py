"""JUnit XML and pytest's text: rendered from what is stored, and readable elsewhere."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from junitparser import Error, Failure, JUnitXml, Skipped

from tests.validation.conftest import Toys, fails, passes, run
from validation import sessions, uploads
from validation.artefacts.junit import junit
from validation.artefacts.pytest_text import pytest_text
from validation.facts import Facts
from validation.models import Session

pytestmark = pytest.mark.django_db


def raises(trial: Any) -> None:
    raise ValueError("bad \x00 <tag> & pipe\nnew line \ud800")


@pytest.fixture
def mixed(toys: Toys, seeded: Any, operator: User) -> Session:
    """A session in which not everything went well."""
    for number in range(10):
        toys.add(f"RS-{number + 10}", passes)
    toys.add("BC-01", fails)
    toys.add("BC-02", raises)
    toys.add("BC-03", lambda trial: trial.skip("no data"))
    return run(sessions.start(operator))


def test_our_own_uploads_read_the_junit_form(mixed: Session) -> None:
    parsed = uploads.parse(junit(Facts(mixed)).encode())
    assert (parsed.tests, parsed.failures, parsed.errors, parsed.skipped) == (13, 1, 1, 1)
    assert parsed.problems[0]["message"] == "Failed: two is three."
    assert [one["outcome"] for one in parsed.problems] == ["failure", "error", "skipped"]
    spent = sum(attempt.duration_ms or 0 for attempt in Facts(mixed).counted) / 1000
    assert parsed.duration_s == pytest.approx(spent, abs=0.002)


def test_a_common_reader_finds_every_attribute(mixed: Session) -> None:
    (suite,) = JUnitXml.fromstring(junit(Facts(mixed)).encode())
    assert suite.name == mixed.number
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (13, 1, 1, 1)
    assert suite.time is not None
    cases = {case.name: case for case in suite}
    failed, broken, skipped = (cases[f"toy-bc-0{number}"].result[0] for number in (1, 2, 3))
    assert (type(failed), type(broken), type(skipped)) == (Failure, Error, Skipped)
    assert failed.text == "two is three: expected 3, got 2"
    assert skipped.message == "no data"
    assert cases["toy-bc-01"].classname == "BC-01 Broker Connectivity"
    assert cases["toy-rs-10"].result == []


def test_the_text_has_a_line_for_each_scenario_and_a_summary(mixed: Session) -> None:
    lines = pytest_text(Facts(mixed)).splitlines()
    assert "collected 13 items" in lines
    outcomes = [line for line in lines if line.endswith("%]")]
    assert len(outcomes) == 13
    assert outcomes[0].startswith("Broker Connectivity::BC-01::toy-bc-01 FAILED")
    assert outcomes[-1].endswith("[100%]")
    assert "E   two is three: expected 3, got 2" in lines
    assert "SKIPPED Broker Connectivity::BC-03::toy-bc-03 - no data" in lines
    assert "1 failed, 10 passed, 1 skipped, 1 error in" in lines[-1]
    assert "SIMULATED" in lines[1]


def test_what_has_not_run_counts_as_skipped(sound: Session) -> None:
    assert "3 skipped in 0.00s" in pytest_text(Facts(sound))
    assert uploads.parse(junit(Facts(sound)).encode()).skipped == 3
