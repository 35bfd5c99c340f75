"""Write crucible/xnys.py from exchange_calendars: `python -m tests.generate_xnys`."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path

import exchange_calendars
import pandas as pd

FIRST, LAST = date(2024, 1, 1), date(2035, 12, 31)
TABLE = Path(__file__).resolve().parent.parent / "crucible" / "xnys.py"

TEMPLATE = '''"""The New York Stock Exchange's closed weekdays and 13:00 closes; generated.

`python -m tests.generate_xnys` writes this file from exchange_calendars; a test holds it against
that library. Weekends are not listed. Closures that the exchange announces later need a new run.
"""

from datetime import date

FIRST = {first}
LAST = {last}

CLOSED = frozenset(
    {{
{closed}
    }}
)

EARLY_CLOSE = frozenset(
    {{
{early}
    }}
)
'''


def exchange() -> exchange_calendars.ExchangeCalendar:
    """Return the library's calendar for the table's years."""
    return exchange_calendars.get_calendar("XNYS", start=FIRST.isoformat(), end=LAST.isoformat())


def closed_weekdays(calendar: exchange_calendars.ExchangeCalendar) -> list[date]:
    """Return the weekdays without a session."""
    weekdays = pd.bdate_range(FIRST, LAST).difference(calendar.sessions)
    return [day.date() for day in weekdays]


def early_closes(calendar: exchange_calendars.ExchangeCalendar) -> list[date]:
    """Return the sessions that end at 13:00."""
    return [day.date() for day in calendar.early_closes]


def render() -> str:
    """Return the text of the table."""
    calendar = exchange()
    return TEMPLATE.format(
        first=_literal(FIRST),
        last=_literal(LAST),
        closed=_lines(closed_weekdays(calendar)),
        early=_lines(early_closes(calendar)),
    )


def _lines(days: Iterable[date]) -> str:
    return "\n".join(f"        {_literal(day)}," for day in sorted(days))


def _literal(day: date) -> str:
    return f"date({day.year}, {day.month}, {day.day})"


if __name__ == "__main__":
    TABLE.write_text(render())
