"""What a drill waits for a person to do now, and that person's word that it is done."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q

from crucible.ledger.models import Entry
from crucible.ledger.record import record
from crucible.live.publish import publish
from crucible.roles import has_role
from validation import sessions
from validation.involvement import involve
from validation.models import Attempt, AttemptState, LogLine, Session
from validation.scenarios.by_hand import PATIENCE_S, SEEN, YOUR_TURN
from validation.sessions import SessionRefused

CONFIRMED = "drill.confirmed"


@dataclass(frozen=True)
class Turn:
    """One step of a drill: what is to be done, since when it waits and until when it may.

    `said` is the entry of whoever confirmed it; the drill goes on when it sees the deed itself.
    """

    attempt: Attempt
    step: int
    text: str
    since: datetime
    until: datetime
    said: Entry | None


def turn(session: Session) -> Turn | None:
    """Return what a person has to do now for the drill that runs; None when nothing waits."""
    attempt = session.attempts.filter(state=AttemptState.RUNNING).last()
    told = Q(message__startswith=YOUR_TURN) | Q(source=SEEN)
    line = LogLine.objects.filter(told, attempt=attempt).last() if attempt else None
    if attempt is None or line is None or line.source == SEEN:
        return None
    patience = timedelta(seconds=PATIENCE_S / session.speed)
    text = line.message.removeprefix(f"{YOUR_TURN}: ")
    return Turn(attempt, line.pk, text, line.at, line.at + patience, _said(session, line))


def _said(session: Session, line: LogLine) -> Entry | None:
    entries = Entry.objects.filter(
        kind=CONFIRMED, object_type="session", object_id=session.number, at__gte=line.at
    )
    return next((one for one in entries if one.details["step"] == line.pk), None)


def confirm(session: Session, by: User, step: int) -> None:
    """Note that a person says to have done the step; who did has a hand in the session.

    Raises PermissionDenied, and SessionRefused when the drill waits for that step no more.
    """
    if not has_role(by, *sessions.MAY_TRY):
        raise PermissionDenied("Your role may not take part in drills.")
    with transaction.atomic():
        session = sessions.lock(session)
        now = turn(session)
        if now is None or now.step != step:
            raise SessionRefused("The drill does not wait for that step any more.")
        if now.said is not None:
            raise SessionRefused(f"{now.said.actor_name} has confirmed that step already.")
        involve(session, by, "did a step of a drill")
        record(CONFIRMED, "session", session.number, actor=by, step=step, did=now.text)
        publish("dashboard", sessions.topic(session))
