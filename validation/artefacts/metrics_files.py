"""A session's metrics as files: judged by the plan, and every figure as it was measured."""

from collections.abc import Mapping
from typing import Any

from validation.artefacts.markup import csv_text, instant, json_text
from validation.facts import Facts
from validation.models import Metric

MEASURED = ("scenario", "attempt", "metric", "unit", "value", "at")
JUDGED = (
    "code", "metric", "unit", "value", "target", "comparator", "status", "evidence", "n", "low",
    "high", "n_needed",
)  # fmt: skip


def metrics_json(facts: Facts, data: Mapping[str, Any]) -> str:
    """Return performance record, judged metrics and every figure; `data` is the report's."""
    session = facts.session
    return json_text(
        {
            "session": session.number,
            "simulated": session.simulated,
            "performance": data["figures"],
            "connection": data["connection"],
            "metrics": data["metrics"],
            "measured": [dict(zip(MEASURED, _row(one), strict=True)) for one in facts.metrics],
        }
    )


def metrics_csv(facts: Facts, data: Mapping[str, Any]) -> str:
    """Return the judged metrics as CSV, by their numbers; `data` is the report's content."""
    return csv_text(facts.session, JUDGED, (_judged(row) for row in data["metrics"]))


def _judged(row: Mapping[str, Any]) -> tuple[object, ...]:
    return (
        row["code"], row["name"], row["unit"], row["value"], row["threshold"], row["comparator"],
        row["policy_verdict"], row["evidence_verdict"], row["n"], *row["ci95"], row["n_needed"],
    )  # fmt: skip


def measurements_csv(facts: Facts) -> str:
    """Return every figure that a scenario measured as CSV, in the order of the catalogue."""
    return csv_text(facts.session, MEASURED, (_row(metric) for metric in facts.metrics))


def _row(metric: Metric) -> tuple[object, ...]:
    attempt = metric.attempt
    return (
        attempt.scenario, attempt.number, metric.name, metric.unit, metric.value,
        instant(metric.at),
    )  # fmt: skip
