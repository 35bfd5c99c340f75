"""Metrics of the account's worth and of the worker's host, from what a session's facts keep."""

from collections.abc import Iterator, Mapping
from typing import Any

from brokerage.kill_rules import MOST_DRAWDOWN
from validation.host_watch import HOST, HostFigures
from validation.judging import Limit

Counts = dict[str, tuple[float | None, float, str]]
AT_START = "The limit of HP-12 and HP-13 is for the start of a session."


def limits() -> Iterator[Limit]:
    """Return the planned metrics; the host's have no limit, as the scenarios themselves load it."""
    yield Limit("ME-22", "Drawdown of the account", "%", "count", "<", MOST_DRAWDOWN * 100,
                about="From the highest value that the session has seen.")  # fmt: skip
    yield Limit("ME-22b", "High-water mark of the account", "USD", "count")
    yield Limit("ME-23", "Change of the account", "USD", "count")
    yield Limit("ME-28", "Processors of the host in use", "%", "count", about=AT_START)
    yield Limit("ME-28b", "Memory of the host in use", "%", "count", about=AT_START)
    yield Limit("ME-28c", "Free disk space of the host, the least", "GB", "count", about=AT_START)


def counts(facts: Mapping[str, Any]) -> Counts:
    """Return each metric's value, of how many readings, and words; none that was not read."""
    return _account(facts) | _host(facts.get(HOST, {}))


def _account(facts: Mapping[str, Any]) -> Counts:
    watched = facts.get("watch") or {}
    before, after = facts.get("opening_balance"), facts.get("closing_balance")
    ends = [one for one in (before, after) if one is not None]
    readings = len(ends) + watched.get("worth_readings", 0)
    figures: Counts = {}
    known = [*ends, *(watched[name] for name in ("worth_high",) if name in watched)]
    if known:
        # By the two ends alone, unless the watch has seen more between them.
        loss = (max(known) - ends[-1]) / max(known) if ends and max(known) > 0 else 0.0
        lowest = max(loss, watched.get("drawdown", 0.0))
        figures["ME-22"] = (lowest * 100, readings, f"{readings} readings of the account.")
        figures["ME-22b"] = (max(known), readings, "")
    if before is not None and after is not None:
        figures["ME-23"] = (after - before, 1, f"{before:,.2f} → {after:,.2f} USD.")
    return figures


def _host(content: Mapping[str, Any]) -> Counts:
    seen = HostFigures.resumed(content)
    n, figures = seen.samples, Counts()
    if seen.processors is not None:
        figures["ME-28"] = (seen.processors * 100, n, "On average over the session.")
    if seen.memory is not None:
        peak = f"On average over the session; {seen.memory_peak:.0%} at the highest."
        figures["ME-28b"] = (seen.memory * 100, n, peak)
    if seen.least_free_gb is not None:
        figures["ME-28c"] = (seen.least_free_gb, n, "")
    return figures
