"""A session's metrics as files: every figure as it was measured, and the performance record."""

from collections.abc import Mapping
from typing import Any

from validation.artefacts.markup import csv_text, instant, json_text
from validation.facts import Facts
from validation.models import Metric

HEAD = ("scenario", "attempt", "metric", "unit", "value", "at")


def metrics_json(facts: Facts, data: Mapping[str, Any]) -> str:
    """Return the performance record and every figure as JSON; `data` is the report's content."""
    session = facts.session
    return json_text(
        {
            "session": session.number,
            "simulated": session.simulated,
            "performance": data["figures"],
            "connection": data["connection"],
            "measured": [_measured(metric) for metric in facts.metrics],
        }
    )


def _measured(metric: Metric) -> dict[str, Any]:
    return dict(zip(HEAD, _row(metric), strict=True))


def metrics_csv(facts: Facts) -> str:
    """Return every figure as CSV, in the order of the catalogue."""
    return csv_text(HEAD, (_row(metric) for metric in facts.metrics))


def _row(metric: Metric) -> tuple[object, ...]:
    attempt = metric.attempt
    return (
        attempt.scenario, attempt.number, metric.name, metric.unit, metric.value,
        instant(metric.at),
    )  # fmt: skip
