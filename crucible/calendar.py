"""The exchange's trading days and hours, in New York time, over the committed table."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from crucible.xnys import CLOSED, EARLY_CLOSE, FIRST, LAST

ET = ZoneInfo("America/New_York")
OPEN, CLOSE, EARLY = time(9, 30), time(16), time(13)
SATURDAY = 5


class CalendarNotCoveredError(LookupError):
    """The day lies outside of the years that the table knows."""


def is_trading_day(day: date) -> bool:
    """Say whether the exchange has a session; raise CalendarNotCoveredError outside the table."""
    day = _plain(day)
    if not FIRST <= day <= LAST:
        raise CalendarNotCoveredError(
            f"The trading calendar knows {FIRST} to {LAST}, not {day}. Generate a longer one."
        )
    return day.weekday() < SATURDAY and day not in CLOSED


def session_hours(day: date) -> tuple[datetime, datetime] | None:
    """Return the session's open and close in ET, or None when the exchange is closed that day."""
    day = _plain(day)
    if not is_trading_day(day):
        return None
    close = EARLY if day in EARLY_CLOSE else CLOSE
    return datetime.combine(day, OPEN, ET), datetime.combine(day, close, ET)


def next_trading_day(day: date) -> date:
    """Return the first trading day after `day`."""
    return _walk(day, lambda found: found + timedelta(days=1))


def previous_trading_day(day: date) -> date:
    """Return the last trading day before `day`."""
    return _walk(day, lambda found: found - timedelta(days=1))


def days_missing(day: date, days: int) -> int:
    """Count how many of so many days, from `day` on, the table does not know (C-81)."""
    ahead = (_plain(day) + timedelta(days=number) for number in range(days))
    return sum(not FIRST <= one <= LAST for one in ahead)


def _walk(day: date, step: Callable[[date], date]) -> date:
    found = step(_plain(day))
    while not is_trading_day(found):
        found = step(found)
    return found


def _plain(day: date) -> date:
    # A datetime is a date too, but in whose zone? The caller converts to ET and takes .date().
    if isinstance(day, datetime):
        raise TypeError("give a date in New York, not a moment: moment.astimezone(ET).date()")
    return day
