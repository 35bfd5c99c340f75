"""Ask for the password again before a signature; five wrong ones stop a person's signing."""

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from approvals.guards import Reason, Refused, refuse
from crucible.alerts.models import Alert
from crucible.alerts.raising import raise_alert
from crucible.calendar import ET
from crucible.ledger.models import Entry
from crucible.ledger.record import record

WRONG = "signoff.password_refused"
ATTEMPTS = 5
WITHIN = timedelta(minutes=5)
LOCKED_FOR = timedelta(minutes=5)


def confirm(signer: User, password: str, *, about: int) -> None:
    """Raise Refused unless it is the person's password and their signing is not locked.

    Wrong ones are counted from the ledger, so that no restart and no second process forgets them.
    Call it outside of a transaction that a refusal would roll back.
    """
    right = signer.check_password(password)  # slow on purpose, so before the lock
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=signer.pk)
        until = locked_until(signer)
        if until is None and not right:
            _note(signer, about)
    if until is not None:
        raise _locked_out(until)
    if not right:
        raise refuse(
            Reason.PASSWORD,
            "The password is wrong.",
            "Signing takes your own password, entered again.",
            f"Enter it again; {ATTEMPTS} wrong ones in five minutes lock signing for five minutes.",
        )


def locked_until(signer: User) -> datetime | None:
    """Return until when the person can't sign because of wrong passwords, or None."""
    wrong = list(
        Entry.objects.filter(actor=signer, kind=WRONG)
        .order_by("-sequence")
        .values_list("at", flat=True)[:ATTEMPTS]
    )
    if len(wrong) < ATTEMPTS or wrong[0] - wrong[-1] > WITHIN:
        return None
    until: datetime = wrong[0] + LOCKED_FOR
    return until if timezone.now() < until else None


def _note(signer: User, about: int) -> None:
    record(WRONG, "signoff", about, actor=signer)
    if until := locked_until(signer):
        record("signoff.signing_locked", "signoff", about, actor=signer, until=until)
        raise_alert(
            "signoff.signing_locked",
            f"Signing is locked for {signer.get_username()}",
            f"{ATTEMPTS} wrong passwords in five minutes. Ask whether it was them.",
            severity=Alert.Severity.WARNING,
            ref=f"person:{signer.get_username()}",
        )


def _locked_out(until: datetime) -> Refused:
    return refuse(
        Reason.LOCKED_OUT,
        "Your signing is locked.",
        f"There were {ATTEMPTS} wrong passwords within five minutes.",
        f"Try again after {until.astimezone(ET):%H:%M:%S} ET. If it wasn't you, tell somebody.",
    )
