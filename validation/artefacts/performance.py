"""The performance record: time to fill, age of quotes, uptime, latency; nothing typed by hand."""

from typing import Any

from validation.facts import Facts


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
    found = facts.samples.connection
    share = found.uptime.adjusted
    return {
        "name": "Gateway uptime, planned faults aside", "value": share, "unit": "%",
        "limit": 100.0, "comparator": "=", "holds": None if share is None else share >= 100.0,
        "samples": found.unplanned or 0,
    }  # fmt: skip


def connection(facts: Facts) -> dict[str, Any]:
    """Return the raw figures beside the adjusted one: uptime with planned faults, and losses."""
    found = facts.samples.connection
    return {
        "uptime_percent_raw": found.uptime.raw,
        "unplanned_disconnections": found.unplanned,
        "planned_disconnections": found.planned if found.watched or found.planned else None,
    }
