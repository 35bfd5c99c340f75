"""Reports: the same session, the same bytes; nothing hostile gets through."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied

from tests.conftest import People
from tests.validation.conftest import Toys, fails, passes, run
from validation import archiving, reports, sessions
from validation.artefacts import checklist_copy
from validation.artefacts.markup import html
from validation.models import Session, SessionState
from validation.reports import ReportError

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert(1)</script> [x](javascript:alert(1)) **bold**"


def raises(trial: Any) -> None:
    raise ValueError("bad \x00 | pipe\nnew line \ud800")


@pytest.fixture
def mixed(toys: Toys, seeded: Any, operator: User) -> Session:
    """A session in which not everything went well."""
    for number in range(10):
        toys.add(f"RS-{number + 10}", passes)
    toys.add("BC-01", fails)
    toys.add("BC-02", raises)
    toys.add("BC-03", lambda trial: trial.skip("no data"))
    return run(sessions.start(operator))


def test_the_report_has_its_parts(mixed: Session) -> None:
    text = reports.markdown(mixed)
    for part in ("Executive summary", "Results", "Performance", "Known issues", "Recommendation"):
        assert f"## {part}" in text
    assert "**SIMULATED**" in text
    assert "| Broker Connectivity | 3 | 0 | 2 | 1 | 0% |" in text
    assert "| Total | 13 | 10 | 2 | 1 | 77% |" in text
    assert "Not covered, 1.2.2: BC-02" not in text


def test_a_pass_on_retry_is_called_that(mixed: Session) -> None:
    again = mixed.attempts.get(scenario="BC-01")
    again.pk, again.number, again.state = None, 2, "PASSED"
    again.save()
    text = reports.markdown(mixed)
    assert "| 2 | Passed on retry |" in text
    assert "| 1 | Passed on retry |" not in text


def test_html_carries_formatting_and_nothing_else(reviewed: Session, operator: User) -> None:
    reports.write(reviewed, operator, summary=HOSTILE)
    reviewed.refresh_from_db()
    text = html(reports.markdown(reviewed))
    assert "<script" not in text
    assert "javascript:" not in text.replace("(javascript:", "")
    assert "<strong>bold</strong>" in text
    assert "<table>" in text


def test_a_partial_session_has_no_checklist(toys: Toys, seeded: Any, operator: User) -> None:
    toys.add("BC-01", passes)
    session = run(sessions.start(operator, scenarios=["BC-01"]))
    assert checklist_copy.markdown(session) == ""
    assert "Known limitations" in reports.markdown(session)
    reports.write(session, operator, summary="Fine.")


def test_the_narrative_needs_role_and_time(
    reviewed: Session, operator: User, people: People
) -> None:
    with pytest.raises(PermissionDenied):
        reports.write(reviewed, people.cro, summary="x")
    with pytest.raises(ReportError, match="10000"):
        reports.write(reviewed, operator, summary="x" * 10_001)
    assert reviewed.involvements.filter(what="edited the report").count() == 0
    Session.objects.update(state=SessionState.AWAITING_APPROVAL)
    with pytest.raises(ReportError, match="can't be edited"):
        reports.write(reviewed, operator, summary="x")


def test_writing_ticks_and_unticks_the_report_items(reviewed: Session, operator: User) -> None:
    reports.write(reviewed, operator, summary="a", recommendation="b", known_issues="none")
    items = reviewed.checklist.items
    assert [items.get(code=code).state for code in ("1.4.7", "1.4.8")] == ["AUTO_PASS"] * 2
    reports.write(reviewed, operator, known_issues="")
    assert items.get(code="1.4.8").state == "OPEN"


def test_a_report_is_frozen_only_once_it_is_submitted(reviewed: Session) -> None:
    reports.freeze(reviewed)
    assert archiving.frozen(reviewed) is None
    Session.objects.update(state=SessionState.APPROVED)
    reviewed.refresh_from_db()
    kept = archiving.frozen(reviewed)
    assert kept is not None
    assert kept.version == 1
