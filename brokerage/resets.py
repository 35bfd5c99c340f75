"""When the broker resets its servers, and logins lapse: sessions keep away from these windows."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from crucible.calendar import ET


@dataclass(frozen=True)
class Window:
    """It begins on each of these days (Monday is 0) at a time of New York, and lasts minutes."""

    name: str
    days: frozenset[int]
    starts: time
    minutes: int


# Decision C-22, North America. The login lapses at one moment; logging in again takes a person a
# while.
WINDOWS = (
    Window("the broker's nightly reset", frozenset({6, 0, 1, 2, 3, 4}), time(0, 15), 90),
    Window("the broker's weekend reset", frozenset({4}), time(23, 0), 240),
    Window("the weekly end of the login", frozenset({6}), time(1, 0), 60),
)


def overlap(start: datetime, end: datetime, windows: Collection[Window] = WINDOWS) -> str:
    """Return the first reset window that touches the span in words, or nothing.

    Both moments must be aware; a window's own end no longer counts.
    """
    if start.tzinfo is None or end.tzinfo is None:
        raise ValueError("a moment without a time zone has no place on the broker's clock")
    for opens, closes, name in sorted(_openings(windows, start, end)):
        if start < closes and opens <= end:
            local = opens.astimezone(ET)
            return f"{name} ({local:%a %H:%M}–{closes.astimezone(ET):%H:%M} New York)"
    return ""


def _openings(
    windows: Collection[Window], start: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime, str]]:
    """When each window opens and closes, from the day before the span to its last day."""
    for day in _days(start.astimezone(ET).date(), end.astimezone(ET).date()):
        for window in windows:
            if day.weekday() in window.days:
                opens = datetime.combine(day, window.starts, ET)
                yield opens, opens + timedelta(minutes=window.minutes), window.name


def _days(first: date, last: date) -> Iterator[date]:
    day = first - timedelta(days=1)
    while day <= last:
        yield day
        day += timedelta(days=1)
