"""Join the halves that may not import each other: evidence that changed, and what was signed."""

from typing import Any

from django.contrib.auth.models import User

from approvals.archive import signed_files
from approvals.evidence import Evidence
from approvals.requests import void_if_changed
from validation.evidence import SessionEvidence
from validation.signals import changed, signed_files_wanted


def connect() -> None:
    """Connect the signals; called once, when every app is loaded."""
    changed.connect(_void, dispatch_uid="void what was signed")
    signed_files_wanted.connect(_signed, dispatch_uid="keep what was signed")


def evidence() -> Evidence:
    """Give approvals what validation offers; the types prove that the halves fit."""
    return SessionEvidence()


def _void(sender: object, subject: str, actor: User | str, **signal: Any) -> None:
    """Void an undecided request whose content changed, in the transaction of the change."""
    void_if_changed(subject, actor)


def _signed(sender: object, subject: str, **signal: Any) -> dict[str, str]:
    """Answer an archive with what was signed."""
    return signed_files(subject)
