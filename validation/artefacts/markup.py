"""The forms that artefacts share: Markdown tables, HTML, JSON and CSV, times and file dates."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import nh3
from django.utils.html import format_html
from django.utils.safestring import mark_safe
from markdown_it import MarkdownIt

from brokerage.calendar import ET
from crucible.ledger.canonical import plain
from validation.models import Session
from validation.statistics import four_digits

SIMULATED = "**SIMULATED**: everything below comes from a simulated gateway, not from a broker."
# The file stands alone: it is read and printed where the product's sheets are not.
STYLE = mark_safe(
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse}th,td{border:1px solid #bbb;padding:.3rem .6rem;"
    "text-align:left;vertical-align:top}th{background:#f2f4f6}"
)
_ONE_LINE = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    head = list(head)
    yield f"| {' | '.join(head)} |"
    yield f"| {' | '.join('---' for _ in head)} |"
    for row in rows:
        yield f"| {' | '.join(_cell(value) for value in row)} |"


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("\\", "\\\\").replace("|", "\\|")


def moment(at: datetime | None) -> str:
    """Return a time as people of the desk read it: to the second, in New York."""
    return f"{at.astimezone(ET):%Y-%m-%d %H:%M:%S} ET" if at else "–"


def instant(at: datetime | None) -> str | None:
    """Return a time as files carry it: UTC, always with microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds") if at else None


def when(session: Session) -> datetime:
    """Return the session's own time, which its files carry: its end, else its beginning."""
    return session.ended_at or session.started_at or session.created_at


def day(session: Session) -> str:
    """Return the exchange's day on which the session began, as file names have it: YYYYMMDD."""
    return f"{(session.started_at or session.created_at).astimezone(ET):%Y%m%d}"


def number(value: float | str | None) -> str:
    """Return a figure with four digits that matter; a word as it is, and a dash for none."""
    if value is None:
        return "–"
    return value if isinstance(value, str) else four_digits(value)


def html(text: str) -> str:
    """Return Markdown as an HTML fragment, in which nothing but formatting survives."""
    renderer = MarkdownIt("commonmark", {"html": False}).enable("table")
    return nh3.clean(renderer.render(text))


def document(title: str, text: str) -> str:
    """Return Markdown as an HTML file that stands alone."""
    return format_html(
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        "<title>{}</title><style>{}</style></head>"
        "<body>\n{}</body></html>\n",
        title,
        STYLE,
        mark_safe(html(text)),  # noqa: S308 - cleaned by nh3
    )


def json_text(value: Mapping[str, Any] | Sequence[Any]) -> str:
    """Return JSON for people; what two databases give as the same number is written alike."""
    return json.dumps(_settled(plain(value)), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _settled(value: Any) -> Any:
    """Write whole numbers without a fraction: one database keeps 1.0, another gives back 1."""
    if isinstance(value, dict):
        return {key: _settled(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_settled(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def json_lines(rows: Iterable[Mapping[str, str | int | bool | None]]) -> str:
    """Return one JSON object a line; its values have one form in JSON only."""
    return "".join(f"{_ONE_LINE.encode(row)}\n" for row in rows)


def csv_text(session: Session, head: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a table of a session as CSV; its first column says whether it was simulated.

    A text that a spreadsheet would take for a formula gets a quote.
    """
    label = "yes" if session.simulated else "no"
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("simulated", *head))
    writer.writerows([label, *(_plain(value) for value in row)] for row in rows)
    return out.getvalue()


def _plain(value: object) -> object:
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return value
