"""A test report that ran elsewhere becomes a session that can never be signed."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied

from brokerage.models import Endpoint
from tests.conftest import People
from tests.validation.conftest import Toys, passes, states
from validation import evidence, importing, sessions
from validation.edge_cases import newest_attempts
from validation.models import Session, SessionState, Upload
from validation.scenarios import handoff
from validation.scenarios.catalogue import load
from validation.sessions import SessionRefused

pytestmark = pytest.mark.django_db
CASES = """
<testcase name="toy-bc-01" classname="BC-01 Broker" time="1.5"/>
<testcase name="x" classname="OE-01 Orders" time="2"><failure message="not filled"/></testcase>
<testcase name="RS-01" classname="y"><skipped message="closed"/></testcase>
<testcase name="test_something_else" classname="bot"/>
<testcase name="RS-02"><error message="broken"/></testcase>
<testcase name="BC-01" classname="second"><failure message="too late"/></testcase>
"""


@pytest.fixture
def catalogue(toys: Toys, seeded: Endpoint) -> None:
    """The toys that the report knows."""
    for name in ("BC-01", "OE-01", "RS-01", "RS-02"):
        toys.add(name, passes)


def upload(by: User, cases: str = CASES, properties: str = "", **more: Any) -> Upload:
    """Store a report."""
    content = f"<testsuites><testsuite>{properties}{cases}</testsuite></testsuites>"
    fields = {
        "commit": "abc123", "branch": "main", "run_url": "https://ci.example.com/1",
        "content": content, "sha256": "x", "tests": 6, "failures": 1, "errors": 1, "skipped": 1,
        "uploaded_by": by,
    }  # fmt: skip
    return Upload.objects.create(**fields | more)


def test_each_case_that_is_a_scenario_becomes_a_result(catalogue: None, people: People) -> None:
    session = importing.import_report(upload(people.ci), people.op)
    assert (session.kind, session.state, session.planned) == ("IMPORTED", "REPORTING", 4)
    assert (session.code_version, session.simulated) == ("abc123", True)
    assert states(session) == {
        "BC-01": "FAILED", "OE-01": "FAILED", "RS-01": "SKIPPED", "RS-02": "ERROR",
    }  # fmt: skip
    attempt = session.attempts.get(scenario="OE-01")
    assert (attempt.reason, attempt.duration_ms) == ("not filled", 2000)


@pytest.mark.parametrize(
    ("first", "second", "state", "reason"),
    [
        ("", '<failure message="no"/>', "FAILED", "Failed in 1 of 2 cases: no"),
        ('<failure message="no"/>', "<error/>", "FAILED", "Failed in 1 of 2 cases: no"),
        ('<error message="broken"/>', "", "ERROR", "Error in 1 of 2 cases: broken"),
        ("<skipped/>", "", "SKIPPED", "Skipped in 1 of 2 cases."),
        ("", "", "PASSED", ""),
    ],
)
def test_the_gravest_of_a_scenario_s_cases_counts(
    catalogue: None, people: People, first: str, second: str, state: str, reason: str
) -> None:
    cases = (
        f'<testcase name="test_gateway_authentication[a]" time="1">{first}</testcase>'
        f'<testcase name="test_gateway_authentication[b]" time="2">{second}</testcase>'
    )
    attempt = importing.import_report(upload(people.ci, cases), people.op).attempts.get()
    assert (attempt.state, attempt.reason, attempt.duration_ms) == (state, reason, 3000)


def test_an_imported_result_is_no_evidence_of_an_edge_case(catalogue: None, people: People) -> None:
    real = '<properties><property name="simulated" value="false"/></properties>'
    importing.import_report(upload(people.ci, properties=real), people.op)
    assert newest_attempts() == {}


def test_the_report_says_where_it_ran(catalogue: None, people: People) -> None:
    real = '<properties><property name="simulated" value="false"/></properties>'
    assert not importing.import_report(upload(people.ci, properties=real), people.op).simulated


def test_it_is_never_signed_run_again_or_aborted(catalogue: None, people: People) -> None:
    session = importing.import_report(upload(people.ci), people.op)
    assert "Only a full session" in evidence.load().blockers(session.number)[0]
    with pytest.raises(SessionRefused, match="ran elsewhere"):
        sessions.rerun(session, ["RS-01"], people.op)
    with pytest.raises(SessionRefused, match="Reporting"):
        sessions.abort(session, people.op, "no use")


def test_a_report_is_imported_once(catalogue: None, people: People) -> None:
    sent = upload(people.ci)
    first = importing.import_report(sent, people.op)
    assert importing.import_report(sent, people.ld) == first
    assert Session.objects.count() == 1


def test_it_holds_no_gateway(catalogue: None, people: People) -> None:
    importing.import_report(upload(people.ci), people.op)
    assert sessions.start(people.op).state == SessionState.PREFLIGHT


def test_what_is_no_session_is_refused(catalogue: None, people: People) -> None:
    with pytest.raises(SessionRefused, match="No case"):
        importing.import_report(upload(people.ci, '<testcase name="test_x"/>'), people.op)
    with pytest.raises(PermissionDenied):
        importing.import_report(upload(people.ci, run_url="https://ci.example.com/2"), people.vw)


def test_cases_of_the_handed_over_suite_are_known_by_their_names(
    catalogue: None, people: People
) -> None:
    cases = (
        '<testcase name="test_gateway_authentication" classname="tests.live.test_gateway"/>'
        '<testcase name="test_api_rate_limit_handling[paper]" classname="tests.live"/>'
    )
    session = importing.import_report(upload(people.ci, cases), people.op)
    assert states(session) == {"BC-01": "PASSED", "RS-02": "PASSED"}


def test_each_name_of_the_handed_over_suite_is_a_scenario_of_its_own() -> None:
    scenarios = [load().get(handoff.scenario(name)).id for name in handoff.SCENARIOS]
    assert len(scenarios) == len(set(scenarios)) == 19
