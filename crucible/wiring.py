"""Join the halves that may not import each other: evidence that changed, and what was signed."""

from typing import Any

from django.contrib.auth.models import User

from approvals.evidence import Evidence
from approvals.requests import void_if_changed
from validation.evidence import SessionEvidence
from validation.signals import changed


def connect() -> None:
    """Connect the signals; called once, when every app is loaded."""
    changed.connect(_void, dispatch_uid="void what was signed")


def evidence() -> Evidence:
    """Give approvals what validation offers; the types prove that the halves fit."""
    return SessionEvidence()


def _void(sender: object, subject: str, actor: User | str, **signal: Any) -> None:
    """Void an undecided request whose content changed, in the transaction of the change."""
    void_if_changed(subject, actor)
