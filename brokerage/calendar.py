"""Regular hours, the window for orders, and the weekly option expiry."""

from datetime import date, datetime, timedelta

from crucible.calendar import (
    ET,
    CalendarNotCoveredError,
    days_missing,
    is_trading_day,
    next_trading_day,
    previous_trading_day,
    session_hours,
)

__all__ = [
    "ET",
    "CalendarNotCoveredError",
    "days_missing",
    "is_regular_hours",
    "is_trading_day",
    "next_trading_day",
    "next_weekly_expiry",
    "order_window_open",
    "previous_trading_day",
    "session_hours",
    "weekly_expiries",
    "weekly_expiry",
]

# decisions C-81: no new order scenario starts in the last quarter of an hour.
LAST_ORDERS = timedelta(minutes=15)


def is_regular_hours(at: datetime) -> bool:
    """Say whether the exchange trades at this moment (the open counts, the close does not)."""
    return _within_hours(at, before_close=timedelta())


def order_window_open(at: datetime) -> bool:
    """Say whether a new order may still start: regular hours, but not the last 15 minutes."""
    return _within_hours(at, before_close=LAST_ORDERS)


def _within_hours(at: datetime, before_close: timedelta) -> bool:
    if at.tzinfo is None:
        raise ValueError("a moment without a time zone has no place on the exchange's clock")
    hours = session_hours(at.astimezone(ET).date())
    return hours is not None and hours[0] <= at < hours[1] - before_close


def weekly_expiry(day: date) -> date:
    """Return when the weekly options of this day's week (Monday to Sunday) expire.

    That is its Friday, or the trading day before when the exchange is closed on Friday (C-95).
    """
    friday = day + timedelta(days=4 - day.weekday())
    return friday if is_trading_day(friday) else previous_trading_day(friday)


def next_weekly_expiry(day: date) -> date:
    """Return the weekly expiry to trade on `day`: the first one after it, never the day itself.

    Monday to Thursday give this week's expiry; on the expiry's own day and after it, next week's
    (CF-08, CF-09, C-95).
    """
    this_week = weekly_expiry(day)
    return this_week if this_week > day else weekly_expiry(day + timedelta(days=7))


def weekly_expiries(day: date, count: int) -> list[date]:
    """Return the next `count` weekly expiries after `day`, the earliest first."""
    found: list[date] = []
    for _ in range(count):
        day = next_weekly_expiry(day)
        found.append(day)
    return found
