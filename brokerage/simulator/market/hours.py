"""When the market moves: around the clock, or in sessions between which quotes freeze."""

import math
from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from brokerage.simulator.holidays import (
    DAY,
    is_session,
    midnight,
    new_york_date,
    previous_session,
    session,
)
from brokerage.simulator.market.noise import TICK

LOOK_BACK = 10  # days; no update older than this is asked for, and no session is longer
KEPT_PHASES = 256
BLOCK = 7200  # ticks; half an hour, so that sessions and days begin and end with a block


class Phase(StrEnum):
    """What may trade: everything, shares outside regular hours only, nothing."""

    REGULAR = "regular"
    EXTENDED = "extended"
    CLOSED = "closed"


class Span(NamedTuple):
    """Blocks that a day's figures come from.

    Volume counts since `first`; open, high and low are those of [opening, close).
    """

    first: int
    opening: int
    close: float


def tick_at(at: float) -> int:
    """The last tick at or before these epoch seconds."""
    return int(at // TICK)


def block_at(at: float) -> int:
    """The block of these epoch seconds."""
    return tick_at(at) // BLOCK


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


def last_opened_session(at: float, *, extended: bool = False) -> date:
    """The last session that had begun at these epoch seconds."""
    days = sessions_back(new_york_date(at))
    return next(day for day in days if regular(day, extended=extended)[0] <= at)


class AlwaysOpen:
    """Trading never stops; a new day begins at midnight in New York and again at the opening.

    `extended` says which sessions count as days of history: those from 04:00 to 20:00.
    """

    def __init__(self, *, extended: bool = False) -> None:
        self.extended = extended

    def phase(self, at: float) -> Phase:
        """Always regular."""
        return Phase.REGULAR

    def tick(self, at: float) -> int:
        """The tick that is quoted at these epoch seconds."""
        return tick_at(at)

    def ranges(self, after: float, until: float) -> Iterator[tuple[int, int]]:
        """Ticks in (after, until] at which the market moves, as (first, last)."""
        yield tick_at(after) + 1, tick_at(until)

    def span(self, at: float) -> Span:
        """The day of these epoch seconds, for volume, open, high and low."""
        day = new_york_date(at)
        hours = session(day)
        first = block_at(hours[0] if hours and hours[0] <= at else midnight(day))
        return Span(first, first, math.inf)

    def close_day(self, at: float) -> date:
        """The session whose close is the closing price of the quote."""
        return last_full_session(at)

    def newest(self, at: float) -> date:
        """The session that a history of days ends with: the last whole one, for none is running."""
        return last_full_session(at, extended=self.extended)

    def since(self, day: date, until: float) -> Iterator[tuple[float, float]]:
        """What was traded from the close of a session on, parted where days and sessions turn."""
        start = regular(day, extended=self.extended)[1]
        while start < until:
            today = new_york_date(start)
            turns = [midnight(today + DAY), *(session(today, extended=self.extended) or ())]
            end = min(until, *(turn for turn in turns if turn > start))
            yield start, end
            start = end

    def stretches(self, end: float, seconds: float) -> Iterator[tuple[float, float]]:
        """The last so many seconds of trading, newest first."""
        last = (tick_at(end) + 1) * TICK
        yield min(end, last) - seconds, min(end, last)

    def ahead(self, start: float, now: float) -> Iterator[tuple[int, int]]:
        """The ticks from a time on until now, of one session at most."""
        last = min(now, start + LOOK_BACK * 86400)
        yield math.ceil(start / TICK), tick_at(last)

    def behind(self, end: float) -> tuple[int, int]:
        """The ticks before a time, of one session at most."""
        return tick_at(end - LOOK_BACK * 86400), math.ceil(end / TICK) - 1

    def opening(self, at: float) -> float:
        """From when bars of the running session are counted."""
        day = new_york_date(at)
        hours = session(day, extended=self.extended)
        return hours[0] if hours and hours[0] <= at < hours[1] else midnight(day)


class ByCalendar(AlwaysOpen):
    """Trading in sessions only, regular or extended; between them the last quote stands."""

    def __init__(self, *, extended: bool = False) -> None:
        super().__init__(extended=extended)
        self._phase = lru_cache(KEPT_PHASES)(self._phase_of)

    def _session(self, at: float) -> tuple[float, float]:
        return regular(last_opened_session(at, extended=self.extended), extended=self.extended)

    def phase(self, at: float) -> Phase:
        """Regular from the opening to just before the close; extended around that."""
        return self._phase(block_at(at))

    def _phase_of(self, block: int) -> Phase:
        at = block * BLOCK * TICK
        opening, close = regular(last_opened_session(at))
        if opening <= at < close:
            return Phase.REGULAR
        opening, close = self._session(at)
        return Phase.EXTENDED if opening <= at < close else Phase.CLOSED

    def tick(self, at: float) -> int:
        """The tick that is quoted at these epoch seconds."""
        return min(tick_at(at), tick_at(self._session(at)[1]) - 1)

    def ranges(self, after: float, until: float) -> Iterator[tuple[int, int]]:
        """Ticks in (after, until] at which the market moves, as (first, last), per session."""
        last = new_york_date(until)
        day = max(new_york_date(after), last - LOOK_BACK * DAY)
        while day <= last:
            if is_session(day):
                opening, close = map(tick_at, regular(day, extended=self.extended))
                yield max(tick_at(after) + 1, opening), min(tick_at(until), close - 1)
            day += DAY

    def span(self, at: float) -> Span:
        """The session of these epoch seconds, for volume, open, high and low."""
        day = last_opened_session(at, extended=self.extended)
        opening, close = regular(day)
        first = regular(day, extended=self.extended)[0]
        return Span(block_at(first), block_at(opening), block_at(close))

    def close_day(self, at: float) -> date:
        """The session before the one that is quoted."""
        return previous_session(last_opened_session(at, extended=self.extended))

    def newest(self, at: float) -> date:
        """The session that a history of days ends with: the one under way."""
        return last_opened_session(at, extended=self.extended)

    def since(self, day: date, until: float) -> Iterator[tuple[float, float]]:
        """Nothing: no other session has begun."""
        return iter(())

    def stretches(self, end: float, seconds: float) -> Iterator[tuple[float, float]]:
        """The last so many seconds of trading, newest first, over as many sessions as it takes."""
        for day in sessions_back(self.newest(end)):
            opening, close = regular(day, extended=self.extended)
            last = min(end, close)
            start = max(opening, last - seconds)
            yield start, last
            seconds -= last - start
            if seconds <= 0:
                return

    def ahead(self, start: float, now: float) -> Iterator[tuple[int, int]]:
        """The ticks from a time on until now, of the first session that has any."""
        day, low, high = new_york_date(start), math.ceil(start / TICK), tick_at(now)
        while day <= new_york_date(now):
            if is_session(day):
                opening, close = map(tick_at, regular(day, extended=self.extended))
                first, last = max(low, opening), min(high, close - 1)
                if first <= last:
                    yield first, last
                    return
            day += DAY

    def behind(self, end: float) -> tuple[int, int]:
        """The ticks before a time, of the last session that has any."""
        opening, close = self._session(end - TICK)
        return tick_at(opening), min(math.ceil(end / TICK), tick_at(close)) - 1

    def opening(self, at: float) -> float:
        """From when bars of the running session are counted."""
        return self._session(at)[0]
