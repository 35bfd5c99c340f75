"""Opening hours as contract details write them: `20251119:0400-20251119:2000;20251122:CLOSED`."""

from datetime import date, datetime
from functools import lru_cache

from brokerage.simulator.holidays import DAY, ET, session

DAYS = 7  # from today on


@lru_cache(maxsize=16)
def hours_text(today: date, *, extended: bool, always_open: bool) -> str:
    """The sessions of the coming days, regular or extended, in New York time."""
    days = [today + DAY * ahead for ahead in range(DAYS)]
    if always_open:
        return ";".join(f"{day:%Y%m%d}:0000-{day + DAY:%Y%m%d}:0000" for day in days)
    return ";".join(_day(day, extended=extended) for day in days)


def _day(day: date, *, extended: bool) -> str:
    hours = session(day, extended=extended)
    if hours is None:
        return f"{day:%Y%m%d}:CLOSED"
    opening, close = (datetime.fromtimestamp(at, ET) for at in hours)
    return f"{opening:%Y%m%d:%H%M}-{close:%Y%m%d:%H%M}"
