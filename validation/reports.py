"""A session's report in Markdown, HTML and JUnit XML: the same session gives the same bytes."""

import re
from collections.abc import Iterable, Iterator
from statistics import fmean
from typing import Any

import nh3
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite
from markdown_it import MarkdownIt

from brokerage.calendar import ET
from crucible.ledger.canonical import digest
from crucible.ledger.record import record
from crucible.roles import Role, has_role
from validation import checklist, checklists
from validation.facts import Facts
from validation.involvement import involve
from validation.models import Attempt, AttemptState, Item, Report, Session, SessionState
from validation.scenarios.catalogue import Category
from validation.verdicts import BAD

A = AttemptState
MAY_WRITE = (Role.OP, Role.QS, Role.QA)
FIELDS = ("summary", "known_issues", "recommendation")
LONGEST = 10_000
SIMULATED = "**SIMULATED**: everything below comes from a simulated gateway, not from a broker."
# XML 1.0 has no form for these at all.
UNPRINTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# C-17: what paper trading can't show.
LIMITATIONS = (
    "Paper orders fill from the top of the book: no queue, no depth, no assignment.",
    "Acknowledgement to fill is the paper engine's behaviour, not the market's.",
)


class ReportError(ValueError):
    """The report can't be written or changed as things stand; the text says why."""


def write(session: Session, by: User, **texts: str) -> Session:
    """Store the narrative: summary, known_issues, recommendation; until the submission.

    Raises PermissionDenied and ReportError.
    """
    if not has_role(by, *MAY_WRITE):
        raise PermissionDenied("Your role may not edit reports.")
    with transaction.atomic():
        session = Session.objects.select_for_update().get(pk=session.pk)
        if session.state not in {SessionState.MANUAL_CHECKS, SessionState.REPORTING}:
            state = session.get_state_display().lower()
            raise ReportError(f"The session is {state}: its report can't be edited.")
        fields = {name: texts[name].strip() for name in FIELDS if name in texts}
        if any(len(text) > LONGEST for text in fields.values()):
            raise ReportError(f"A text may have {LONGEST} characters at most.")
        for name, text in fields.items():
            setattr(session, name, text)
        session.save(update_fields=list(fields))
        involve(session, by, "edited the report")
        record("report.edited", "session", session.number, actor=by, **fields)
        if session.approvable:
            checklist.evaluate(session, codes=["1.4.7", "1.4.8"])
    return session


def freeze(session: Session) -> Report:
    """Keep the report as it is now, inside the caller's transaction, as its next version."""
    text = markdown(session)
    return Report.objects.create(
        session=session,
        version=session.reports.count() + 1,
        content=content(session),
        markdown=text,
        html=html(text),
        junit=junit(session),
        checklist=checklist_markdown(session),
        sha256=digest(text),
    )


def frozen(session: Session) -> Report | None:
    """Return the report as it was last submitted, or None while it is still being written."""
    submitted = (SessionState.AWAITING_APPROVAL, SessionState.APPROVED, SessionState.REJECTED)
    return session.reports.last() if session.state in submitted else None


def content(session: Session) -> dict[str, Any]:
    """Return the report as data: results by category, figures, texts."""
    facts = Facts(session)
    return {
        "session": session.number,
        "kind": session.kind,
        "simulated": session.simulated,
        "gateway": session.endpoint_name,
        "config": {"revision": session.config.number, "sha256": session.config.digest},
        "code_version": session.code_version,
        "started_at": session.started_at.isoformat() if session.started_at else None,
        "ended_at": session.ended_at.isoformat() if session.ended_at else None,
        "categories": categories(facts),
        "figures": figures(facts),
        "outcome": session.outcome_reason,
        **{name: getattr(session, name) for name in FIELDS},
    }


def categories(facts: Facts) -> list[dict[str, Any]]:
    """Return a row for each category, then the total: tests, passed, failed, skipped, rate."""
    attempts = list(facts.latest.values())
    rows = [
        _tally(category.value, [one for one in attempts if one.category == category.value])
        for category in Category
    ]
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


def figures(facts: Facts) -> list[dict[str, Any]]:
    """Return the performance record: name, value, unit, limit, number of samples."""
    limits = facts.config.thresholds
    wanted = (
        ("Average time to fill", "fill", "ms", limits.order_fill_timeout_seconds * 1000),
        ("Average age of quotes", "quote_age", "s", limits.quote_freshness_seconds),
        ("Average connection latency", "latency", "ms", limits.connection_latency_ms),
    )
    rows = [
        {"name": name, "value": _mean(facts.figure(key)), "unit": unit, "limit": limit,
         "samples": len(facts.figure(key))}
        for name, key, unit, limit in wanted
    ]  # fmt: skip
    lost = sum(line.message.startswith("Disconnected") for line in facts.unplanned("ERROR"))
    row = {"name": "Unplanned disconnections", "value": float(lost), "unit": "", "limit": 0.0}
    return [*rows, {**row, "samples": len(facts.all_attempts)}]


def _mean(values: list[float]) -> float | None:
    return round(fmean(values), 3) if values else None


def markdown(session: Session) -> str:
    """Return the report as Markdown."""
    return "\n".join(_markdown(session, content(session), Facts(session))) + "\n"


def _markdown(session: Session, data: dict[str, Any], facts: Facts) -> Iterator[str]:
    at = session.started_at or session.created_at
    yield f"# Live validation report {at.astimezone(ET):%Y-%m-%d}"
    yield ""
    if session.simulated:
        yield f"{SIMULATED}\n"
    yield from _head(session)
    yield f"\n## Executive summary\n\n{session.summary.strip() or 'Not written yet.'}"
    yield "\n## Results\n"
    yield from _table(
        ("Category", "Tests", "Passed", "Failed", "Skipped", "Rate"),
        ((row["category"], row["tests"], row["passed"], row["failed"], row["skipped"],
          f"{row['rate']:.0%}") for row in data["categories"]),
    )  # fmt: skip
    yield "\n## Scenarios\n"
    yield from _table(
        ("Scenario", "Title", "Attempt", "Result", "Seconds", "Reason"),
        (_scenario_row(attempt) for attempt in facts.all_attempts),
    )
    yield "\n## Performance\n"
    yield from _table(("Figure", "Value", "Limit", "Samples"), map(_figure_row, data["figures"]))
    yield "\n## Known issues\n"
    yield session.known_issues.strip() or "Not written yet."
    yield f"\n## Recommendation\n\n{session.recommendation.strip() or 'Not written yet.'}"
    yield "\n## Known limitations\n"
    yield from (f"- {text}" for text in _limitations(session))


def _head(session: Session) -> Iterator[str]:
    yield from _table(
        ("Fact", "Value"),
        (
            ("Session", f"{session.number} ({session.get_kind_display().lower()})"),
            ("Gateway", session.endpoint_name),
            ("Configuration", f"revision {session.config.number}, {session.config.digest[:16]}"),
            ("Code version", session.code_version),
            ("Started", _time(session.started_at)),
            ("Ended", _time(session.ended_at)),
            ("Run by", session.created_by.get_full_name() or session.created_by.get_username()),
            ("Clean-up", session.cleanup_note or session.get_cleanup_display()),
        ),
    )


def _limitations(session: Session) -> Iterator[str]:
    yield from LIMITATIONS
    left_out = checklists.left_out(checklist.planned(session)) if session.approvable else {}
    yield from (f"Not covered, {code}: {reason}" for code, reason in left_out.items())


def _scenario_row(attempt: Attempt) -> tuple[object, ...]:
    seconds = "" if attempt.duration_ms is None else f"{attempt.duration_ms / 1000:.1f}"
    return (
        attempt.scenario, attempt.title, attempt.number, A(attempt.state).label, seconds,
        attempt.reason,
    )  # fmt: skip


def _figure_row(row: dict[str, Any]) -> tuple[object, ...]:
    value = "not measured" if row["value"] is None else f"{row['value']:g} {row['unit']}"
    return row["name"], value, f"{row['limit']:g} {row['unit']}", row["samples"]


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    head = list(head)
    yield f"| {' | '.join(head)} |"
    yield f"| {' | '.join('---' for _ in head)} |"
    for row in rows:
        yield f"| {' | '.join(_cell(value) for value in row)} |"


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("\\", "\\\\").replace("|", "\\|")


def _time(at: Any) -> str:
    return f"{at.astimezone(ET):%Y-%m-%d %H:%M:%S} ET" if at else "–"


def checklist_markdown(session: Session) -> str:
    """Return the checklist as Markdown, empty for a session that has none."""
    if not session.approvable:
        return ""
    lines = [f"# Deployment validation checklist of {session.number}", ""]
    if session.simulated:
        lines += [SIMULATED, ""]
    rows = [_item_row(item) for item in session.checklist.items.all()]
    return "\n".join([*lines, *_table(("Item", "Text", "State", "Who", "When", "Note"), rows), ""])


def _item_row(item: Item) -> tuple[object, ...]:
    who = item.closed_by.get_username() if item.closed_by else "machine" if item.closed else ""
    notes = [item.finding, item.note, f"Risk: {item.risk}" if item.risk else ""]
    if item.acknowledged_by:
        notes.append(f"Acknowledged by {item.acknowledged_by.get_username()}")
    text = "; ".join(note for note in notes if note)
    return item.code, item.text, item.get_state_display(), who, _time(item.closed_at), text


def html(text: str) -> str:
    """Return Markdown as an HTML fragment, in which nothing but formatting survives."""
    renderer = MarkdownIt("commonmark", {"html": False}).enable("table")
    return nh3.clean(renderer.render(text))


def junit(session: Session) -> str:
    """Return the results as JUnit XML, a case for each scenario's last attempt."""
    facts = Facts(session)
    suite = TestSuite(session.number)
    if session.started_at:
        suite.timestamp = session.started_at.isoformat()
    suite.add_property("simulated", str(session.simulated).lower())
    suite.add_property("code_version", session.code_version)
    suite.add_property("config_sha256", session.config.digest)
    suite.add_testcases([_case(attempt) for attempt in facts.latest.values()])
    document = JUnitXml("crucible")
    document.add_testsuite(suite)
    document.update_statistics()  # type: ignore[no-untyped-call]
    return str(document.tostring().decode())  # type: ignore[no-untyped-call]


def _case(attempt: Attempt) -> TestCase:
    seconds = (attempt.duration_ms or 0) / 1000
    case = TestCase(attempt.slug, f"{attempt.scenario} {attempt.category}", seconds)
    reason = UNPRINTABLE.sub("�", attempt.reason) or A(attempt.state).label
    kinds = {A.PASSED: None, A.FAILED: Failure, A.ERROR: Error, A.TIMED_OUT: Error}
    kind = kinds.get(A(attempt.state), Skipped)
    if kind is not None:
        case.result = [kind(reason, attempt.state)]
    return case
