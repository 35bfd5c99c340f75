"""The 14:00 rule, on the exchange's calendar, through both changes of the clock."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.deadlines import countdown, signoff_due
from crucible.calendar import ET, CalendarNotCoveredError, is_trading_day, next_trading_day


def et(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ET)


@pytest.mark.parametrize(
    ("submitted", "due"),
    [
        ("2026-11-20 13:59:59.999999", "2026-11-20 18:00"),
        ("2026-11-20 14:00:00", "2026-11-23 18:00"),
        ("2026-11-18 09:00", "2026-11-18 18:00"),
        ("2026-11-18 23:59:59", "2026-11-19 18:00"),
        ("2026-11-19 00:00", "2026-11-19 18:00"),
        ("2026-11-21 00:00", "2026-11-23 18:00"),
        ("2026-11-21 10:00", "2026-11-23 18:00"),
        ("2026-11-22 13:00", "2026-11-23 18:00"),
        ("2026-04-02 13:59", "2026-04-02 18:00"),
        ("2026-04-02 15:00", "2026-04-06 18:00"),
        ("2026-04-03 10:00", "2026-04-06 18:00"),
        ("2026-11-27 13:30", "2026-11-27 18:00"),
        ("2026-12-24 15:00", "2026-12-28 18:00"),
        ("2026-03-06 14:00", "2026-03-09 18:00"),
        ("2026-10-30 14:00", "2026-11-02 18:00"),
    ],
    ids=[
        "Friday before 14:00", "Friday at 14:00", "Wednesday morning", "last second of a day",
        "first second of a day", "Saturday at midnight", "Saturday morning", "Sunday",
        "Thursday before Good Friday, early", "Thursday before Good Friday, late", "Good Friday",
        "half day after its close", "Christmas Eve, late", "into summer time", "out of summer time",
    ],
)  # fmt: skip
def test_due(submitted: str, due: str) -> None:
    assert signoff_due(et(submitted)) == et(due)


@pytest.mark.parametrize(
    ("submitted", "due"),
    [
        ("2026-03-06T18:59:59", "2026-03-06T23:00"),  # Friday, 13:59:59 EST
        ("2026-03-06T19:00", "2026-03-09T22:00"),  # Friday, 14:00 EST → Monday in EDT
        ("2026-03-09T17:59:59", "2026-03-09T22:00"),  # Monday, 13:59:59 EDT
        ("2026-03-09T18:00", "2026-03-10T22:00"),
        ("2026-10-30T18:00", "2026-11-02T23:00"),  # Friday, 14:00 EDT → Monday in EST
        ("2026-11-21T03:00", "2026-11-23T23:00"),  # already Saturday in UTC, Friday 22:00 there
    ],
)
def test_the_zone_decides_and_not_a_fixed_offset(submitted: str, due: str) -> None:
    given_utc = datetime.fromisoformat(submitted).replace(tzinfo=UTC)
    assert signoff_due(given_utc) == datetime.fromisoformat(due).replace(tzinfo=UTC)


def test_both_hours_are_settings() -> None:
    assert signoff_due(et("2026-11-20 11:59"), 12, 20) == et("2026-11-20 20:00")
    assert signoff_due(et("2026-11-20 12:00"), 12, 20) == et("2026-11-23 20:00")


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        signoff_due(datetime(2026, 11, 20, 10))  # noqa: DTZ001


def test_a_day_that_the_calendar_does_not_know_is_refused() -> None:
    with pytest.raises(CalendarNotCoveredError):
        signoff_due(et("2099-01-05 10:00"))


@given(
    st.dates(date(2025, 2, 1), date(2027, 12, 1)),
    st.times(),
)
def test_every_deadline_is_a_trading_day_at_six_and_the_first_that_the_rule_allows(
    day: date, clock: time
) -> None:
    submitted = datetime.combine(day, clock, ET)
    due = signoff_due(submitted)
    assert is_trading_day(due.date())
    assert due.astimezone(ET).time() == time(18)
    same_day = is_trading_day(day) and clock < time(14)
    assert due.date() == (day if same_day else next_trading_day(day))


NOW = et("2026-11-20 12:00")


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(hours=6), "due in 6 h 0 min"),
        (timedelta(minutes=59, seconds=20), "due in 59 min"),
        (timedelta(days=2), "due in 2 d"),
        (timedelta(days=2, hours=5, minutes=10), "due in 2 d 5 h"),
        (timedelta(0), "overdue by 0 min"),
        (timedelta(hours=-1, minutes=-5), "overdue by 1 h 5 min"),
    ],
)
def test_the_countdown_in_words(left: timedelta, words: str) -> None:
    assert countdown(NOW + left, NOW) == words
