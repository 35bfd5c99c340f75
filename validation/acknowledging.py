"""A person acknowledges a session's warnings: each with a word on what follows from it (SC-10)."""

from collections.abc import Collection
from datetime import date, timedelta

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from brokerage.calendar import ET
from crucible.ledger.record import record
from crucible.live.publish import publish
from crucible.roles import Role, has_role
from validation import checklist, sessions
from validation.facts import Facts, Warned
from validation.involvement import involve
from validation.models import (
    Acknowledgement,
    HealthAttestation,
    Session,
    SessionState,
    Verdict,
)
from validation.sessions import SessionRefused

MAY_ACKNOWLEDGE = (Role.OP, Role.QS, Role.QA)
SHORTEST, LONGEST = 3, 500
# For how many days a metric's acknowledgement counts: as offered, and at most.
USUAL_DAYS, MOST_DAYS = 30, 90
REVIEWED = "1.2.27"
# What only a person can say before a session, such as the VIX.
VIX = "HP-14"
BY_PERSON = ("HP-02P", VIX, "HP-15")
UNDECIDED = (SessionState.MANUAL_CHECKS, SessionState.REPORTING)


def acknowledge(
    session: Session,
    by: User,
    text: str,
    only: Collection[str] | None = None,
    *,
    expires_on: date | None = None,
) -> list[Warned]:
    """Acknowledge the open warnings, or `only` those, and return them.

    Those of metrics count up to `expires_on`, a day in New York, and need one; others never expire.
    Raises PermissionDenied, and SessionRefused when there is nothing open of that name, no word or
    no such day was said, or the session is not under review.
    """
    text = _text(by, text)
    with transaction.atomic():
        session = sessions.lock(session)
        if session.state not in UNDECIDED:
            state = session.get_state_display().lower()
            raise SessionRefused(f"{session.number} is {state}: nothing is to be acknowledged.")
        left = Facts(session).open_warnings
        chosen = left if only is None else [one for one in left if one.key in set(only)]
        if not chosen or (only is not None and len(chosen) < len(set(only))):
            raise SessionRefused("There is no such warning to acknowledge any more.")
        until = _until(expires_on) if any(one.expires for one in chosen) else None
        for warned in chosen:
            _keep(session, by, warned, text, until if warned.expires else None)
        involve(session, by, "acknowledged warnings")
        if session.approvable:
            checklist.evaluate(session, codes=[REVIEWED])
        publish("dashboard", sessions.topic(session))
    return chosen


def last_days() -> tuple[date, date, date]:
    """Return the first, the usual and the last day up to which a metric may be acknowledged."""
    today = timezone.now().astimezone(ET).date()
    return today, today + timedelta(days=USUAL_DAYS), today + timedelta(days=MOST_DAYS)


def _until(day: date | None) -> date:
    first, _, last = last_days()
    if day is None or not first <= day <= last:
        raise SessionRefused(
            "Say up to which day the acknowledgement of a metric counts: "
            f"from {first} to {last}, {MOST_DAYS} days ahead."
        )
    return day


def _keep(session: Session, by: User, warned: Warned, text: str, until: date | None) -> None:
    before = session.acknowledgements.filter(warning=warned.key).count()
    Acknowledgement.objects.create(
        session=session, warning=warned.key, number=before + 1, text=text, by=by, expires_on=until
    )
    record(
        "warning.acknowledged", "session", session.number, actor=by, warning=warned.title,
        finding=warned.text, said=text, expires_on=until.isoformat() if until else None,
    )  # fmt: skip


def attest(session: Session, by: User, code: str, text: str) -> HealthAttestation:
    """Keep what a person says of a health check that no machine makes, until the scenarios end.

    Raises PermissionDenied and SessionRefused.
    """
    text = _text(by, text)
    if code not in BY_PERSON:
        raise SessionRefused(f"{code} is measured: nobody attests it.")
    with transaction.atomic():
        session = sessions.lock(session)
        if session.ended_at is not None or session.terminal:
            raise SessionRefused(f"{session.number} has ended: it is too late to attest {code}.")
        if code == VIX and _measured(session):
            raise SessionRefused("The gateway has told the VIX: acknowledge its warning instead.")
        said = HealthAttestation.objects.create(session=session, code=code, text=text, by=by)
        involve(session, by, f"attested {code}")
        record("health.attested", "session", session.number, actor=by, code=code, said=text)
        publish("dashboard", sessions.topic(session))
    return said


def _measured(session: Session) -> bool:
    """Whether the last preflight knows the VIX from the gateway, and not from a person."""
    last = session.preflights.order_by("number").last()
    known = last is not None and last.checks.filter(
        code=VIX, verdict__in=[Verdict.PASS, Verdict.WARN]
    )
    return bool(known) and not session.health_attestations.filter(code=VIX).exists()


def _text(by: User, text: str) -> str:
    if not has_role(by, *MAY_ACKNOWLEDGE):
        raise PermissionDenied("Your role may not acknowledge warnings.")
    text = text.strip()
    if not SHORTEST <= len(text) <= LONGEST:
        raise SessionRefused(f"Say what follows from it, in {SHORTEST} to {LONGEST} characters.")
    return text
