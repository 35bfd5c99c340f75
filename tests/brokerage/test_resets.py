"""The broker's reset windows, in New York time."""

from datetime import datetime, time, timedelta

import pytest

from brokerage.calendar import ET
from brokerage.resets import Window, overlap


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ET)


@pytest.mark.parametrize(
    ("start", "minutes", "named"),
    [
        ("2026-02-17T11:00", 30, ""),
        ("2026-02-17T23:44", 30, ""),
        ("2026-02-17T23:45", 30, "nightly"),
        ("2026-02-18T01:44", 1, "nightly"),
        ("2026-02-18T01:45", 30, ""),
        ("2026-02-20T22:29", 30, ""),
        ("2026-02-20T22:30", 30, "weekend"),
        ("2026-02-21T02:59", 1, "weekend"),
        ("2026-02-21T03:00", 30, ""),
        ("2026-02-22T00:10", 1, ""),
        ("2026-02-22T00:15", 1, "nightly"),
        ("2026-02-22T01:50", 5, "login"),
        ("2026-02-22T02:00", 5, ""),
        ("2026-03-08T00:20", 1, "nightly"),
        ("2026-11-01T00:20", 1, "nightly"),
    ],
)
def test_a_span_meets_a_window_or_not(start: str, minutes: int, named: str) -> None:
    found = overlap(at(start), at(start) + timedelta(minutes=minutes))
    assert (named in found) if named else not found, found


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        overlap(datetime(2026, 2, 17), datetime(2026, 2, 17))  # noqa: DTZ001


def test_other_windows_can_be_given() -> None:
    lunch = Window("lunch", frozenset({1}), time(12, 0), 60)
    noon = at("2026-02-17T12:59")
    assert overlap(noon, noon, [lunch]) == "lunch (Tue 12:00–13:00 New York)"
    assert overlap(noon + timedelta(days=1), noon + timedelta(days=1), [lunch]) == ""


def test_a_window_in_the_middle_of_a_long_span_is_found() -> None:
    lunch = Window("lunch", frozenset({4}), time(12, 0), 60)
    assert overlap(at("2026-02-16T00:00"), at("2026-02-21T00:00"), [lunch])
