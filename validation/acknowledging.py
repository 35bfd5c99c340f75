"""A person acknowledges a session's warnings: each with a word on what follows from it (SC-10)."""

from collections.abc import Collection

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction

from crucible.ledger.record import record
from crucible.live.publish import publish
from crucible.roles import Role, has_role
from validation import checklist, sessions
from validation.facts import Facts, Warned
from validation.involvement import involve
from validation.models import Acknowledgement, HealthAttestation, Session, SessionState
from validation.sessions import SessionRefused

MAY_ACKNOWLEDGE = (Role.OP, Role.QS, Role.QA)
SHORTEST, LONGEST = 3, 500
REVIEWED = "1.2.27"
# What only a person can say before a session, such as the VIX.
BY_PERSON = ("HP-02P", "HP-14", "HP-15")
UNDECIDED = (SessionState.MANUAL_CHECKS, SessionState.REPORTING)


def acknowledge(
    session: Session, by: User, text: str, only: Collection[str] | None = None
) -> list[Warned]:
    """Acknowledge the open warnings, or `only` those, and return them.

    Raises PermissionDenied, and SessionRefused when there is nothing open of that name, no word
    was said, or the session is not under review.
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
        for warned in chosen:
            _keep(session, by, warned, text)
        involve(session, by, "acknowledged warnings")
        if session.approvable:
            checklist.evaluate(session, codes=[REVIEWED])
        publish("dashboard", sessions.topic(session))
    return chosen


def _keep(session: Session, by: User, warned: Warned, text: str) -> None:
    Acknowledgement.objects.create(session=session, warning=warned.key, text=text, by=by)
    record(
        "warning.acknowledged", "session", session.number, actor=by, warning=warned.title,
        finding=warned.text, said=text,
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
        said = HealthAttestation.objects.create(session=session, code=code, text=text, by=by)
        involve(session, by, f"attested {code}")
        record("health.attested", "session", session.number, actor=by, code=code, said=text)
        publish("dashboard", sessions.topic(session))
    return said


def _text(by: User, text: str) -> str:
    if not has_role(by, *MAY_ACKNOWLEDGE):
        raise PermissionDenied("Your role may not acknowledge warnings.")
    text = text.strip()
    if not SHORTEST <= len(text) <= LONGEST:
        raise SessionRefused(f"Say what follows from it, in {SHORTEST} to {LONGEST} characters.")
    return text
