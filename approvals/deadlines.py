"""When a request is due: the 14:00 rule, in New York time on the exchange's calendar (AR-17)."""

from datetime import datetime, time, timedelta

from crucible.calendar import ET, is_trading_day, next_trading_day

REMINDER_BEFORE = timedelta(hours=2)


def signoff_due(submitted_at: datetime, cutoff_hour: int = 14, due_hour: int = 18) -> datetime:
    """Return until when a request must be decided, as an aware time in New York.

    Submitted on a trading day strictly before the cutoff: the same day at the due hour; otherwise
    the next trading day at the due hour. Raises ValueError for a time without a zone, and
    crucible.calendar.CalendarNotCoveredError outside of the calendar's years.
    """
    if submitted_at.tzinfo is None:
        raise ValueError("a submission has a time zone")
    local = submitted_at.astimezone(ET)
    day = local.date()
    if not is_trading_day(day) or local.time() >= time(cutoff_hour):
        day = next_trading_day(day)
    return datetime.combine(day, time(due_hour), ET)


def countdown(due_at: datetime, now: datetime) -> str:
    """Say in words how long there is still, or since when it is over."""
    left = due_at - now
    minutes = round(abs(left).total_seconds() / 60)
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    if days:
        words = f"{days} d {hours} h" if hours else f"{days} d"
    else:
        words = f"{hours} h {minutes} min" if hours else f"{minutes} min"
    return f"due in {words}" if left > timedelta(0) else f"overdue by {words}"
