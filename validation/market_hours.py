"""Let a session run although the exchange is closed (C-82): it can't be signed any more.

Scenarios that need market data then run; those that order start in regular hours all the same.
"""

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction

from crucible.ledger.record import record
from crucible.live.publish import publish
from crucible.roles import Role, has_role
from validation import sessions
from validation.involvement import involve
from validation.models import Session, SessionState
from validation.sessions import SessionRefused

MAY_WAIVE = (Role.QA,)
SHORTEST, LONGEST = 10, 500


def waive(session: Session, by: User, reason: str) -> Session:
    """Waive the regular hours of a draft that has not run; nobody can take it back.

    Raises PermissionDenied for anybody but the QA Lead, and SessionRefused.
    """
    if not has_role(by, *MAY_WAIVE):
        raise PermissionDenied("Only the QA Lead lets a session run outside regular hours.")
    reason = reason.strip()
    if not SHORTEST <= len(reason) <= LONGEST:
        raise SessionRefused(f"Say why, in {SHORTEST} to {LONGEST} characters.")
    with transaction.atomic():
        session = sessions.lock(session)
        if not waivable(session):
            raise SessionRefused(f"{session.number}: only a draft that has not run, and only once.")
        involve(session, by, "waived the regular hours")
        sessions.assign(session, hours_waived_by=by, hours_waived_reason=reason)
        record(
            "session.hours_waived", "session", session.number, actor=by, reason=reason,
            session_kind=session.kind, approvable=session.approvable,
        )  # fmt: skip
        publish("dashboard", sessions.topic(session))
    return session


def waivable(session: Session) -> bool:
    """Say whether the session still stands before its run, with its hours required."""
    fresh = session.state == SessionState.DRAFT and session.started_at is None
    return fresh and session.hours_waived_by_id is None and not session.observes
