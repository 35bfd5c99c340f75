"""Hours and weekly expiries agree with the exchange's own calendar, in every year of the table."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brokerage import calendar
from brokerage.calendar import (
    ET,
    is_regular_hours,
    next_weekly_expiry,
    order_window_open,
    weekly_expiries,
    weekly_expiry,
)
from crucible.xnys import FIRST, LAST
from tests.generate_xnys import exchange

XNYS = exchange()
SESSIONS = sorted(day.date() for day in XNYS.sessions)
DAYS = st.dates(FIRST, LAST - timedelta(days=14))
MOMENTS = st.datetimes(
    datetime(2024, 1, 3),  # noqa: DTZ001 - hypothesis wants naive bounds and adds the zone
    datetime(2035, 12, 28),  # noqa: DTZ001
    timezones=st.just(UTC),
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ET)


@pytest.mark.parametrize(
    ("today", "expiry"),
    [
        ("2026-02-08", "20260213"),
        ("2026-02-09", "20260213"),
        ("2026-02-12", "20260213"),
        ("2026-02-13", "20260220"),
        ("2026-02-14", "20260220"),
        ("2026-03-30", "20260402"),
        ("2026-04-02", "20260410"),
        ("2026-04-03", "20260410"),
        ("2026-06-15", "20260618"),
        ("2026-06-29", "20260702"),
        ("2026-12-21", "20261224"),
        ("2026-12-28", "20261231"),
    ],
)
def test_the_expected_expiries_of_the_requirements(today: str, expiry: str) -> None:
    assert f"{next_weekly_expiry(date.fromisoformat(today)):%Y%m%d}" == expiry


@given(DAYS)
@settings(max_examples=300, deadline=None)
def test_a_weekly_expiry_is_the_last_session_of_its_iso_week(day: date) -> None:
    week = [found for found in SESSIONS if found.isocalendar()[:2] == day.isocalendar()[:2]]
    assert weekly_expiry(day) == max(week)


@given(DAYS)
@settings(max_examples=300, deadline=None)
def test_the_next_expiry_is_the_first_one_after_the_day(day: date) -> None:
    found = next_weekly_expiry(day)
    between = [day + timedelta(days=n) for n in range(1, (found - day).days)]
    assert found > day
    assert all(weekly_expiry(skipped) != skipped for skipped in between)
    assert weekly_expiry(found) == found


def test_eight_expiries_follow_each_other_week_by_week() -> None:
    found = weekly_expiries(date(2026, 3, 23), 8)
    assert found[:3] == [date(2026, 3, 27), date(2026, 4, 2), date(2026, 4, 10)]
    assert len({day.isocalendar()[:2] for day in found}) == 8


@given(MOMENTS)
@settings(max_examples=300, deadline=None)
def test_regular_hours_are_those_of_the_exchange(moment: datetime) -> None:
    minute = moment.replace(second=0, microsecond=0)
    assert is_regular_hours(minute) == XNYS.is_trading_minute(minute)


@pytest.mark.parametrize(
    ("moment", "regular", "orders"),
    [
        ("2026-11-23T09:29:59", False, False),
        ("2026-11-23T09:30:00", True, True),
        ("2026-11-23T15:44:59", True, True),
        ("2026-11-23T15:45:00", True, False),
        ("2026-11-23T15:59:59", True, False),
        ("2026-11-23T16:00:00", False, False),
        ("2026-11-26T12:00:00", False, False),
        ("2026-11-27T12:44:59", True, True),
        ("2026-11-27T12:45:00", True, False),
        ("2026-11-27T13:00:00", False, False),
        ("2026-11-28T12:00:00", False, False),
    ],
)
def test_orders_end_a_quarter_of_an_hour_before_the_close(
    moment: str, regular: bool, orders: bool
) -> None:
    assert (is_regular_hours(at(moment)), order_window_open(at(moment))) == (regular, orders)


@pytest.mark.parametrize("utc", ["2026-03-06T14:30", "2026-03-09T13:30", "2026-11-02T14:30"])
def test_the_open_follows_daylight_saving(utc: str) -> None:
    opening = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    assert is_regular_hours(opening)
    assert not is_regular_hours(opening - timedelta(seconds=1))


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        is_regular_hours(datetime(2026, 11, 23, 12))  # noqa: DTZ001


def test_everything_of_the_ground_is_offered_here_too() -> None:
    assert all(hasattr(calendar, name) for name in calendar.__all__)
