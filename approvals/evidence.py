"""What is signed, as approvals sees it: the shape that a provider of evidence must have."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from django.conf import settings
from django.contrib.auth.models import User
from django.utils.module_loading import import_string


class Summary(Protocol):
    """What a signer reads first. Any object with these four attributes will do."""

    @property
    def title(self) -> str:
        """The subject in a few words."""

    @property
    def url(self) -> str:
        """Where the subject's own page is."""

    @property
    def simulated(self) -> bool:
        """Whether any of it came from a simulated gateway."""

    @property
    def lines(self) -> Sequence[str]:
        """One fact a line, such as "25 of 25 scenarios passed"."""


class Evidence(Protocol):
    """Gives approvals what is signed, and takes the decision back.

    Every method raises django.core.exceptions.ObjectDoesNotExist for a subject that isn't there.
    `lock`, `submitted` and `decided` are called inside a transaction.
    """

    def lock(self, subject: str) -> None:
        """Hold the subject until the transaction ends (SELECT … FOR UPDATE).

        It is the first lock of every change here. Whoever changes the evidence takes the same lock
        first, so that a change and a signature come one after the other and never deadlock.
        """

    def manifest(self, subject: str) -> Mapping[str, Any]:
        """Return all that a signature vouches for, as values that canonical JSON can carry.

        Equal content gives equal values. What a submission or a decision itself changes (states,
        times of signing) is not content.
        """

    def blockers(self, subject: str) -> Sequence[str]:
        """Return what speaks against a signature, a sentence each; empty when nothing does."""

    def summary(self, subject: str) -> Summary:
        """Return the heading under which the subject is signed."""

    def conflicts(self, subject: str) -> Mapping[int, str]:
        """Return who may not sign: the person's id → why, such as "started the session"."""

    def submitted(self, subject: str, request_id: int, by: User) -> None:
        """Take note that the subject now waits for signatures."""

    def decided(self, subject: str, outcome: str, by: User | None, note: str) -> None:
        """Take the decision: APPROVED, REJECTED, CHANGES_REQUESTED, VOIDED or WITHDRAWN.

        `by` is None when no person is behind it.
        """


def load() -> Evidence:
    """Return the evidence that settings.APPROVALS_EVIDENCE names, a callable without arguments."""
    evidence: Evidence = import_string(settings.APPROVALS_EVIDENCE)()
    return evidence
