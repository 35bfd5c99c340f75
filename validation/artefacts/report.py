"""The validation report (RP-01) as data and as Markdown."""

from collections.abc import Iterator, Mapping
from typing import Any

from validation import checklist, checklists, edge_cases, metrics
from validation.artefacts import performance, watched
from validation.artefacts.changes import changes, changes_text
from validation.artefacts.markup import SIMULATED, day, instant, moment, number, table
from validation.facts import Facts
from validation.models import Attempt, AttemptState, KnownLimitation, Session
from validation.scenarios import catalogue
from validation.scenarios.catalogue import Category
from validation.verdicts import BAD

A = AttemptState
FIELDS = ("summary", "known_issues", "recommendation", "stability_notes")
UNWRITTEN = "Not written yet."
OBSERVED = (
    "An observing session: it sent no order and watched others' from outside. It ran no scenario "
    "of the catalogue, stands for no gate, and can't be signed."
)
SEVERITIES = ("S-CRIT", "S-HIGH", "S-MED", "S-LOW")


def content(facts: Facts) -> dict[str, Any]:
    """Return the report as data: results by category, figures, windows, limitations, texts."""
    session = facts.session
    return {
        "session": session.number,
        "title": f"Live validation report {_date(session)}",
        "kind": session.kind,
        "simulated": session.simulated,
        "gateway": session.endpoint_name,
        "config": {"revision": session.config.number, "sha256": session.config.digest},
        "code_version": session.code_version,
        "seed": session.seed,
        "speed": session.speed,
        "started_at": instant(session.started_at),
        "ended_at": instant(session.ended_at),
        "run_by": session.created_by.get_username(),
        "clean_up": session.cleanup_note or session.get_cleanup_display(),
        "categories": categories(facts),
        "scenarios": [_scenario(attempt) for attempt in facts.all_attempts],
        "figures": performance.figures(facts),
        "connection": performance.connection(facts),
        "metrics": metrics.content(session),
        "failures": _failures(facts),
        "warnings": _warnings(facts),
        "edge_cases": edge_cases.content(catalogue.load().all(), facts.counted),
        "watch": watched.content(facts),
        "planned_faults": _windows(facts),
        "limitations": list(limitations(session)),
        "changes": changes(session),
        "outcome": session.outcome_reason,
        **{name: getattr(session, name) for name in FIELDS},
    }


def _date(session: Session) -> str:
    found = day(session)
    return f"{found[:4]}-{found[4:6]}-{found[6:]}"


def categories(facts: Facts) -> list[dict[str, Any]]:
    """Return a row for each category, then the total: tests, passed, failed, skipped, rate."""
    attempts = facts.counted
    names = [category.value for category in Category]
    names += sorted({one.category for one in attempts} - set(names))
    rows = [_tally(name, [one for one in attempts if one.category == name]) for name in names]
    return [*(row for row in rows if row["tests"]), _tally("Total", attempts)]


def _tally(name: str, attempts: list[Attempt]) -> dict[str, Any]:
    passed = sum(attempt.state == A.PASSED for attempt in attempts)
    failed = sum(attempt.state in BAD for attempt in attempts)
    return {
        "category": name,
        "tests": len(attempts),
        "passed": passed,
        "failed": failed,
        "skipped": len(attempts) - passed - failed,
        "rate": round(passed / len(attempts), 4) if attempts else 0.0,
    }


def _scenario(attempt: Attempt) -> dict[str, Any]:
    return {
        "id": attempt.scenario,
        "title": attempt.title,
        "attempt": attempt.number,
        "state": attempt.state,
        "severity": attempt.severity,
        "version": attempt.version,
        "duration_ms": attempt.duration_ms,
        "reason": attempt.reason,
    }


def _failures(facts: Facts) -> list[dict[str, Any]]:
    """Return what did not pass, the gravest first; a scenario's own severity is the issue's."""
    bad = [_scenario(one) for one in facts.counted if one.ended and one.state != A.PASSED]
    return sorted(bad, key=lambda row: (_rank(row["severity"]), row["id"]))


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def _warnings(facts: Facts) -> list[dict[str, Any]]:
    return [
        {
            "title": warned.title,
            "text": warned.text,
            "acknowledged": warned.acknowledged.text if warned.acknowledged else None,
            "by": warned.acknowledged.by.get_username() if warned.acknowledged else None,
            "expires_on": warned.acknowledged.expires_on if warned.acknowledged else None,
        }
        for warned in facts.warnings
    ]


def _windows(facts: Facts) -> list[dict[str, Any]]:
    return [
        {
            "scenario": window.attempt.scenario if window.attempt else None,
            "starts_at": instant(window.starts_at),
            "ends_at": instant(window.ends_at),
            "seconds": round(window.seconds, 3),
            "why": window.why,
        }
        for window in facts.windows
    ]


def limitations(session: Session) -> Iterator[str]:
    """Yield what nobody should conclude from the session."""
    if session.observes:
        yield OBSERVED
    known = KnownLimitation.objects.filter(in_force=True)
    for one in sorted(known, key=lambda row: (row.position, row.code)):
        yield f"{one.code}: {one.text}"
    left_out = checklists.left_out(checklist.planned(session)) if session.approvable else {}
    yield from (f"Not covered, {code}: {reason}" for code, reason in left_out.items())


def markdown(facts: Facts, data: Mapping[str, Any]) -> str:
    """Return the report as Markdown; `data` is its content."""
    parts = (
        _head(facts.session, data), _results(data), _performance(data), _issues(data),
        _edge_cases(data), watched.markdown(data["watch"]), _planned(data),
        changes_text(data["changes"]), _end(data),
    )  # fmt: skip
    return "\n".join(line for part in parts for line in part) + "\n"


def _head(session: Session, data: Mapping[str, Any]) -> Iterator[str]:
    yield f"# {data['title']}\n"
    if data["simulated"]:
        yield f"{SIMULATED}\n"
    if session.observes:
        yield f"{OBSERVED}\n"
    config = data["config"]
    yield from table(
        ("Fact", "Value"),
        (
            ("Session", f"{session.number} ({session.get_kind_display().lower()})"),
            ("Gateway", session.endpoint_name),
            ("Configuration", f"revision {config['revision']}, {config['sha256'][:16]}"),
            ("Code version", session.code_version),
            ("Started", moment(session.started_at)),
            ("Ended", moment(session.ended_at)),
            ("Run by", session.created_by.get_full_name() or session.created_by.get_username()),
            ("Clean-up", data["clean_up"]),
        ),
    )
    if data["outcome"]:
        yield f"\n{data['outcome']}"
    yield f"\n## Executive summary\n\n{data['summary'].strip() or UNWRITTEN}"


def _results(data: Mapping[str, Any]) -> Iterator[str]:
    yield "\n## Results\n"
    yield from table(
        ("Category", "Tests", "Passed", "Failed", "Skipped", "Rate"),
        ((row["category"], row["tests"], row["passed"], row["failed"], row["skipped"],
          f"{row['rate']:.0%}") for row in data["categories"]),
    )  # fmt: skip
    yield "\n## Scenarios\n"
    yield from table(
        ("Scenario", "Title", "Attempt", "Result", "Seconds", "Reason"),
        (_scenario_row(row) for row in data["scenarios"]),
    )


def _scenario_row(row: Mapping[str, Any]) -> tuple[object, ...]:
    seconds = "" if row["duration_ms"] is None else f"{row['duration_ms'] / 1000:.1f}"
    again = " on retry" if row["state"] == A.PASSED and row["attempt"] > 1 else ""
    result = f"{A(row['state']).label}{again}"
    return row["id"], row["title"], row["attempt"], result, seconds, row["reason"]


def _performance(data: Mapping[str, Any]) -> Iterator[str]:
    yield "\n## Performance\n"
    head = ("Figure", "Value", "Limit", "Holds", "Samples")
    yield from table(head, map(_figure_row, data["figures"]))
    found = data["connection"]
    raw = found["uptime_percent_raw"]
    share = "not measured" if raw is None else f"{raw:g} %"
    yield (
        f"\nUptime with the planned faults counted: {share}. "
        f"Disconnections: {_known(found['unplanned_disconnections'])} unplanned, "
        f"{_known(found['planned_disconnections'])} planned."
    )
    yield "\n### Metrics\n"
    yield from table(
        ("Metric", "Value", "95 % interval", "Limit", "Rule", "Evidence", "n"),
        map(_metric_row, data["metrics"]),
    )


def _known(count: int | None) -> str:
    return "an unknown number" if count is None else str(count)


def _metric_row(row: Mapping[str, Any]) -> tuple[object, ...]:
    low, high = row["ci95"]
    known = low is not None or high is not None
    limit = "" if row["threshold"] is None else f"{row['comparator']} {row['threshold']:g}"
    return (
        f"{row['code']} {row['name']}",
        _metric_value(row),
        f"{number(low)} to {number(high)}" if known else "",
        limit,
        row["policy_verdict"],
        row["evidence_verdict"],
        row["n"],
    )


def _figure_row(row: Mapping[str, Any]) -> tuple[object, ...]:
    value = "not measured" if row["value"] is None else f"{row['value']:g} {row['unit']}"
    holds = {True: "yes", False: "no", None: "not measured"}[row["holds"]]
    limit = f"{row['comparator']} {row['limit']:g} {row['unit']}"
    return row["name"], value, limit, holds, row["samples"]


def _metric_value(row: Mapping[str, Any]) -> str:
    if row["value"] is None:
        return "not measured"
    least = "at least " if row["at_least"] else ""
    return f"{least}{number(row['value'])} {row['unit']}".rstrip()


def _issues(data: Mapping[str, Any]) -> Iterator[str]:
    yield "\n## Known issues\n"
    yield data["known_issues"].strip() or UNWRITTEN
    if data["failures"]:
        yield "\nWhat did not pass, the gravest first:\n"
        yield from table(
            ("Severity", "Scenario", "Result", "Reason"),
            ((row["severity"], f"{row['id']} {row['title']}", A(row["state"]).label,
              row["reason"]) for row in data["failures"]),
        )  # fmt: skip
    if data["warnings"]:
        yield "\nWarnings:\n"
        yield from table(
            ("Warning", "What was seen", "What follows from it", "Who says so"),
            ((row["title"], row["text"], _said(row), row["by"] or "") for row in data["warnings"]),
        )  # fmt: skip


def _said(row: Mapping[str, Any]) -> str:
    until = f" (up to {row['expires_on']})" if row["expires_on"] else ""
    return f"{row['acknowledged']}{until}" if row["acknowledged"] else "not acknowledged"


def _edge_cases(data: Mapping[str, Any]) -> Iterator[str]:
    yield "\n## Edge cases\n"
    yield "What this session's own scenarios show of each case.\n"
    yield from table(
        ("Case", "What goes wrong", "Coverage", "Evidence", "What is left"),
        ((row["case"], row["title"], row["coverage"].lower(), _evidence(row), row["why"])
         for row in data["edge_cases"]),
    )  # fmt: skip


def _evidence(row: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {A(state).label.lower()}" for name, state in row["evidence"].items())


def _planned(data: Mapping[str, Any]) -> Iterator[str]:
    yield "\n## Planned faults\n"
    if not data["planned_faults"]:
        yield "None was provoked."
        return
    yield from table(
        ("Scenario", "From (UTC)", "Seconds", "Why"),
        (_window_row(row) for row in data["planned_faults"]),
    )


def _window_row(row: Mapping[str, Any]) -> tuple[object, ...]:
    begins = row["starts_at"][:19].replace("T", " ")
    return row["scenario"] or "", begins, f"{row['seconds']:.1f}", row["why"]


def _end(data: Mapping[str, Any]) -> Iterator[str]:
    yield f"\n## Recommendation\n\n{data['recommendation'].strip() or UNWRITTEN}"
    if data["stability_notes"].strip():
        yield f"\n## Stability of the gateway\n\n{data['stability_notes'].strip()}"
    yield "\n## Known limitations\n"
    yield from (f"- {text}" for text in data["limitations"])
