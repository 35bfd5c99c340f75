"""When the broker resets its servers, and logins lapse: sessions keep away from these windows."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from crucible.calendar import ET

# decisions C-22, New York time: (weekdays, from, to, name); Monday is 0.
_DAILY = ((6, 0, 1, 2, 3, 4), time(0, 15), timedelta(minutes=90), "the broker's nightly reset")
_WEEKEND = ((4,), time(23, 0), timedelta(hours=4), "the broker's weekend reset")
# The login lapses at one moment; logging in again takes a person a while.
_LOGIN = ((6,), time(1, 0), timedelta(hours=1), "the weekly end of the login")


def overlap(start: datetime, end: datetime) -> str:
    """Return the first reset window that touches the span in words, or nothing.

    Both moments must be aware; a window's own end no longer counts.
    """
    if start.tzinfo is None or end.tzinfo is None:
        raise ValueError("a moment without a time zone has no place on the broker's clock")
    for opens, closes, name in sorted(_windows(start.astimezone(ET).date())):
        if start < closes and opens <= end:
            local = opens.astimezone(ET)
            return f"{name} ({local:%a %H:%M}–{closes.astimezone(ET):%H:%M} New York)"
    return ""


def _windows(day: date) -> Iterator[tuple[datetime, datetime, str]]:
    for offset in (-1, 0, 1, 2):
        at = day + timedelta(days=offset)
        for weekdays, begins, lasts, name in (_DAILY, _WEEKEND, _LOGIN):
            if at.weekday() in weekdays:
                opens = datetime.combine(at, begins, ET)
                yield opens, opens + lasts, name
