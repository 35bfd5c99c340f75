"""What the session watch saw, for the report: data and Markdown."""

from collections.abc import Iterator, Mapping
from typing import Any

from validation import findings
from validation.artefacts.markup import instant, table
from validation.facts import Facts


def content(facts: Facts) -> dict[str, Any]:
    """Return the watch's figures and findings; figures are None when nobody watched."""
    rows = [
        row | {"first": instant(row["first"]), "last": instant(row["last"])}
        for row in findings.content(facts.session)
    ]
    return {"figures": facts.session.facts.get("watch"), "findings": rows}


def markdown(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield the report's section about the watch."""
    yield "\n## Session watch\n"
    yield _figures(data["figures"])
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


def _row(row: Mapping[str, Any]) -> tuple[object, ...]:
    times = (row[name][:19].replace("T", " ") for name in ("first", "last"))
    kind = row["kind"].replace("_", " ")
    planned = "yes" if row["planned"] else "no"
    return row["severity"].capitalize(), kind, row["text"], row["count"], planned, *times
