"""The performance record: time to fill, age of quotes, uptime, latency; nothing typed by hand."""

from collections.abc import Sequence
from typing import Any

from validation.facts import Facts
from validation.outages import Outage, outages, uptime


def figures(facts: Facts) -> list[dict[str, Any]]:
    """Return the four lines: name, value, unit, limit, comparator, whether it holds, samples."""
    limits = facts.config.thresholds
    return [
        _average(facts, "Average time to fill", "fill", "ms",
                 limits.order_fill_timeout_seconds * 1000),
        _average(facts, "Average age of quotes", "quote_age", "s",
                 limits.quote_freshness_seconds),
        _uptime(facts),
        _average(facts, "Average connection latency", "latency", "ms",
                 limits.connection_latency_ms),
    ]  # fmt: skip


def _average(facts: Facts, name: str, key: str, unit: str, limit: float) -> dict[str, Any]:
    found = facts.average(key)
    return {
        "name": name, "value": round(found.mean, 3) if found else None, "unit": unit,
        "limit": limit, "comparator": "<", "holds": found.below(limit) if found else None,
        "samples": found.n if found else 0,
    }  # fmt: skip


def _uptime(facts: Facts) -> dict[str, Any]:
    spans = [span for span in _spans(facts) if not span.planned]
    share = _share(facts, spans)
    return {
        "name": "Gateway uptime, planned faults aside", "value": share, "unit": "%",
        "limit": 100.0, "comparator": "=", "holds": None if share is None else share >= 100.0,
        "samples": len(spans),
    }  # fmt: skip


def connection(facts: Facts) -> dict[str, Any]:
    """Return the raw figures beside the adjusted one: uptime with planned faults, and losses."""
    spans = _spans(facts)
    planned = sum(span.planned for span in spans)
    return {
        "uptime_percent_raw": _share(facts, spans),
        "unplanned_disconnections": len(spans) - planned,
        "planned_disconnections": planned,
    }


def _spans(facts: Facts) -> list[Outage]:
    end = facts.session.ended_at
    return outages(facts.log_lines, end, facts.planned) if end else []


def _share(facts: Facts, spans: Sequence[Outage]) -> float | None:
    session = facts.session
    if session.started_at is None or session.ended_at is None:
        return None
    share = uptime(spans, session.started_at, session.ended_at)
    return None if share is None else round(share * 100, 3)
