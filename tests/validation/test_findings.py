"""Findings of the session watch: added up, in the manifest, on the page, against a signature."""

from typing import Any

import pytest
from django.test import Client

from tests.conftest import People
from tests.validation.conftest import Toys, fails, passes, run
from validation import evidence, findings, sessions
from validation.artefacts import report
from validation.configuration import Config
from validation.facts import Facts
from validation.models import Finding, Session, SessionState, Severity
from validation.watch.conditions import Condition

pytestmark = pytest.mark.django_db


def sight(session: Session, **changes: Any) -> Finding:
    fields = {
        "kind": "silent_line", "subject": "SPY", "severity": "ERROR", "text": "No tick of SPY.",
        "do": "Subscribe again.",
    }  # fmt: skip
    return Finding.objects.create(session=session, **(fields | changes))


def test_sightings_of_one_thing_are_one_row(reviewed: Session) -> None:
    sight(reviewed)
    sight(reviewed, phase="STILL")
    sight(reviewed, phase="OVER", text="No tick of SPY. Over after 60 s.")
    sight(reviewed, text="No tick of SPY again.")
    (row,) = findings.summarise(reviewed)
    assert (row.count, row.over, row.text) == (2, False, "No tick of SPY again.")
    assert row.first < row.last


def test_an_unplanned_error_speaks_against_a_signature(reviewed: Session) -> None:
    sight(reviewed)
    sight(reviewed, kind="untold", severity="WARNING")
    sight(reviewed, kind="no_answer", severity="CRITICAL", planned=True)
    assert list(findings.blockers(findings.summarise(reviewed))) == [
        "The session watch found: No tick of SPY."
    ]
    said = evidence.load().blockers(reviewed.number)
    assert "The session watch found: No tick of SPY." in said


def test_the_manifest_holds_the_findings(reviewed: Session) -> None:
    before = evidence.load().manifest(reviewed.number)["findings"]
    sight(reviewed)
    (row,) = evidence.load().manifest(reviewed.number)["findings"]
    assert before == []
    assert (row["kind"], row["severity"], row["count"]) == ("silent_line", "ERROR", 1)


def test_the_page_shows_findings_with_what_to_do(reviewed: Session, people: People) -> None:
    client = Client()
    client.force_login(people.op)
    assert "Nothing was found" in client.get(reviewed.get_absolute_url()).content.decode()
    sight(reviewed)
    page = client.get(reviewed.get_absolute_url()).content.decode()
    assert "silent line" in page
    assert "Subscribe again." in page


@pytest.mark.parametrize(
    ("simulated", "seconds", "errors", "ok"),
    [
        (True, 100.0, 0, True), (True, 100.0, 1, False), (False, 7199.0, 0, False),
        (False, 7200.0, 0, True), (False, 7200.0, 1, False),
    ],
)  # fmt: skip
def test_two_hours_are_asked_of_a_paper_gateway(
    reviewed: Session, simulated: bool, seconds: float, errors: int, ok: bool
) -> None:
    reviewed.simulated = simulated
    reviewed.facts["watch"]["regular_s"] = seconds
    for _ in range(errors):
        sight(reviewed)
    assert findings.watched(reviewed, Config())[0] is ok


@pytest.mark.parametrize(("seconds", "told"), [(600.0, True), (7200.0, False)])
def test_the_item_says_what_a_session_that_was_too_short_needs(
    reviewed: Session, seconds: float, told: bool
) -> None:
    reviewed.simulated = False
    reviewed.facts["watch"]["regular_s"] = seconds
    text = findings.watched(reviewed, Config())[1]
    assert ("Write an exception" in text, "X-02" in text) == (told, told)


def test_a_session_that_nobody_watched_is_not_called_healthy(reviewed: Session) -> None:
    reviewed.facts = {}
    assert findings.watched(reviewed, Config())[0] is None


def test_a_difference_that_nobody_can_explain_fails_the_session(
    toys: Toys, seeded: object, people: People
) -> None:
    toys.add("BC-01", passes)
    text = "Foreign position, position SPY: own record 0, wire nothing, broker 100."
    toys.watch.left = [Condition("difference_foreign_position", "SPY", Severity.CRITICAL, text)]
    session = run(sessions.start(people.op))
    assert session.state == SessionState.BLOCKED
    assert text in session.outcome_reason
    assert "explain or correct" in session.outcome_reason


def test_a_session_that_stops_anyway_is_compared_too(
    toys: Toys, seeded: object, people: People
) -> None:
    toys.add("BC-01", fails)
    toys.add("BC-02", passes)
    text = "There is an order at the broker that we never placed."
    toys.watch.left = [Condition("difference_foreign_order", "SPY", Severity.CRITICAL, text)]
    session = run(sessions.start(people.op, fail_fast=True))
    assert session.state == SessionState.BLOCKED
    assert "stop at the first failure" in session.outcome_reason
    assert text in session.outcome_reason


def test_the_report_tells_what_was_watched_and_found(reviewed: Session) -> None:
    sight(reviewed)
    text = report.markdown(Facts(reviewed), report.content(Facts(reviewed)))
    assert "7300 s of them in regular hours; uptime 100.0000%" in text
    assert "| Error | silent line | No tick of SPY. | 1 | no |" in text
    reviewed.facts = {}
    text = report.markdown(Facts(reviewed), report.content(Facts(reviewed)))
    assert "Nobody watched this session" in text
