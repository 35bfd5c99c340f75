"""When the simulated exchange is open: New York sessions by rule, so that no table can run out."""

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

ET = ZoneInfo("America/New_York")
DAY = timedelta(days=1)
QUARTER = 900.0  # seconds
OPEN, CLOSE, EARLY_CLOSE = time(9, 30), time(16), time(13)
PRE_OPEN, POST_CLOSE, EARLY_POST_CLOSE = time(4), time(20), time(17)
MONDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY = 0, 3, 4, 5, 6
KING_SINCE, JUNETEENTH_SINCE = 1998, 2022


def _dates(text: str) -> frozenset[date]:
    return frozenset(map(date.fromisoformat, text.split()))


UNFORESEEN = _dates(  # closed by mourning, terror and storm, which no rule foresees
    "1994-04-27 2001-09-11 2001-09-12 2001-09-13 2001-09-14 2004-06-11 2007-01-02 2012-10-29 "
    "2012-10-30 2018-12-05 2025-01-09"
)
FULL_EVES = _dates("1996-07-03 2002-07-03")  # of an Independence Day on a Thursday
EARLY_TOO = _dates("1996-07-05 1997-12-26 1999-12-31 2002-07-05 2003-12-26")


def easter(year: int) -> date:
    """Easter Sunday in the Gregorian calendar (Meeus, Jones and Butcher)."""
    century, rest = divmod(year, 100)
    golden = year % 19
    shift = century - (century + 8) // 25 + 1
    epact = (19 * golden + century - century // 4 - shift // 3 + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (rest // 4) - epact - rest % 4) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


def nth_weekday(year: int, month: int, weekday: int, n: int) -> date:
    """The n-th Monday (0) … Sunday (6) of a month."""
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))


def _observed(day: date) -> date:
    """A fixed holiday on a Saturday closes the Friday, on a Sunday the Monday."""
    return day + timedelta(days={SATURDAY: -1, SUNDAY: 1}.get(day.weekday(), 0))


@lru_cache(maxsize=64)
def holidays(year: int) -> frozenset[date]:
    """Weekdays of a year on which the exchange is closed (NYSE rule 7.2), as the rule was then."""
    days = {
        _observed(date(year, 1, 1)),
        nth_weekday(year, 2, MONDAY, 3),
        easter(year) - 2 * DAY,
        nth_weekday(year, 6, MONDAY, 1) - 7 * DAY,  # the last Monday of May
        _observed(date(year, 7, 4)),
        nth_weekday(year, 9, MONDAY, 1),
        nth_weekday(year, 11, THURSDAY, 4),
        _observed(date(year, 12, 25)),
    }
    if year >= KING_SINCE:
        days.add(nth_weekday(year, 1, MONDAY, 3))
    if year >= JUNETEENTH_SINCE:
        days.add(_observed(date(year, 6, 19)))
    # A New Year on a Saturday is not moved into the old year: the books close on 31 December.
    return frozenset(day for day in days | UNFORESEEN if day.year == year)


def is_session(day: date) -> bool:
    """Whether the exchange opens on this date."""
    return day.weekday() < SATURDAY and day not in holidays(day.year)


def closes_early(day: date) -> bool:
    """Sessions that end at 13:00: before Independence Day, after Thanksgiving, Christmas Eve.

    And a few others; not those of 1990 to 1992, which ended at 14:00.
    """
    eves = {
        date(day.year, 7, 3),
        date(day.year, 12, 24),
        nth_weekday(day.year, 11, THURSDAY, 4) + DAY,
    }
    return is_session(day) and day in (eves | EARLY_TOO) - FULL_EVES


def _epoch(day: date, at: time) -> float:
    return datetime.combine(day, at, ET).timestamp()


@lru_cache(maxsize=4096)
def session(day: date, *, extended: bool = False) -> tuple[float, float] | None:
    """Opening and close in epoch seconds, None when closed.

    Regular: 09:30 to 16:00 ET, early closes 13:00. Extended: 04:00 to 20:00, then 17:00.
    """
    if not is_session(day):
        return None
    early = closes_early(day)
    if extended:
        return _epoch(day, PRE_OPEN), _epoch(day, EARLY_POST_CLOSE if early else POST_CLOSE)
    return _epoch(day, OPEN), _epoch(day, EARLY_CLOSE if early else CLOSE)


@lru_cache(maxsize=4096)
def midnight(day: date) -> float:
    """The start of a New York date in epoch seconds."""
    return _epoch(day, time(0))


def new_york_date(at: float) -> date:
    """The date in New York at these epoch seconds."""
    return _date_of(at // QUARTER)


@lru_cache(maxsize=4096)
def _date_of(quarter: float) -> date:
    """The date of a quarter of an hour, within which no day begins there."""
    return datetime.fromtimestamp(quarter * QUARTER, ET).date()


def previous_session(day: date) -> date:
    """The last session before this date."""
    day -= DAY
    while not is_session(day):
        day -= DAY
    return day


def weekly_expiry(friday: date) -> date:
    """When the options of a week expire: on its Friday, or the session before a holiday."""
    return friday if is_session(friday) else previous_session(friday)
