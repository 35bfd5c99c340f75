"""The committed table is the exchange's calendar, day for day."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from crucible.calendar import (
    ET,
    CalendarNotCoveredError,
    is_trading_day,
    next_trading_day,
    previous_trading_day,
    session_hours,
)
from crucible.xnys import FIRST, LAST
from tests.generate_xnys import TABLE, exchange, render

XNYS = exchange()
DAYS = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]


def test_the_committed_table_is_what_the_generator_writes() -> None:
    assert TABLE.read_text() == render()


def test_every_session_opens_and_closes_as_the_exchange_says() -> None:
    expected = {
        session.date(): (opens.to_pydatetime(), closes.to_pydatetime())
        for session, opens, closes in zip(XNYS.sessions, XNYS.opens, XNYS.closes, strict=True)
    }
    assert {day: hours for day in DAYS if (hours := session_hours(day))} == expected


def test_hours_are_given_in_new_york() -> None:
    hours = session_hours(date(2026, 11, 27))
    assert hours is not None
    assert [moment.isoformat() for moment in hours] == [
        "2026-11-27T09:30:00-05:00",
        "2026-11-27T13:00:00-05:00",
    ]
    assert hours[0].tzinfo is ET


def test_next_and_previous_trading_day_walk_the_sessions_one_by_one() -> None:
    sessions = [day.date() for day in XNYS.sessions]
    for earlier, later in pairwise(sessions):
        assert next_trading_day(earlier) == later
        assert previous_trading_day(later) == earlier


def test_a_closed_day_lies_between_its_neighbours() -> None:
    good_friday = date(2026, 4, 3)
    assert not is_trading_day(good_friday)
    assert session_hours(good_friday) is None
    assert previous_trading_day(good_friday) == date(2026, 4, 2)
    assert next_trading_day(good_friday) == date(2026, 4, 6)


@pytest.mark.parametrize("day", [FIRST - timedelta(days=1), LAST + timedelta(days=1)])
def test_a_day_beyond_the_table_is_refused_not_guessed(day: date) -> None:
    with pytest.raises(CalendarNotCoveredError, match=f"{FIRST} to {LAST}"):
        is_trading_day(day)


def test_the_table_reaches_two_years_beyond_now() -> None:
    assert datetime.now(UTC).date() + timedelta(days=730) < LAST


def test_a_moment_is_not_taken_for_a_day() -> None:
    with pytest.raises(TypeError, match="ET"):
        is_trading_day(datetime(2026, 4, 2, 23, tzinfo=UTC))
