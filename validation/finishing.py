"""End an observing session before its time: it looks a last time, compares, and is complete."""

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction

from crucible.ledger.record import record
from crucible.live.publish import publish
from crucible.roles import has_role
from validation import sessions
from validation.involvement import involve
from validation.models import Session, SessionState
from validation.sessions import MAY_TRY, SessionRefused


def finish(session: Session, by: User, *, trusted: bool = False) -> Session:
    """Ask an observing session to come to its end within a few seconds; its evidence counts.

    Raises PermissionDenied (not for the `trusted` shell that runs it) and SessionRefused.
    """
    if not trusted and not has_role(by, *MAY_TRY):
        raise PermissionDenied("Your role may not end this session.")
    with transaction.atomic():
        session = sessions.lock(session)
        _refuse(session)
        involve(session, by, "ended the observation")
        sessions.assign(session, finish_requested_by=by)
        record("session.finish_requested", "session", session.number, actor=by)
        publish("dashboard", sessions.topic(session))
    return session


def _refuse(session: Session) -> None:
    if not session.observes:
        raise SessionRefused("Only an observing session can be ended early; abort this one.")
    if session.state != SessionState.RUNNING:
        state = session.get_state_display()
        raise SessionRefused(f"{session.number} is {state}: only a running one comes to its end.")
    if session.finish_requested_by_id is not None:
        raise SessionRefused(f"{session.number} is coming to its end already.")
