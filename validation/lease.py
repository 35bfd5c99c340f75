"""Who runs a session: the database says so, by a lease and a fencing token."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from brokerage.errors import OrderRefused
from brokerage.safety import fenced
from crucible.ledger.record import record
from validation.build import code_version
from validation.database_clock import after, left_until
from validation.models import Session, SessionState

LEASE = timedelta(seconds=15)
RENEW_EVERY_S = 5.0
# A start rests on a preflight whose findings are younger than this.
FINDINGS_LIVE = timedelta(minutes=30)
# A worker holds a lease in these: also while it makes the preflight of a start or a resumption.
HELD = (
    SessionState.PREFLIGHT,
    SessionState.PAUSED,
    SessionState.RUNNING,
    SessionState.CLEANUP,
)


class StaleToken(Exception):  # noqa: N818 - the specification's name
    """Another worker or the sweeper has taken the session: nothing more may be written to it."""


@dataclass(frozen=True)
class Lease:
    """The right to write to a session, until somebody with a higher token takes it."""

    session_id: int
    number: str
    token: int
    owner: str


def claim(number: str, owner: str) -> Lease | None:
    """Take a waiting session; None when it is not waiting any more.

    One that is READY and wanted begins to run, on findings that are still fresh; should this worker
    be of another version than the session, its preflight comes again. One in PREFLIGHT, or paused
    and to go on, keeps its state: its preflight comes first. One UPDATE decides among all
    workers; a session whose worker was lost is never claimed again: what is left of it belongs to
    the sweeper.
    """
    with transaction.atomic():
        waiting = Session.objects.filter(number=number, abort_requested_at=None, lease_until=None)
        begun = _begin(waiting, owner)
        doubted = not begun and _doubt(waiting, owner)
        if not (begun or doubted or _hold(waiting, owner)):
            return None
        session = Session.objects.get(number=number)
        if begun:
            record(
                "session.running", "session", number, actor="worker", token=session.token,
                before=SessionState.READY, after=SessionState.RUNNING,
            )  # fmt: skip
        if doubted:
            record(
                "session.preflight", "session", number, actor="worker",
                note="This worker runs another version of the product.",
                before=SessionState.READY, after=SessionState.PREFLIGHT,
            )  # fmt: skip
    return Lease(session.pk, session.number, session.token, owner)


def waiting() -> Q:
    """Return the condition on sessions that wait for a worker."""
    wanted = Q(state__in=[SessionState.READY, SessionState.PAUSED], wanted=True)
    return Q(lease_until=None) & (Q(state=SessionState.PREFLIGHT) | wanted)


def _begin(waiting: QuerySet[Session], owner: str) -> int:
    now = timezone.now()
    return waiting.filter(
        state=SessionState.READY, wanted=True, checked_at__gt=now - FINDINGS_LIVE,
        code_version=code_version(),
    ).update(
        **_taken(owner), state=SessionState.RUNNING, started_at=Coalesce("started_at", now)
    )  # fmt: skip


def _hold(waiting: QuerySet[Session], owner: str) -> int:
    to_check = Q(state=SessionState.PREFLIGHT) | Q(state=SessionState.PAUSED, wanted=True)
    return waiting.filter(to_check).update(**_taken(owner))


def _doubt(waiting: QuerySet[Session], owner: str) -> int:
    """Take one that is of another version than this worker back to its preflight."""
    ready = waiting.filter(state=SessionState.READY, wanted=True)
    return ready.exclude(code_version=code_version()).update(
        **_taken(owner), state=SessionState.PREFLIGHT, checked_at=None
    )


def _taken(owner: str) -> dict[str, Any]:
    return {"token": F("token") + 1, "lease_owner": owner, "lease_until": after(LEASE)}


def renew(lease: Lease) -> None:
    """Prolong the lease by 15 s from now; raises StaleToken when it is not ours any more."""
    mine = Session.objects.filter(pk=lease.session_id, token=lease.token, state__in=HELD)
    if not mine.update(lease_until=after(LEASE)):
        raise StaleToken(f"{lease.number}: token {lease.token} is not the current one")


@contextmanager
def guarded(lease: Lease) -> Iterator[Session]:
    """Open a transaction that only the holder of the current token may write in.

    The session's row is locked until it ends, so that a take-over waits. Raises StaleToken.
    """
    with transaction.atomic():
        yield guard(lease)


def guard(lease: Lease) -> Session:
    """Lock and return the session inside the caller's transaction; raises StaleToken."""
    session = Session.objects.select_for_update().filter(pk=lease.session_id).first()
    if session is None or session.token != lease.token:
        raise StaleToken(f"{lease.number}: token {lease.token} is not the current one")
    return session


def fence(lease: Lease) -> AbstractContextManager[None]:
    """Refuse every order inside the block once the token is stale, in the order's transaction.

    Those of an observing session are refused in any case, clean-up included.
    """

    def still_ours() -> None:
        try:
            session = guard(lease)
        except StaleToken as error:
            raise OrderRefused("LEASE_LOST", f"{error}; no order leaves any more.") from error
        if session.observes:
            text = f"{lease.number} observes: it sends no order, not even to close a position."
            raise OrderRefused("OBSERVING", text)

    return fenced(still_ours)


def expired() -> list[Session]:
    """Return the sessions whose worker has not renewed its lease in time."""
    return list(Session.objects.filter(state__in=HELD, lease_until__lt=Now()))


def next_expiry() -> float | None:
    """Return in how many seconds the next lease ends, or None when no session runs."""
    running = Session.objects.filter(state__in=HELD).exclude(lease_until=None)
    left = running.order_by("lease_until").values_list(left_until("lease_until"), flat=True)
    first: timedelta | None = left.first()
    return None if first is None else first.total_seconds()


def take_over(session: Session, owner: str) -> Lease | None:
    """Take an expired lease for the sweeper; None when somebody else was faster, or it was renewed.

    The old worker's token becomes stale in the same statement.
    """
    still = Q(token=session.token, state__in=HELD, lease_until__lt=Now())
    taken = Session.objects.filter(still, pk=session.pk).update(
        token=F("token") + 1, lease_owner=owner, lease_until=after(LEASE)
    )
    return Lease(session.pk, session.number, session.token + 1, owner) if taken else None
