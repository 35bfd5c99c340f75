"""What changed since an earlier session, as data for the API and as the report's short section."""

from collections.abc import Iterator, Mapping
from typing import Any

from validation.artefacts.markup import table
from validation.comparing import compared_for_good
from validation.comparison import (
    Comparison,
    Measured,
    MetricChange,
    ScenarioChange,
    ScenarioRun,
    Standing,
)
from validation.configuration import Change
from validation.models import Session

MOST_METRICS = 20


def changes(session: Session) -> dict[str, Any] | None:
    """Return what changed since the session's baseline, for good; None when it has none."""
    found = compared_for_good(session)
    return None if found is None else as_data(found)


def as_data(found: Comparison) -> dict[str, Any]:
    """Return a comparison as JSON values."""
    return {
        "before": found.before.number,
        "after": found.after.number,
        "build": {"before": found.before.build, "after": found.after.build,
                  "changed": found.build_changed},
        "config": {"before": found.before.config_number, "after": found.after.config_number},
        "thresholds": [_change(change) for change in found.thresholds],
        "settings": [_change(change) for change in found.settings],
        "counts": {standing.value: count for standing, count in found.counts()},
        "scenarios": [_scenario(change) for change in found.scenarios],
        "metrics": [_metric(change) for change in found.metrics],
    }  # fmt: skip


def _change(change: Change) -> dict[str, Any]:
    return {"path": change.path, "before": change.before, "after": change.after}


def _scenario(change: ScenarioChange) -> dict[str, Any]:
    return {
        "id": change.id,
        "title": change.title,
        "standing": change.standing.value,
        "before": _outcome(change.before),
        "after": _outcome(change.after),
        "version_changed": change.version_changed,
        "checks": [_change(check) for check in change.checks],
    }


def _outcome(run: ScenarioRun | None) -> dict[str, Any] | None:
    if run is None:
        return None
    return {
        "state": run.last.state, "attempts": len(run.outcomes), "amber": run.amber,
        "version": run.version,
    }  # fmt: skip


def _metric(change: MetricChange) -> dict[str, Any]:
    return {
        "name": change.name,
        "unit": change.unit,
        "before": _measured(change.before),
        "after": _measured(change.after),
        "ratio": change.ratio,
        "apart": change.apart,
    }


def _measured(found: Measured | None) -> dict[str, Any] | None:
    if found is None:
        return None
    interval = found.interval
    return {
        "mean": found.mean, "n": found.n, "low": interval.low, "high": interval.high,
    }  # fmt: skip


def changes_text(data: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield the report's section: what differs, and the scenarios that stand otherwise."""
    if data is None:
        yield "\n## Changes\n\nThere is no earlier session to compare with."
        return
    yield f"\n## Changes since {data['before']}\n"
    yield from (f"- {line}" for line in _sentences(data))
    moved = [row for row in data["scenarios"] if row["standing"] != Standing.SAME]
    if moved:
        yield ""
        yield from table(
            ("Scenario", "Stands", "Before", "Now"),
            ((f"{row['id']} {row['title']}", row["standing"], _word(row["before"]),
              _word(row["after"])) for row in moved),
        )  # fmt: skip


def _sentences(data: Mapping[str, Any]) -> Iterator[str]:
    build = data["build"]
    yield (
        f"Code version: {build['before'][:12]} → {build['after'][:12]}."
        if build["changed"]
        else f"Code version: the same, {build['after'][:12]}."
    )
    for title, rows in (("Thresholds", data["thresholds"]), ("Settings", data["settings"])):
        words = [f"{row['path']} {row['before']} → {row['after']}" for row in rows]
        yield f"{title}: {'; '.join(words) if words else 'the same'}."
    again = [row["id"] for row in data["scenarios"] if row["version_changed"]]
    yield f"Scenarios with another version: {', '.join(again) or 'none'}."
    counts = [f"{count} {standing}" for standing, count in data["counts"].items()]
    yield f"Results: {', '.join(counts) or 'none'}."
    far = [row["name"] for row in data["metrics"] if row["apart"]]
    more = f" and {len(far) - MOST_METRICS} more" if len(far) > MOST_METRICS else ""
    yield f"Metrics with intervals apart: {', '.join(far[:MOST_METRICS]) or 'none'}{more}."


def _word(run: Mapping[str, Any] | None) -> str:
    if run is None:
        return "–"
    amber = ", passed on retry" if run["amber"] else ""
    return f"{str(run['state']).replace('_', ' ').lower()}{amber}"
