"""Pause a session between two scenarios, and resume it; one that is forgotten is aborted."""

from datetime import timedelta

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from brokerage.models import KillSwitch
from crucible.ledger.record import record
from crucible.live.publish import publish
from crucible.roles import has_role
from validation import outbox, sessions
from validation.involvement import involve
from validation.models import Session, SessionState
from validation.sessions import MAY_START, MAY_TRY, SessionRefused
from validation.verdicts import Stop

LONGEST = timedelta(minutes=30)
FORGOTTEN = Stop(
    SessionState.ABORTED,
    f"It was paused for more than {LONGEST.total_seconds() / 60:.0f} minutes.",
    "Start a new session that names this one as its predecessor.",
    actor="sweeper",
)


def pause(session: Session, by: User, reason: str) -> Session:
    """Ask for a pause before the next scenario; the one that runs comes to its end.

    Raises PermissionDenied and SessionRefused.
    """
    _require(session, by)
    if not (reason := reason.strip()):
        raise SessionRefused("Say why the session is paused.")
    with transaction.atomic():
        session = sessions.lock(session)
        _refuse_pause(session)
        involve(session, by, "paused the session")
        sessions.assign(session, pause_requested_by=by, pause_reason=reason[:500])
        record("session.pause_requested", "session", session.number, actor=by, reason=reason)
        publish("dashboard", sessions.topic(session))
    return session


def _refuse_pause(session: Session) -> None:
    if session.state != SessionState.RUNNING:
        state = session.get_state_display()
        raise SessionRefused(f"{session.number} is {state}: only a running session is paused.")
    if session.observes:
        raise SessionRefused("A pause would be a gap in what is seen: end the observation.")
    if session.pause_requested_by_id is not None:
        raise SessionRefused(f"{session.number} pauses after the scenario that runs now.")
    if session.lease_owner.startswith("foreground@"):
        raise SessionRefused(f"{session.number} runs in a shell, which would lose it: let it end.")


def resume(session: Session, by: User) -> Session:
    """Let a paused session go on: a worker makes the same checks as at the start first.

    Raises PermissionDenied and SessionRefused.
    """
    _require(session, by)
    if not KillSwitch.permits():
        raise SessionRefused("The kill switch is not armed. Two people must reset it first.")
    with transaction.atomic():
        session = sessions.lock(session)
        if session.state != SessionState.PAUSED:
            state = session.get_state_display()
            raise SessionRefused(f"{session.number} is {state}: only a paused one is resumed.")
        if too_long(session):
            raise SessionRefused(f"{session.number} was paused for too long. Start a new session.")
        if session.wanted:
            raise SessionRefused(f"{session.number} is being resumed already.")
        sessions.refuse_change(session)
        involve(session, by, "resumed the session")
        sessions.assign(session, wanted=True)
        record("session.resumption_requested", "session", session.number, actor=by)
        outbox.post("session.execute", number=session.number)
        publish("dashboard", sessions.topic(session))
    return session


def _require(session: Session, by: User) -> None:
    if not has_role(by, *(MAY_START if session.approvable else MAY_TRY)):
        raise PermissionDenied("Your role may not pause or resume this session.")


def too_long(session: Session) -> bool:
    """Say whether a pause has lasted longer than it may."""
    return session.paused_at is not None and timezone.now() - session.paused_at > LONGEST


def forgotten() -> list[Session]:
    """Return the sessions that were paused for too long, unless a worker resumes them just now."""
    since = timezone.now() - LONGEST
    return list(
        Session.objects.filter(
            state=SessionState.PAUSED, paused_at__lt=since, lease_until=None
        ).order_by("pk")
    )


def end_forgotten(session: Session) -> bool:
    """Abort one of them; False when somebody has resumed it meanwhile."""
    with transaction.atomic():
        session = sessions.lock(session)
        waits = session.state == SessionState.PAUSED and session.lease_until is None
        if not waits or not too_long(session):
            return False
        sessions.end(session, FORGOTTEN, actor=FORGOTTEN.actor)
    return True
