"""The standing rules: what raises an alert, what trips the kill switch, and what does neither."""

from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from brokerage import kill
from brokerage.models import Endpoint, KillSwitch, OrderRecord
from crucible.alerts.models import Alert
from crucible.alerts.raising import acknowledge
from crucible.ledger.models import Entry
from crucible.xnys import LAST
from tests.conftest import People
from validation import configuration, evaluating, standing_rules, sweeper, tasks
from validation.models import LogLine, Session, SessionState

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def free(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """How much of the disk is free, in bytes."""
    found = SimpleNamespace(free=50e9)
    monkeypatch.setattr(evaluating.shutil, "disk_usage", lambda path: found)
    return found


@pytest.fixture
def paper(sound: Session) -> Session:
    """A session that runs on a broker's gateway."""
    Session.objects.update(
        simulated=False, state=SessionState.RUNNING, started_at=timezone.now() - timedelta(hours=1)
    )
    KillSwitch.objects.update(since=timezone.now() - timedelta(hours=2))
    sound.refresh_from_db()
    return sound


def lines(session: Session, count: int = 5, minutes: float = 1.0, **changes: Any) -> None:
    """Write so many errors into the session's log, so many minutes ago."""
    at = timezone.now() - timedelta(minutes=minutes)
    fields = {"level": "ERROR", "source": "gateway", "message": "Disconnected", "at": at} | changes
    for _ in range(count):
        LogLine.objects.create(session=session, **fields)


def orders(session: Session, count: int, **changes: Any) -> None:
    """Write down so many orders of the session."""
    fields: dict[str, Any] = {"route": "PAPER", "con_id": 1, "side": "BUY", "quantity": 1} | changes
    there = OrderRecord.objects.count()
    for number in range(count):
        OrderRecord.objects.create(scope=session.number, key=f"{there + number}", **fields)


def tripped() -> str:
    """The rule that has tripped the switch; empty while it is armed."""
    evaluating.evaluate()
    switch = KillSwitch.current()
    return "" if switch.armed else switch.rule


def alerts() -> dict[str, str]:
    """The kinds of what stands, and how severe it is."""
    standing = Alert.objects.exclude(state=Alert.State.RESOLVED)
    return dict(standing.values_list("kind", "severity"))


def test_a_sound_product_raises_nothing(paper: Session) -> None:
    assert tripped() == ""
    assert alerts() == {}


# -- the kill switch ------------------------------------------------------------------------------


def test_five_errors_in_ten_minutes_trip_the_switch(paper: Session) -> None:
    lines(paper, 4)
    assert tripped() == ""
    lines(paper, 1)
    assert tripped() == "errors"


@pytest.mark.parametrize("changes", [{"planned": True}, {"minutes": 11.0}, {"level": "WARNING"}])
def test_errors_that_do_not_count_trip_nothing(paper: Session, changes: dict[str, Any]) -> None:
    lines(paper, **changes)
    assert tripped() == ""


def test_errors_in_a_window_of_planned_faults_trip_nothing(paper: Session) -> None:
    lines(paper)
    now = timezone.now()
    paper.fault_windows.create(starts_at=now - timedelta(minutes=2), ends_at=now, why="RS-06")
    assert tripped() == ""


def test_errors_on_a_simulated_gateway_trip_nothing(paper: Session) -> None:
    lines(paper)
    Session.objects.update(simulated=True)
    assert tripped() == ""


def test_errors_from_before_the_reset_trip_the_switch_no_more(paper: Session) -> None:
    lines(paper)
    KillSwitch.objects.update(since=timezone.now())
    assert tripped() == ""


def test_a_switch_that_is_triggered_is_written_once(paper: Session) -> None:
    lines(paper)
    for _ in range(3):
        assert tripped() == "errors"
    assert Entry.objects.filter(kind__startswith="kill.").count() == 1


@pytest.mark.parametrize(
    ("count", "changes", "rule"),
    [
        (4, {"reason": "RISK_POSITION"}, "violations"),
        (4, {"reason": "GRANT_NOTIONAL"}, "violations"),
        (3, {"reason": "RISK_POSITION"}, ""),
        (4, {"reason": "RISK_POSITION", "aim": "REJECT"}, ""),
        (4, {"reason": "RISK_POSITION", "route": "SIMULATED"}, ""),
        (4, {"reason": "STALE_QUOTE"}, ""),
    ],
)
def test_more_than_three_orders_beyond_a_limit_trip_the_switch(
    paper: Session, count: int, changes: dict[str, Any], rule: str
) -> None:
    orders(paper, count, state="REFUSED", **changes)
    assert tripped() == rule


@pytest.mark.parametrize(
    ("gigabytes", "rule", "severity"),
    [(5.0, "", None), (4.9, "", "WARNING"), (1.0, "", "WARNING"), (0.99, "disk", "CRITICAL")],
)
def test_a_full_disk_warns_then_trips(
    paper: Session, free: SimpleNamespace, gigabytes: float, rule: str, severity: str | None
) -> None:
    free.free = gigabytes * 1e9
    assert tripped() == rule
    assert alerts().get("disk") == severity


# -- alerts ---------------------------------------------------------------------------------------


def test_an_alert_stands_as_long_as_its_cause_and_is_raised_once(
    free: SimpleNamespace, people: People
) -> None:
    free.free = 4e9
    for _ in range(3):
        evaluating.evaluate()
    alert = Alert.objects.get(kind="disk")
    assert alert.count == 1
    acknowledge(alert, people.op)
    evaluating.evaluate()
    assert Alert.objects.filter(kind="disk").count() == 1
    free.free = 50e9
    evaluating.evaluate()
    assert alerts() == {}


def test_what_becomes_worse_is_raised_anew(free: SimpleNamespace) -> None:
    for free.free in (4e9, 0.5e9):
        evaluating.evaluate()
    assert alerts()["disk"] == "CRITICAL"
    assert Alert.objects.filter(kind="disk", state="RESOLVED").count() == 1


@pytest.mark.parametrize(
    ("sent", "rejected", "severity"),
    [(4, 4, None), (21, 1, None), (20, 1, "WARNING"), (5, 1, "WARNING"), (5, 2, "CRITICAL")],
)
def test_rejections_are_told_by_their_share_of_five_orders_or_more(
    paper: Session, sent: int, rejected: int, severity: str | None
) -> None:
    orders(paper, rejected, state="REJECTED")
    orders(paper, sent - rejected, state="FILLED")
    orders(paper, 9, state="REFUSED")
    orders(paper, 9, state="REJECTED", aim="REJECT")
    evaluating.evaluate()
    assert alerts().get("rejections") == severity


@pytest.mark.parametrize(
    ("seen", "severity"),
    [("UNREACHABLE", "CRITICAL"), ("SILENT", "CRITICAL"), ("CONNECTED", None), ("UNKNOWN", None)],
)
def test_the_default_gateway_that_is_away_is_told(
    seeded: Endpoint, seen: str, severity: str | None
) -> None:
    seeded.observe(seen)
    evaluating.evaluate()
    assert alerts().get("gateway-away") == severity


@pytest.mark.parametrize(
    ("kind", "window", "severity"),
    [
        ("PAPER", "nightly", "WARNING"),
        ("PAPER", "", "CRITICAL"),
        ("SIMULATED", "nightly", "CRITICAL"),
    ],
)
def test_in_a_reset_window_a_brokers_gateway_that_is_away_warns(
    seeded: Endpoint, monkeypatch: pytest.MonkeyPatch, kind: str, window: str, severity: str
) -> None:
    real = {"kind": kind, "port": 4002, "speed": 1, "always_open": False}
    Endpoint.objects.filter(pk=seeded.pk).update(**real)
    seeded.refresh_from_db()
    seeded.observe("UNREACHABLE")
    asked: list[Any] = []
    monkeypatch.setattr(configuration, "overlap", lambda *args: asked.append(args) or window)
    evaluating.evaluate()
    assert alerts()["gateway-away"] == severity
    assert [len(windows) for *_, windows in asked] == [3] * (kind == "PAPER")


def test_of_a_gateway_that_a_session_holds_its_watch_tells(paper: Session) -> None:
    paper.endpoint.observe("UNREACHABLE")
    evaluating.evaluate()
    assert alerts() == {}


# -- when they are looked at ----------------------------------------------------------------------


def test_the_sweeper_judges_the_rules_while_a_session_is_under_way(
    paper: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeper.outbox, "deliver_again", lambda: 0)
    lines(paper)
    sweeper.sweep()
    assert KillSwitch.current().rule == "errors"


def test_beat_has_them_judged_without_one(free: SimpleNamespace, seeded: Endpoint) -> None:
    free.free = 0.5e9
    assert not evaluating.under_way()
    sweeper._judge_rules()
    assert KillSwitch.current().armed
    tasks.judge_rules()
    assert KillSwitch.current().rule == "disk"


def test_a_rule_that_fails_does_not_stop_the_sweeper(
    paper: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kill, "judge", None)
    lines(paper)
    sweeper._judge_rules()


@pytest.mark.parametrize(("ahead", "missing"), [(59, 0), (58, 1), (-1, 60)])
def test_a_calendar_that_ends_within_sixty_days_is_told(
    monkeypatch: pytest.MonkeyPatch, ahead: int, missing: int
) -> None:
    today = timezone.now().astimezone(evaluating.ET).date()
    monkeypatch.setattr("crucible.calendar.LAST", today + timedelta(days=ahead))
    tasks.check_calendar()
    assert evaluating.check_calendar() == missing
    assert alerts() == ({"calendar": "WARNING"} if missing else {})


def test_the_committed_calendar_covers_the_next_sixty_days() -> None:
    assert isinstance(LAST, date)
    assert evaluating.check_calendar() == 0
    assert standing_rules.calendar_short(0) is None
