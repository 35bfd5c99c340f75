"""What is signed: the manifest of a session, what blocks it, and who may not sign it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User

from brokerage.models import Execution, OrderRecord
from crucible.ledger.canonical import canonical, digest, plain
from crucible.ledger.record import record
from validation import (
    archiving,
    board,
    board_comment,
    checklists,
    differences,
    findings,
    milestones,
    reports,
    revisions,
    sessions,
    uploads,
)
from validation.checklist import open_blocking, planned, settle
from validation.facts import Facts, Warned
from validation.involvement import involve
from validation.models import (
    Attempt,
    AttemptState,
    Column,
    FaultWindow,
    Item,
    Session,
    SessionState,
)
from validation.signals import changed

__all__ = ["SessionEvidence", "Summary", "changed", "load"]

S = SessionState
AGAIN = "Nobody's word stands against that: run it again, or start a new session."
BACK_TO_REPORTING = ("CHANGES_REQUESTED", "VOIDED", "WITHDRAWN")


@dataclass(frozen=True)
class Summary:
    """What a signer reads first."""

    title: str
    url: str
    simulated: bool
    lines: Sequence[str]


class SessionEvidence:
    """The evidence of validation sessions; subjects are session numbers.

    A page that has read a session already hands it over as `known`: heading and blockers then rest
    on it. What is signed, and everything that changes something, is read anew each time.
    """

    def __init__(self, known: Facts | None = None) -> None:
        self._known = known

    def lock(self, subject: str) -> None:
        """Hold the session's row until the transaction ends."""
        Session.objects.select_for_update().get(number=subject)

    def manifest(self, subject: str) -> Mapping[str, Any]:
        """Return all that a signature vouches for, as JSON values."""
        session = _get(subject)
        facts = Facts(session)
        attempts = sorted(facts.all_attempts, key=lambda one: (one.position, one.number))
        whole: dict[str, Any] = plain(
            {
                "session": _session(session),
                "configuration": _configuration(session),
                "results": [_result(attempt) for attempt in facts.all_attempts],
                "checks": list(_checks(attempts)),
                "metrics": list(_metrics(attempts)),
                "orders": [_order(order) for order in facts.orders],
                "fills": [_fill(fill) for fill in facts.executions],
                "findings": findings.content(session),
                "reconciliation": differences.content(session),
                "log": _log(facts),
                "preflights": list(_preflights(session)),
                "planned_faults": [_window(window) for window in facts.windows],
                "acknowledgements": [_acknowledged(warned) for warned in facts.warnings],
                "checklist": [_item(item) for item in session.checklist.items.all()]
                if session.approvable
                else [],
                "not_covered": _left_out(session),
                "artefacts": archiving.evidence(session),
            }
        )
        return whole

    def blockers(self, subject: str) -> list[str]:
        """Return what speaks against a signature, a sentence each."""
        return list(_blockers(self._facts(subject)))

    def _facts(self, subject: str) -> Facts:
        known = self._known
        return known if known and known.session.number == subject else Facts(_get(subject))

    def summary(self, subject: str) -> Summary:
        """Return the heading under which the session is signed."""
        facts = self._facts(subject)
        session = facts.session
        lines = [
            f"{facts.count(AttemptState.PASSED)} of {session.planned} scenarios passed.",
            f"Gateway: {session.endpoint_name}. Configuration revision {session.config.number}.",
            f"Code version {session.code_version[:12]}.",
        ]
        again = [attempt.scenario for attempt in facts.latest.values() if attempt.number > 1]
        if again:
            lines.append(f"Needed more than one attempt: {', '.join(again)}.")
        if session.known_issues.strip():
            lines.append(f"Known issues: {session.known_issues.strip()[:300]}")
        label = "SIMULATED · " if session.simulated else ""
        return Summary(
            title=f"{label}Validation session {session.number}",
            url=session.get_absolute_url(),
            simulated=session.simulated,
            lines=lines,
        )

    def conflicts(self, subject: str) -> dict[int, str]:
        """Return who may not sign: the person's id → the first of their deeds."""
        session = _get(subject)
        found: dict[int, str] = {}
        for deed in session.involvements.all():
            found.setdefault(deed.person_id, deed.what)
        found = differences.settlers(session) | found
        for person, what in uploads.uploaders(session).items():
            found.setdefault(person, what)
        config = session.config
        if config.author_id is not None and not config.expiry_only:
            found.setdefault(config.author_id, f"wrote configuration revision {config.number}")
        return found

    def submitted(self, subject: str, request_id: int, by: User) -> None:
        """Freeze the report, and let session and task wait for the signatures."""
        session = _locked(subject)
        involve(session, by, "submitted the session")
        report = reports.freeze(session)
        sessions.move(session, S.AWAITING_APPROVAL, actor=by, event="submitted")
        record(
            "report.frozen", "session", subject, actor=by, version=report.version,
            sha256=report.sha256, request=request_id,
        )  # fmt: skip
        why = board_comment.submitted(Facts(session), request_id)
        _move_task(session, Column.AWAITING_APPROVAL, by, why)

    def decided(self, subject: str, outcome: str, by: User | None, note: str) -> None:
        """Take the decision over to the session and its task."""
        session = _locked(subject)
        actor: User | str = by or "system"
        words = f"Sign-off {outcome.replace('_', ' ').lower()}{': ' + note if note else '.'}"
        if outcome == "APPROVED":
            sessions.move(session, S.APPROVED, actor=actor, note=note)
            _supersede(session)
            _move_task(session, Column.DONE, actor, words)
            milestones.open_transition(session)
        elif outcome == "REJECTED":
            sessions.move(session, S.REJECTED, actor=actor, note=note, outcome_reason=words)
            _move_task(session, Column.IN_PROGRESS, actor, words)
        elif outcome in BACK_TO_REPORTING:
            sessions.move(session, S.REPORTING, actor=actor, event="reopened", note=note)
            _move_task(session, Column.VALIDATION, actor, words)
            settle(session)
        else:
            raise ValueError(f"unknown outcome {outcome}")


def load() -> SessionEvidence:
    """Return the evidence that sign-offs rest on."""
    return SessionEvidence()


def _get(subject: str) -> Session:
    return Session.objects.select_related("config", "created_by", "restart_of").get(number=subject)


def _locked(subject: str) -> Session:
    return Session.objects.select_for_update().get(number=subject)


def _supersede(session: Session) -> None:
    """Let a newly approved session take the place of the earlier ones of its kind."""
    earlier = Session.objects.select_for_update().filter(
        state=S.APPROVED, kind=session.kind, simulated=session.simulated,
        created_at__lt=session.created_at,
    )  # fmt: skip
    for old in earlier.exclude(pk=session.pk).order_by("pk"):
        sessions.move(old, S.SUPERSEDED, actor="system", note=f"{session.number} was approved.")


def _move_task(session: Session, column: Column, actor: User | str, why: str) -> None:
    board.move_by_system(
        session.task, column, actor=actor, why=f"Session {session.number}: {why}",
        link=sessions.link(session), session=session,
    )  # fmt: skip


def _blockers(facts: Facts) -> Iterator[str]:
    session = facts.session
    if not session.approvable:
        kind = session.get_kind_display().lower()
        yield f"Only a full session can be signed; this one is of the kind {kind}."
        return
    if session.in_flight:
        yield "The session has not ended yet."
        return
    if session.state not in {S.REPORTING, S.AWAITING_APPROVAL}:
        yield f"The session is in the state {session.get_state_display().lower()}."
    for attempt in facts.latest.values():
        if attempt.state != AttemptState.PASSED:
            yield f"{attempt.scenario} {attempt.title} {attempt.get_state_display().lower()}."
    yield from _doubts(facts)
    yield from findings.blockers(facts.seen)
    for item in open_blocking(session):
        yield f"Checklist item {item.code} is open: {item.text}."
    if session.state in {S.REPORTING, S.AWAITING_APPROVAL} and not revisions.agrees(session):
        yield "Another configuration is in force now: start a new session."


def _doubts(facts: Facts) -> Iterator[str]:
    if left := len(facts.open_warnings):
        yield f"{left} warning{'s are' if left > 1 else ' is'} not acknowledged yet."
    if expired := sum(warned.expired for warned in facts.warnings):
        yield f"{expired} acknowledgement{'s have' if expired > 1 else ' has'} expired."
    for row in facts.failed_metrics:
        yield f"{row.code} {row.limit.name} misses its limit: {row.told} {AGAIN}"
    if facts.config.thresholds.strict:
        for row in facts.doubtful_metrics:
            yield f"The policy is strict, and {row.code} {row.limit.name} is in doubt: {row.told}"


def _session(session: Session) -> dict[str, Any]:
    return {
        "number": session.number,
        "kind": session.kind,
        "simulated": session.simulated,
        "gateway": session.endpoint_name,
        "speed": session.speed,
        "seed": session.seed,
        "code_version": session.code_version,
        "created_by": session.created_by.get_username(),
        "created_at": session.created_at,
        "started_at": session.started_at,
        "ended_at": session.ended_at,
        "planned": session.planned,
        "fail_fast": session.fail_fast,
        "restart_of": session.restart_of.number if session.restart_of else None,
        "clean_up": f"{session.cleanup}: {session.cleanup_note}",
        "facts": session.facts,
        "summary": session.summary,
        "known_issues": session.known_issues,
        "recommendation": session.recommendation,
        # Left out when empty: what was signed before there were any keeps its digest.
        **({"stability_notes": session.stability_notes} if session.stability_notes else {}),
    }


def _configuration(session: Session) -> dict[str, Any]:
    # What has been decided stays as it was decided, whatever comes into force later.
    still = session.terminal or revisions.agrees(session)
    config = session.config
    # Of the content as it stands: the stored digest would not tell that somebody edited the row.
    sha256 = digest(canonical(config.content))
    return {"revision": config.number, "sha256": sha256, "in_force": still}


def _result(attempt: Attempt) -> dict[str, Any]:
    return {
        "id": _name(attempt),
        "title": attempt.title,
        "state": attempt.state,
        "reason": attempt.reason,
        "started_at": attempt.started_at,
        "ended_at": attempt.ended_at,
        "duration_ms": attempt.duration_ms,
        "version": attempt.version,
    }


def _checks(attempts: Sequence[Attempt]) -> Iterator[dict[str, Any]]:
    for attempt in attempts:
        for check in attempt.checks.all():
            yield {
                "id": f"{_name(attempt)}/{check.position}",
                "name": check.name,
                "expected": check.expected,
                "actual": check.actual,
                "passed": check.passed,
                "required": check.required,
            }


def _metrics(attempts: Sequence[Attempt]) -> Iterator[dict[str, Any]]:
    for attempt in attempts:
        for position, metric in enumerate(attempt.metrics.all(), start=1):
            yield {
                "id": f"{_name(attempt)}/{position}",
                "name": metric.name,
                "value": metric.value,
                "unit": metric.unit,
            }


def _name(attempt: Attempt) -> str:
    return f"{attempt.scenario}#{attempt.number}"


def _order(order: OrderRecord) -> dict[str, Any]:
    names = (
        "ref", "symbol", "local_symbol", "side", "quantity", "order_type", "limit_price",
        "purpose", "route", "account", "state", "filled", "avg_price", "order_id", "created_at",
    )  # fmt: skip
    return {"id": order.pk, **{name: getattr(order, name) for name in names}}


def _fill(fill: Execution) -> dict[str, Any]:
    names = ("symbol", "side", "quantity", "price", "at")
    return {"id": fill.exec_id, **{name: getattr(fill, name) for name in names}}


def _log(facts: Facts) -> dict[str, Any]:
    lines = [
        [line.at, line.level, line.source, line.message, line.code, line.planned]
        for line in facts.log_lines
    ]
    return {"lines": len(lines), "sha256": digest(canonical(lines))}


def _preflights(session: Session) -> Iterator[dict[str, Any]]:
    for run in session.preflights.prefetch_related("checks"):
        for check in run.checks.all():
            yield {
                "id": f"{run.number}/{check.code}",
                "limit": check.limit,
                "finding": check.finding,
                "verdict": check.verdict,
            }


def _window(window: FaultWindow) -> dict[str, Any]:
    return {
        "id": window.pk,
        "starts_at": window.starts_at,
        "ends_at": window.ends_at,
        "why": window.why,
    }


def _acknowledged(warned: Warned) -> dict[str, Any]:
    said = warned.acknowledged
    return {
        "id": warned.key,
        "title": warned.title,
        "text": said.text if said else None,
        "by": _who(said.by) if said else None,
        "at": said.at if said else None,
        "expires_on": said.expires_on if said else None,
    }


def _item(item: Item) -> dict[str, Any]:
    return {
        "code": item.code,
        "text": item.text,
        "blocking": item.blocking,
        "state": item.state,
        "finding": item.finding,
        "note": item.note,
        "risk": item.risk,
        "evidence": item.evidence_ref,
        "closed_by": _who(item.closed_by),
        "closed_at": item.closed_at,
        "acknowledged_by": _who(item.acknowledged_by),
        "acknowledged_at": item.acknowledged_at,
    }


def _who(person: User | None) -> str | None:
    return person.get_username() if person else None


def _left_out(session: Session) -> list[dict[str, str]]:
    missing = checklists.left_out(planned(session))
    return [{"code": code, "reason": reason} for code, reason in missing.items()]
