"""When the market moves: around the clock, or in regular sessions between which quotes freeze."""

from collections.abc import Iterator
from datetime import date, timedelta

from brokerage.simulator.holidays import (
    is_session,
    midnight,
    new_york_date,
    previous_session,
    session,
)
from brokerage.simulator.market.noise import TICK

DAY = timedelta(days=1)
LOOK_BACK = 10  # days; no update older than this is ever asked for


def tick_at(at: float) -> int:
    """The last tick at or before these epoch seconds."""
    return int(at // TICK)


def regular(day: date, *, extended: bool = False) -> tuple[float, float]:
    """Opening and close of a session; raises ValueError on a day without one."""
    hours = session(day, extended=extended)
    if hours is None:
        raise ValueError(f"no session on {day}")
    return hours


def sessions_back(day: date) -> Iterator[date]:
    """Sessions from this date (included, if it is one) into the past."""
    if is_session(day):
        yield day
    while True:
        day = previous_session(day)
        yield day


def last_full_session(at: float, *, extended: bool = False) -> date:
    """The last session that was over at these epoch seconds."""
    days = sessions_back(new_york_date(at))
    return next(day for day in days if regular(day, extended=extended)[1] <= at)


def last_opened_session(at: float) -> date:
    """The last session that had begun at these epoch seconds."""
    return next(day for day in sessions_back(new_york_date(at)) if regular(day)[0] <= at)


class AlwaysOpen:
    """Trading never stops; a new day begins at midnight in New York and again at the opening."""

    def is_open(self, at: float) -> bool:
        """Always."""
        return True

    def tick(self, at: float) -> int:
        """The tick that is quoted at these epoch seconds."""
        return tick_at(at)

    def ranges(self, after: float, until: float) -> Iterator[tuple[int, int]]:
        """Ticks in (after, until] at which the market moves, as (first, last)."""
        yield tick_at(after) + 1, tick_at(until)

    def day_start(self, at: float) -> float:
        """Since when volume, open, high and low are counted."""
        day = new_york_date(at)
        hours = session(day)
        return hours[0] if hours and hours[0] <= at else midnight(day)

    def close_day(self, at: float) -> date:
        """The session whose close is the closing price of the quote."""
        return last_full_session(at)


class ByCalendar(AlwaysOpen):
    """Trading in regular sessions only; between them the last quote of the session stands."""

    def is_open(self, at: float) -> bool:
        """From the opening to just before the close."""
        opening, close = regular(last_opened_session(at))
        return opening <= at < close

    def tick(self, at: float) -> int:
        """The tick that is quoted at these epoch seconds."""
        close = regular(last_opened_session(at))[1]
        return min(tick_at(at), tick_at(close) - 1)

    def ranges(self, after: float, until: float) -> Iterator[tuple[int, int]]:
        """Ticks in (after, until] at which the market moves, as (first, last), per session."""
        last = new_york_date(until)
        day = max(new_york_date(after), last - LOOK_BACK * DAY)
        while day <= last:
            if is_session(day):
                opening, close = map(tick_at, regular(day))
                yield max(tick_at(after) + 1, opening), min(tick_at(until), close - 1)
            day += DAY

    def day_start(self, at: float) -> float:
        """Since when volume, open, high and low are counted."""
        return regular(last_opened_session(at))[0]

    def close_day(self, at: float) -> date:
        """The session before the one that is quoted."""
        return previous_session(last_opened_session(at))
