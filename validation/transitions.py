"""Move a locked session along its state machine, each step with its entry in the ledger."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from brokerage.models import OrderGrant
from crucible.ledger.record import record
from crucible.live.publish import publish
from validation import board, checklist, metrics, milestones
from validation.models import AttemptState, CleanupState, Column, Session, SessionState
from validation.scenarios import catalogue
from validation.scenarios.catalogue import ORDERS
from validation.verdicts import Stop, Told

# Longer than the longest suite: the grant ends with the session anyway.
GRANT_LIVES = timedelta(hours=2)
S = SessionState


class SessionRefused(Exception):  # noqa: N818 - an answer, not a fault
    """The session can't be started or changed as things stand; the text says why."""


def abort_stop(who: str, reason: str) -> Stop:
    """Return the end of a session that a person aborted."""
    return Stop(S.ABORTED, f"{who} aborted it: {reason}", "Start a new session when ready.")


def lock(session: Session) -> Session:
    """Lock and re-read a session inside the caller's transaction."""
    return Session.objects.select_for_update().get(pk=session.pk)


def move(
    session: Session, state: SessionState, *, actor: User | str, event: str = "", **fields: Any
) -> None:
    """Move a locked session along its state machine and write the ledger; raises SessionRefused."""
    if not session.may_move(state):
        raise SessionRefused(f"{session.number} can't go from {session.state} to {state}.")
    before = session.state
    details = {key: fields.pop(key) for key in ("scenarios", "note") if key in fields}
    assign(session, state=state, **fields)
    kind = f"session.{event or state.lower()}"
    record(kind, "session", session.number, actor=actor, before=before, after=state, **details)
    publish("dashboard", topic(session))


def end(session: Session, stop: Stop, *, actor: User | str, **fields: Any) -> None:
    """End a locked session before its time: open attempts are aborted, the task is told."""
    what = f"The session ended {SessionState(stop.state).label.upper()}."
    abort_attempts(session, stop.why)
    revoke_grants(session)
    outcome = str(Told(what, stop.why, stop.do))
    move(
        session, stop.state, actor=actor, note=stop.why, outcome_reason=outcome,
        ended_at=timezone.now(), lease_owner="", lease_until=None, **fields,
    )  # fmt: skip
    column = Column.BLOCKED if stop.state in {S.BLOCKED, S.HALTED} else Column.IN_PROGRESS
    why = f"Session {session.number}: {outcome}"
    board.move_by_system(
        session.task, column, actor="system", why=why, link=link(session), session=session
    )
    if stop.state == S.HALTED or (stop.state == S.BLOCKED and session.approvable):
        task = board.follow_up(session.number, stop.why, link(session))
        assign(session, follow_up=task)
        if stop.state == S.BLOCKED:
            milestones.open_rollback(session, task)


def revoke_grants(session: Session) -> None:
    """Let no order of the session leave any more."""
    OrderGrant.objects.filter(scope=session.number, revoked_at=None).update(
        revoked_at=timezone.now()
    )


def abort_attempts(session: Session, why: str) -> None:
    """Mark every attempt that has not ended as ABORTED."""
    for attempt in session.attempts.filter(state__in=[AttemptState.PENDING, AttemptState.RUNNING]):
        attempt.reason = why
        attempt.ended_at = timezone.now() if attempt.started_at else None
        attempt.state = AttemptState.ABORTED
        attempt.save(update_fields=["state", "reason", "ended_at"])
        record("attempt.aborted", "attempt", attempt.pk, actor="system", attempt=str(attempt))


def begin(session: Session) -> OrderGrant | None:
    """Issue the order grant of a session that runs, if it needs one.

    Its metrics and their limits are written down first: what counts is fixed before it is known.
    """
    metrics.freeze(session)
    pending = session.attempts.filter(state=AttemptState.PENDING)
    definitions = [catalogue.load().get(attempt.scenario) for attempt in pending]
    publish("dashboard", topic(session))
    if session.observes or not any(definition.wants(ORDERS) for definition in definitions):
        return None
    assign(session, cleanup=CleanupState.PENDING)
    extra = {symbol for definition in definitions for symbol in definition.trades}
    return _issue_grant(session, extra)


def _issue_grant(session: Session, extra: set[str]) -> OrderGrant:
    """Grant what is left: what the session sent before a pause, or a rerun, still counts.

    It may trade the configured test contract, and `extra` symbols that packages have declared.
    """
    limits, contracts = (session.config.content[key] for key in ("limits", "test_contracts"))
    left = max(limits["max_orders"] - OrderGrant.orders_used_by(session.number), 0)
    grant = OrderGrant.objects.create(
        scope=session.number, endpoint=session.endpoint, issued_by=session.created_by,
        expires_at=timezone.now() + GRANT_LIVES, max_orders=left,
        max_contracts=limits["max_contracts"], max_shares=limits["max_shares"],
        max_notional=limits["max_notional"],
        max_premium=contracts["spy_weekly_call"]["premium_cap"],
        symbols=sorted({contracts["spy"]["symbol"]} | extra),
    )  # fmt: skip
    record(
        "grant.issued", "grant", grant.pk, actor="system", scope=session.number,
        symbols=grant.symbols, max_orders=left,
    )  # fmt: skip
    return grant


def complete(session: Session, *, actor: str) -> None:
    """End the run of a locked session whose scenarios are all done: people go on from here."""
    revoke_grants(session)
    target = S.MANUAL_CHECKS if session.approvable else S.REPORTING
    move(
        session, target, actor=actor, event="completed", ended_at=timezone.now(),
        lease_owner="", lease_until=None,
    )  # fmt: skip
    if session.approvable:
        checklist.evaluate(session)


def assign(session: Session, **fields: Any) -> None:
    """Store these fields of a locked session."""
    for name, value in fields.items():
        setattr(session, name, value)
    session.save(update_fields=list(fields))


def link(session: Session) -> str:
    """Return the address of the session's page, for comments."""
    return f"/sessions/{session.number}/"


def topic(session: Session) -> str:
    """Return the name under which open pages hear of the session."""
    return topic_of(session.number)


def topic_of(number: str) -> str:
    """Return the name under which open pages hear of the session with this number."""
    return f"session:{number}"
