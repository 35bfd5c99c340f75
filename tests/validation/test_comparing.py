"""With which earlier session one is compared, and that a report's comparison stays as it was."""

from datetime import timedelta

import pytest
from django.db import transaction

from crucible.ledger.record import record
from tests.validation.recorded import at, record_session
from validation import reports
from validation.comparing import APPROVED, baseline, compared, compared_for_good
from validation.comparison import Standing
from validation.models import Session, SessionState

pytestmark = pytest.mark.django_db


def later(number: str, hours: float) -> Session:
    """A recorded session that began so many hours after the usual one."""
    session = record_session(number)
    shift = timedelta(hours=hours)
    times = {name: getattr(session, name) + shift for name in ("started_at", "ended_at")}
    Session.objects.filter(pk=session.pk).update(created_at=session.created_at + shift, **times)
    session.refresh_from_db()
    return session


def approve(session: Session) -> None:
    with transaction.atomic():
        record(APPROVED, "session", session.number, actor="system")


@pytest.fixture
def pair(db: None) -> tuple[Session, Session]:
    """Two sessions of one kind at one gateway; the second one, in the future, is compared."""
    return record_session("VS-1"), later("VS-2", 24 * 365 * 10)


def test_the_first_session_has_nothing_to_compare_with(db: None) -> None:
    session = record_session()
    assert baseline(session) is None
    assert compared(session) is None
    assert "There is no earlier session to compare with." in reports.markdown(session)


def test_without_signatures_the_last_of_the_same_kind_counts(
    pair: tuple[Session, Session],
) -> None:
    first, last = pair
    partial = later("VS-3", 1)
    Session.objects.filter(pk=partial.pk).update(kind="PARTIAL")
    assert baseline(last) == first


def test_the_last_signed_one_is_preferred(pair: tuple[Session, Session]) -> None:
    first, last = pair
    approve(first)
    later("VS-3", 1)
    assert baseline(last) == first


def test_what_is_signed_later_changes_nothing(db: None) -> None:
    first, second = record_session("VS-1"), later("VS-2", 1)
    third = later("VS-3", 2)
    approve(first)  # long after the third one began
    assert baseline(third) == second


def test_a_simulated_session_is_not_compared_with_a_real_one(
    pair: tuple[Session, Session],
) -> None:
    first, last = pair
    Session.objects.filter(pk=first.pk).update(simulated=False)
    approve(first)
    assert baseline(last) is None


def test_a_report_says_what_changed(pair: tuple[Session, Session]) -> None:
    first, last = pair
    Session.objects.filter(pk=last.pk).update(code_version="b" * 40)
    last.refresh_from_db()
    text = reports.markdown(last)
    assert f"## Changes since {first.number}" in text
    assert "Code version: aaaaaaaaaaaa → bbbbbbbbbbbb." in text
    assert "Results: 1 still failing, 4 same." in text


def test_a_retry_of_the_earlier_session_changes_no_report(
    pair: tuple[Session, Session],
) -> None:
    first, last = pair
    before = reports.markdown(last)
    bad = first.attempts.get(scenario="MY-1")
    bad.pk, bad.number, bad.state, bad._state.adding = None, 2, "PASSED", True
    bad.started_at = bad.ended_at = last.started_at + timedelta(hours=1)
    bad.save()
    Session.objects.filter(pk=first.pk).update(state=SessionState.REPORTING, ended_at=at(1e9))
    assert reports.markdown(last) == before
    live = compared(last)
    assert live is not None
    assert [one.id for one in live.standing(Standing.FLAKY)] == ["MY-1"]


def test_a_signed_baseline_brings_its_judged_metrics(pair: tuple[Session, Session]) -> None:
    first, last = pair
    unsigned = compared_for_good(last)
    approve(first)
    signed = compared_for_good(last)
    assert unsigned is not None
    assert signed is not None
    assert not any(change.name.startswith("ME-") for change in unsigned.metrics)
    uptime = next(change for change in signed.metrics if change.name.startswith("ME-08 "))
    assert uptime.ratio == 1.0
