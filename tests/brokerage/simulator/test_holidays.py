"""The exchange's own calendar rule agrees with the published calendar."""

from datetime import date, timedelta

import exchange_calendars
import pytest

from brokerage.simulator.holidays import (
    closes_early,
    easter,
    is_session,
    new_york_date,
    previous_session,
    session,
    weekly_expiry,
)

pytestmark = pytest.mark.filterwarnings("ignore:Series.values")  # inside the library
FIRST, LAST = date(1993, 1, 4), date(2028, 12, 31)  # SPY is of 1993


def days():
    return [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]


@pytest.fixture(scope="module")
def published():
    return exchange_calendars.get_calendar("XNYS", start=f"{FIRST}", end=f"{LAST}")


def test_sessions_agree_with_the_published_calendar(published):
    assert {day for day in days() if is_session(day)} == {at.date() for at in published.sessions}


def test_opening_and_close_agree_with_the_published_calendar(published):
    expected = {
        at.date(): (row.open.timestamp(), row.close.timestamp())
        for at, row in published.schedule.iterrows()
    }
    assert {day: session(day) for day in days() if is_session(day)} == expected


@pytest.mark.parametrize(
    ("day", "early"),
    [
        (date(2026, 11, 27), True),
        (date(2026, 12, 24), True),
        (date(2026, 11, 25), False),
        (date(2027, 12, 24), False),  # closed all day: Christmas is a Saturday
    ],
)
def test_early_closes(day, early):
    assert closes_early(day) is early


def test_a_mourning_day_is_closed_although_no_rule_says_so():
    assert not is_session(date(2025, 1, 9))


def test_a_new_year_on_a_saturday_closes_no_friday():
    assert is_session(date(2027, 12, 31))


def test_easter_of_known_years():
    assert [easter(year) for year in (2024, 2025, 2026, 2038)] == [
        date(2024, 3, 31),
        date(2025, 4, 20),
        date(2026, 4, 5),
        date(2038, 4, 25),
    ]


def test_extended_hours_last_sixteen_hours_and_none_on_a_holiday():
    opening, close = session(date(2026, 11, 23), extended=True)
    assert close - opening == 16 * 3600
    assert session(date(2026, 12, 25), extended=True) is None


def test_options_of_a_good_friday_week_expire_on_thursday():
    assert weekly_expiry(date(2026, 4, 3)) == date(2026, 4, 2)
    assert weekly_expiry(date(2026, 4, 10)) == date(2026, 4, 10)


def test_the_session_before_a_monday_is_friday():
    assert previous_session(date(2026, 11, 23)) == date(2026, 11, 20)


def test_the_date_in_new_york_changes_five_hours_after_utc():
    assert new_york_date(session(date(2026, 11, 23))[0] - 10 * 3600) == date(2026, 11, 22)
