"""When options expire: which dates are listed ahead, and the end of trading on such a date."""

from datetime import date, timedelta
from functools import lru_cache

from brokerage.simulator.holidays import FRIDAY, midnight, nth_weekday, session, weekly_expiry

WEEKLIES, MONTHLIES = 9, 6  # expirations listed ahead
AFTERNOON = 16 * 3600  # options expire at the close; on a day without one, at 16:00 all the same


@lru_cache(maxsize=64)
def expirations(today: date) -> tuple[str, ...]:
    """Weekly and monthly expirations from this date on (today's included), as YYYYMMDD."""
    friday = today + timedelta(days=(FRIDAY - today.weekday()) % 7)
    days = {weekly_expiry(friday + timedelta(weeks=week)) for week in range(WEEKLIES + 1)}
    for ahead in range(MONTHLIES + 1):
        years, month = divmod(today.month - 1 + ahead, 12)
        days.add(weekly_expiry(nth_weekday(today.year + years, month + 1, FRIDAY, 3)))
    return tuple(day.strftime("%Y%m%d") for day in sorted(days) if day >= today)


def last_trade(day: date) -> float:
    """When the options that expire on a day cease to trade, in epoch seconds."""
    hours = session(day)
    return hours[1] if hours else midnight(day) + AFTERNOON
