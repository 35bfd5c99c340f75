"""Find what was left behind: expired leases, clean-ups still to do, messages never delivered."""

import logging
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from asgiref.sync import async_to_sync
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from brokerage.models import KillSwitch
from crucible.alerts.raising import raise_alert
from crucible.ledger.record import record
from crucible.live.publish import publish
from validation import bookkeeping, evaluating, lease, outbox, pausing, sessions
from validation.bookkeeping import BY_HAND, NOT_FLAT
from validation.cleanup import LIMIT_S, Cleaned, clean_up
from validation.database_clock import after
from validation.log_stream import append
from validation.models import (
    AttemptState,
    CleanupState,
    Outbox,
    Session,
    SessionKind,
    SessionState,
)
from validation.models.session import TO_CLEAN
from validation.preflight.surroundings import beat
from validation.route import route
from validation.verdicts import Stop

logger = logging.getLogger(__name__)
SWEEPER = "sweeper"
# One clean-up at a time for each session, so the lease outlasts it; when it did not succeed, the
# next try comes after a minute.
CLEANUP_LEASE = timedelta(seconds=LIMIT_S + 30)
TRY_AGAIN_AFTER = timedelta(seconds=60)
UNCLAIMED_AFTER = timedelta(seconds=60)
PERIOD_S = 5.0
TOO_OLD = "The preflight's findings were more than 30 minutes old."
Apart = Callable[[Callable[[], object]], object]
LOST = "Its worker stopped answering in the middle of the run: no sign of life for 15 seconds."
NEXT = (
    "Nothing is repeated by itself. Read the clean-up's result below, check the worker's log, "
    "then start a new session that names this one as its predecessor."
)


def at_once(work: Callable[[], object]) -> object:
    """Do the work here and now."""
    return work()


def sweep(apart: Apart = at_once) -> float | None:
    """Do one round; return in how many seconds to look again, if before the next regular round.

    A clean-up may take minutes: it is given to `apart`, which need not wait for it.
    """
    beat()
    for session in lease.expired():
        _each(interrupt, session)
    for session in pausing.forgotten():
        _each(pausing.end_forgotten, session)
    for session in halted():
        _each(halt, session)
    for session in grown_old():
        _each(check_again, session)
    for session in waiting_for_cleanup():
        apart(partial(_each, finish_cleanup, session))
    for session in unclaimed():
        _each(_tell_unclaimed, session)
    outbox.deliver_again()
    _judge_rules()
    soon = lease.next_expiry()
    return max(soon, 0.0) + 0.1 if soon is not None and soon < PERIOD_S else None


def _judge_rules() -> None:
    """Each 5 s while a session is under way; beat asks each 30 s at any time."""
    try:
        if evaluating.under_way():
            evaluating.evaluate()
    except Exception:
        logger.exception("the rules could not be judged; they are again in the next round")


def _each(step: Callable[[Session], object], session: Session) -> None:
    """Take a step for one session; one that fails must not keep the others waiting."""
    try:
        step(session)
    except Exception:
        logger.exception("%s: the sweeper failed; it tries again", session.number)


def halted() -> list[Session]:
    """Return the sessions that wait for a worker or a person while the kill switch is not armed."""
    if KillSwitch.permits():
        return []
    waiting = (SessionState.PREFLIGHT, SessionState.READY, SessionState.PAUSED)
    found = Session.objects.filter(state__in=waiting, lease_until=None)
    return list(found.exclude(kind=SessionKind.OBSERVE).order_by("pk"))


def halt(session: Session) -> bool:
    """End a waiting session HALTED; False when somebody has taken it meanwhile."""
    with transaction.atomic():
        session = sessions.lock(session)
        if session.lease_until is not None or not session.may_move(SessionState.HALTED):
            return False
        sessions.end(session, bookkeeping.killed(), actor=SWEEPER)
    return True


def grown_old() -> list[Session]:
    """Return the sessions that are ready on findings that are too old to start on."""
    since = timezone.now() - lease.FINDINGS_LIVE
    old = Q(checked_at=None) | Q(checked_at__lt=since)
    return list(Session.objects.filter(old, state=SessionState.READY, lease_until=None))


def check_again(session: Session) -> bool:
    """Send a session that is ready back to its preflight; False when it has moved meanwhile."""
    with transaction.atomic():
        session = sessions.lock(session)
        if session.state != SessionState.READY or not sessions.stale(session):
            return False
        sessions.enqueue(session, SWEEPER, run=session.wanted, note=TOO_OLD)
    return True


def unclaimed() -> list[Session]:
    """Return the sessions that have waited for a worker for a minute."""
    long_ago = timezone.now() - UNCLAIMED_AFTER
    asked_lately = Outbox.objects.filter(created_at__gte=long_ago).values("payload__number")
    waiting = Session.objects.filter(lease.waiting(), created_at__lt=long_ago)
    lately = {row["payload__number"] for row in asked_lately}
    return [session for session in waiting if session.number not in lately]


def _tell_unclaimed(session: Session) -> None:
    raise_alert(
        "session-unclaimed", f"No worker has taken {session.number}",
        "It has waited for a minute, and its gateway is taken meanwhile. Start a worker, or abort "
        "the session.",
        severity="WARNING", ref=session.number,
    )  # fmt: skip


def interrupt(session: Session) -> bool:
    """Take an expired session away from its worker and end it INTERRUPTED; False if too late."""
    with transaction.atomic():
        taken = lease.take_over(session, SWEEPER)
        if taken is None:
            return False
        session = lease.guard(taken)
        running = session.attempts.filter(state=AttemptState.RUNNING).first()
        during = f" {running.scenario} was running." if running else ""
        sessions.end(session, Stop(SessionState.INTERRUPTED, LOST + during, NEXT), actor=SWEEPER)
        append(session, LOST + during, level="ERROR", source=SWEEPER, event="session.interrupted")
        raise_alert(
            "session-interrupted", f"{session.number} was interrupted", f"{LOST}{during} {NEXT}",
            severity="CRITICAL", ref=session.number,
        )  # fmt: skip
    logger.warning("%s interrupted", session.number)
    return True


def waiting_for_cleanup() -> list[Session]:
    """Return the ended sessions of which nobody has verified that nothing is left."""
    return list(Session.left_behind().filter(_free()).select_related("endpoint", "config"))


def _free() -> Q:
    return Q(lease_until=None) | Q(lease_until__lt=Now())


def finish_cleanup(session: Session) -> bool:
    """Cancel and flatten what an interrupted session left; False when another sweeper does it."""
    mine = _take_cleanup(session)
    if mine is None:
        return False
    with lease.fence(mine):
        cleaned = async_to_sync(clean_up)(route(session), session.number)
    try:
        _note_cleanup(mine, cleaned)
    except lease.StaleToken as error:
        logger.warning("clean-up: %s", error)
        return False
    return cleaned.ok


@transaction.atomic
def _take_cleanup(session: Session) -> lease.Lease | None:
    taken = Session.objects.filter(_free(), pk=session.pk, cleanup__in=TO_CLEAN).update(
        token=F("token") + 1, lease_owner=SWEEPER, lease_until=after(CLEANUP_LEASE)
    )
    if not taken:
        return None
    token = Session.objects.values_list("token", flat=True).get(pk=session.pk)
    return lease.Lease(session.pk, session.number, token, SWEEPER)


def _note_cleanup(mine: lease.Lease, cleaned: Cleaned) -> None:
    with lease.guarded(mine) as session:
        first = session.cleanup_note != cleaned.note
        session.cleanup_note = cleaned.note
        next_try = None if cleaned.ok else after(TRY_AGAIN_AFTER)
        session.lease_owner, session.lease_until = "", next_try
        if cleaned.ok:
            session.cleanup = CleanupState.DONE
        session.save(update_fields=["cleanup", "cleanup_note", "lease_owner", "lease_until"])
        level = "INFO" if cleaned.ok else "ERROR"
        if first:
            append(session, cleaned.note, level=level, source="clean-up", event="clean-up.note")
            kind = "session.cleaned" if cleaned.ok else "session.cleanup_failed"
            record(kind, "session", session.number, actor=SWEEPER, note=cleaned.note)
        if not cleaned.ok:
            _alert(session, cleaned)
        publish("dashboard", sessions.topic(session))


def _alert(session: Session, cleaned: Cleaned) -> None:
    raise_alert(
        "cleanup-failed", f"Clean-up of {session.number} failed",
        f"{NOT_FLAT} {cleaned.note} It is tried again each minute. {BY_HAND}",
        severity="CRITICAL", ref=session.number,
    )  # fmt: skip
