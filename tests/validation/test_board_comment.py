"""The comment on the board when a session is handed in: figures, issues, archive, who is asked."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from approvals import requests
from tests.conftest import People
from tests.validation.conftest import accept_metrics
from tests.validation.test_checklist import close_all
from validation.board_comment import critical_issues, submitted
from validation.facts import Facts
from validation.models import Finding, Session, TaskComment

pytestmark = pytest.mark.django_db


def test_the_board_hears_the_whole_result(
    reviewed: Session, operator: User, people: People, settings: Any
) -> None:
    settings.DEMO = True
    close_all(reviewed, operator)
    Session.objects.update(
        started_at=timezone.now() - timedelta(minutes=90), ended_at=timezone.now()
    )
    accept_metrics(Session.objects.get(), operator)
    requests.submit(reviewed.number, operator)
    text = TaskComment.objects.order_by("-pk")[0].text
    assert text.startswith(f"Session {reviewed.number}: SIMULATED. 3 of 3 scenarios passed; ")
    assert "duration 1:30:00; uptime 100 %, planned faults aside; critical issues: none." in text
    assert f"archive: /sessions/{reviewed.number}/archive.zip. @QA @CRO: sign-off request" in text


def test_a_session_without_times_has_no_duration_and_no_uptime(reviewed: Session) -> None:
    reviewed.started_at = None
    told = submitted(Facts(reviewed), 7)
    assert "duration not known; uptime not measured;" in told


@pytest.mark.parametrize(
    ("severity", "planned", "issues"),
    [
        ("CRITICAL", False, ["link lost"]),
        ("ERROR", False, ["link lost"]),
        ("ERROR", True, []),
        ("WARNING", False, []),
    ],
)
def test_what_blocks_and_was_not_planned_is_an_issue(
    reviewed: Session, severity: str, planned: bool, issues: list[str]
) -> None:
    Finding.objects.create(
        session=reviewed, kind="link_lost", subject="broker", severity=severity, text="1100",
        planned=planned,
    )  # fmt: skip
    assert critical_issues(Facts(reviewed)) == issues


@pytest.mark.parametrize(
    ("severity", "state", "issues"),
    [("S-CRIT", "FAILED", ["MD-06 failed"]), ("S-CRIT", "PASSED", []), ("S-HIGH", "FAILED", [])],
)
def test_a_critical_scenario_that_failed_is_an_issue(
    reviewed: Session, severity: str, state: str, issues: list[str]
) -> None:
    reviewed.attempts.create(
        scenario="MD-06", slug="x", title="Toy", category="Market Data", position=9, number=1,
        state=state, version="v", severity=severity, timeout_s=1,
    )  # fmt: skip
    assert critical_issues(Facts(reviewed)) == issues
