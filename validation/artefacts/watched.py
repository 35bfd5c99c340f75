"""What the session watch saw, for the report: data and Markdown."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from validation import findings
from validation.artefacts.markup import instant, table
from validation.facts import Facts
from validation.models import ConnectionEvent, LaneState
from validation.watch.lanes import SCENARIO


def content(facts: Facts) -> dict[str, Any]:
    """Return the watch's figures, lanes and findings; figures are None when nobody watched."""
    rows = [
        row | {"first": instant(row["first"]), "last": instant(row["last"])}
        for row in findings.content(facts.session)
    ]
    figures = facts.session.facts.get("watch")
    return {"figures": figures, "lanes": lanes(facts), "findings": rows}


def lanes(facts: Facts) -> list[dict[str, Any]]:
    """Return how long each lane was in each state, in real seconds until the session's end."""
    spent: dict[str, dict[str, float]] = {}
    rows = facts.session.connection_events.exclude(lane=SCENARIO).order_by("pk")
    since: dict[str, ConnectionEvent] = {}
    for event in rows:
        _spend(spent, since.get(event.lane), event.at)
        since[event.lane] = event
    for event in since.values():
        _spend(spent, event, facts.session.ended_at)
    return [
        {"lane": name, "state": state, "seconds": round(seconds, 1)}
        for name, states in sorted(spent.items())
        for state, seconds in sorted(states.items())
    ]


def _spend(
    spent: dict[str, dict[str, float]], event: ConnectionEvent | None, until: datetime | None
) -> None:
    if event is not None:
        states = spent.setdefault(event.lane, {})
        lasted = (until - event.at).total_seconds() if until else 0.0
        states[event.state] = states.get(event.state, 0.0) + max(lasted, 0.0)


def markdown(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield the report's section about the watch."""
    yield "\n## Session watch\n"
    yield _figures(data["figures"])
    if data["lanes"]:
        yield ""
        yield from table(("Part of the connection", "State", "Seconds"), _lane_rows(data["lanes"]))
    if data["findings"]:
        yield ""
        yield from table(
            (
                "Severity",
                "Finding",
                "What was seen",
                "Times",
                "Planned",
                "First (UTC)",
                "Last (UTC)",
            ),
            (_row(row) for row in data["findings"]),
        )
    elif data["figures"]:
        yield "\nNothing was found."


def _figures(figures: Mapping[str, Any] | None) -> str:
    if not figures:
        return "Nobody watched this session: nothing is known."
    up = "not measured" if figures["uptime"] is None else f"{figures['uptime']:.4%}"
    return (
        f"Watched for {figures['watched_s']:.0f} s of the session's clock, "
        f"{figures['regular_s']:.0f} s of them in regular hours; uptime {up}, planned faults "
        f"aside; "
        f"{figures['answers']} answers, {figures['misses']} missed; "
        f"{figures['reconciliations']} three-way reconciliations."
    )


def _lane_rows(rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[object, ...]]:
    return ((row["lane"], LaneState(row["state"]).label, f"{row['seconds']:.1f}") for row in rows)


def _row(row: Mapping[str, Any]) -> tuple[object, ...]:
    times = (row[name][:19].replace("T", " ") for name in ("first", "last"))
    kind = row["kind"].replace("_", " ")
    planned = "yes" if row["planned"] else "no"
    return row["severity"].capitalize(), kind, row["text"], row["count"], planned, *times
