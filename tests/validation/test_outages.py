"""Outages and uptime from a session's log: each loss once, planned ones apart."""

from datetime import datetime
from typing import Any

import pytest

from tests.validation.recorded import at, record_session
from validation.models import Attempt, ConnectionEvent, LogLine, Session, SessionState
from validation.outages import Uptime, absences, of, outages

END = at(100)


def line(
    seconds: float, text: str, *, planned: bool = False, ended: datetime | None = None
) -> LogLine:
    attempt = Attempt(ended_at=ended) if ended else None
    return LogLine(at=at(seconds), source="gateway", message=text, planned=planned, attempt=attempt)


def spans(*lines: LogLine) -> list[tuple[float, float, bool]]:
    """The outages as seconds from the start."""
    found = outages(lines, END, lambda one: one.planned)
    return [
        ((one.starts - at(0)).total_seconds(), (one.ends - at(0)).total_seconds(), one.planned)
        for one in found
    ]


LOST, FOUND = "Disconnected: x", "Connected at attempt 2"


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        ([], []),
        ([line(0, FOUND)], []),
        ([line(10, LOST), line(14, FOUND)], [(10, 14, False)]),
        ([line(10, LOST, planned=True), line(14, FOUND)], [(10, 14, True)]),
        ([line(10, LOST), line(11, LOST), line(14, FOUND)], [(10, 14, False)]),
        ([line(10, LOST)], [(10, 100, False)]),
        ([line(10, LOST, ended=at(20))], [(10, 20, False)]),
        ([line(10, LOST, ended=at(20)), line(50, FOUND)], [(10, 20, False)]),
        ([line(1, LOST), line(2, FOUND), line(3, LOST), line(5, FOUND)],
         [(1, 2, False), (3, 5, False)]),
    ],
)  # fmt: skip
def test_each_loss_lasts_until_the_next_connection_or_its_attempts_end(
    lines: list[LogLine], wanted: list[tuple[float, float, bool]]
) -> None:
    assert spans(*lines) == wanted


@pytest.mark.parametrize(
    ("states", "wanted"),
    [
        ([], []),
        (["UP"], []),
        (["DOWN"], [(0, 100)]),
        (["UP", "DOWN"], [(10, 100)]),
        (["UP", "MUTE", "DOWN", "UP"], [(10, 30)]),
        (["UP", "DOWN", "UNKNOWN", "UP", "DOWN"], [(10, 20), (40, 100)]),
    ],
)
def test_the_watch_tells_each_absence_of_the_gateway(
    states: list[str], wanted: list[tuple[float, float]]
) -> None:
    events = [ConnectionEvent(state=state, at=at(10 * n)) for n, state in enumerate(states)]
    found = absences(events, END)
    assert [(one.starts, one.ends) for one in found] == [(at(a), at(b)) for a, b in wanted]


def test_uptime_is_what_the_watch_has_added_up() -> None:
    figures = {"total_s": 200.0, "uptime": 0.95, "planned_outage_s": 20.0}
    assert Uptime.told(figures) == Uptime(95.0, 85.0)


@pytest.mark.parametrize("figures", [None, {}, {"total_s": 0.0, "uptime": None}])
def test_what_nobody_watched_has_no_uptime(figures: dict[str, Any] | None) -> None:
    assert Uptime.told(figures) == Uptime(None, None)


@pytest.fixture
def recorded(db: None) -> Session:
    return record_session()


def seen(session: Session, seconds: float, state: str, *, planned: bool = False) -> None:
    session.connection_events.create(lane="gateway", state=state, at=at(seconds), planned=planned)


def test_a_loss_that_two_connections_saw_counts_once(recorded: Session) -> None:
    seen(recorded, 0, "UP")
    seen(recorded, 30.4, "DOWN")
    seen(recorded, 34, "UP")
    (outage,) = of(recorded, lambda _: False).outages
    assert (outage.starts, outage.ends, outage.planned) == (at(30), at(34), False)


def test_a_loss_between_scenarios_counts(recorded: Session) -> None:
    seen(recorded, 50, "DOWN")
    assert of(recorded, lambda _: False).unplanned == 2


def test_what_one_witness_knows_to_be_provoked_was_provoked(recorded: Session) -> None:
    seen(recorded, 30.4, "DOWN", planned=True)
    found = of(recorded, lambda _: False)
    assert (found.planned, found.unplanned) == (1, 0)


def test_without_a_watch_no_count_of_losses_is_known_to_be_zero(recorded: Session) -> None:
    recorded.facts = {}
    assert of(recorded, lambda _: False).unplanned == 1
    assert of(recorded, lambda _: True).unplanned is None


def test_a_lost_worker_leaves_the_rest_of_a_paused_session_unknown(recorded: Session) -> None:
    assert of(recorded, lambda _: False).uptime.adjusted == 95.0
    recorded.state = SessionState.INTERRUPTED
    assert of(recorded, lambda _: False).uptime.adjusted is None


def test_a_loss_after_a_provoked_one_counts_for_itself() -> None:
    lines = [line(10, LOST, planned=True), line(12, LOST), line(14, FOUND)]
    assert spans(*lines) == [(10, 12, True), (12, 14, False)]
