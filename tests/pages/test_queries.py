"""How often the pages of a session that are open all day ask the database."""

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from brokerage.models import ReconciliationDiff, ReconciliationRun
from tests.pages.busy import busy
from validation.models import AttemptState, PreflightRun, Session, SessionState, Verdict

pytestmark = pytest.mark.django_db
LIVE, WHOLE, PARTIAL = 25, 40, 20
PARTS = ["metrics", "charts", "rows", "log"]


@pytest.fixture
def whole(session: Session) -> Session:
    """A session of all 25 scenarios with orders, log, preflight, warnings and a difference."""
    busy(session, orders=60, lines=250, seconds=300)
    for verdict in (Verdict.PASS, Verdict.WARN):
        checked(session, verdict)
    run = ReconciliationRun.objects.create(scope=session.number, occasion="END", state="DIFFS")
    ReconciliationDiff.objects.create(run=run, scope=session.number, kind="CASH")
    return session


def checked(session: Session, verdict: Verdict) -> None:
    number, now = session.preflights.count() + 1, timezone.now()
    run = PreflightRun.objects.create(
        session=session, number=number, began_at=now, ended_at=now, passed=True
    )
    for position in range(3):
        run.checks.create(
            code=f"HP-{position}", group="Market", title="A check", verdict=verdict,
            position=position,
        )  # fmt: skip


def running(session: Session) -> Session:
    attempt = session.attempts.create(
        scenario="OE-01", slug="again", title="Again", category="Orders", position=99, number=2,
        timeout_s=60, state=AttemptState.RUNNING, started_at=timezone.now(),
    )  # fmt: skip
    attempt.checks.create(position=0, name="Seen", expected="yes", actual="yes", passed=True)
    Session.objects.filter(pk=session.pk).update(state=SessionState.RUNNING, ended_at=None)
    session.refresh_from_db()
    return session


def test_a_finished_sessions_live_part_asks_little(
    operator: Client, whole: Session, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(LIVE):
        part = operator.get(whole.get_absolute_url(), headers={"HX-Request": "true"})
    assert "Before it can be submitted" in part.content.decode()
    assert "25 / 25" in part.content.decode()


def test_a_finished_sessions_page_asks_little(
    operator: Client, whole: Session, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(WHOLE):
        assert operator.get(whole.get_absolute_url()).status_code == 200


def test_a_running_sessions_page_asks_little(
    operator: Client, whole: Session, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    address = running(whole).get_absolute_url()
    with django_assert_max_num_queries(LIVE):
        part = operator.get(address, headers={"HX-Request": "true"})
    assert "Now: OE-01" in part.content.decode()
    with django_assert_max_num_queries(WHOLE):
        operator.get(address)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("ended", [True, False])
def test_a_part_that_renews_itself_asks_little(
    operator: Client,
    whole: Session,
    part: str,
    ended: bool,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    session = whole if ended else running(whole)
    with django_assert_max_num_queries(PARTIAL):
        answer = operator.get(f"/sessions/{session.number}/timeline/?part={part}")
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/", "/status/", "/sessions/", "/differences/"])
def test_other_pages_that_renew_themselves_ask_little(
    operator: Client,
    whole: Session,
    path: str,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_max_num_queries(LIVE):
        assert operator.get(path, headers={"HX-Request": "true"}).status_code == 200


def test_more_attempts_ask_no_more(
    operator: Client, whole: Session, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(2, 40):
        whole.attempts.create(
            scenario="OE-02", slug="again", title="Again", category="Orders", position=100 + number,
            number=number, timeout_s=60, state=AttemptState.FAILED,
        )  # fmt: skip
    with django_assert_max_num_queries(LIVE):
        operator.get(whole.get_absolute_url(), headers={"HX-Request": "true"})
