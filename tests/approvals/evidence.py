"""Evidence for the tests: small, but real: kept in a table, locked and rolled back like any other.

A subject is a row of the sessions' table, which has a text key and room for text.
"""

import json
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone

from approvals.evidence import Evidence
from approvals.models import Request
from approvals.requests import void_if_changed

SUBJECT = "prelive_20261121_001"


@dataclass(frozen=True)
class FakeSummary:
    """The heading of a subject."""

    title: str
    url: str
    simulated: bool
    lines: list[str]


class FakeEvidence:
    """Keeps what it was given, and notes what it is told."""

    def lock(self, subject: str) -> None:
        """Hold the row."""
        Session.objects.select_for_update().get(pk=subject)

    def manifest(self, subject: str) -> dict[str, Any]:
        """Return the content."""
        content: dict[str, Any] = read(subject)["content"]
        return content

    def blockers(self, subject: str) -> list[str]:
        """Return what was put."""
        return list(read(subject)["blockers"])

    def summary(self, subject: str) -> FakeSummary:
        """Return the heading."""
        lines = ["16 of 16 scenarios passed", "Nothing open on the checklist"]
        return FakeSummary(
            f"Session {subject}", f"/sessions/{subject}/", read(subject)["simulated"], lines
        )

    def conflicts(self, subject: str) -> dict[int, str]:
        """Return what was put."""
        return {int(pk): why for pk, why in read(subject)["conflicts"].items()}

    def submitted(self, subject: str, request_id: int, by: User) -> None:
        """Note it."""
        put(subject, told=[*read(subject)["told"], ["SUBMITTED", request_id, by.username]])

    def decided(self, subject: str, outcome: str, by: User | None, note: str) -> None:
        """Note it."""
        who = by.username if by else None
        put(subject, told=[*read(subject)["told"], [outcome, who, note]])


class ChangedJustBefore(FakeEvidence):
    """Somebody else's change is there by the time that the lock is."""

    def lock(self, subject: str) -> None:
        """Hold the row, and find other content in it."""
        super().lock(subject)
        put(subject, content={"results": []})


def load() -> Evidence:
    """Return the evidence, as settings.APPROVALS_EVIDENCE asks for it."""
    return FakeEvidence()


def read(subject: str = SUBJECT) -> dict[str, Any]:
    """Return what is kept of a subject; raise Session.DoesNotExist."""
    return dict(json.loads(Session.objects.get(pk=subject).session_data))


def put(subject: str = SUBJECT, **fields: Any) -> None:
    """Create or change a subject without telling approvals."""
    kept: dict[str, Any] = {
        "content": {"results": [{"id": "BC-01", "state": "PASSED"}], "config": {"revision": 3}},
        "blockers": [],
        "conflicts": {},
        "simulated": False,
        "told": [],
    }
    row = Session.objects.filter(pk=subject).first()
    kept |= json.loads(row.session_data) if row else {}
    Session.objects.update_or_create(
        pk=subject,
        defaults={"session_data": json.dumps(kept | fields), "expire_date": timezone.now()},
    )


def change(actor: User | str, **content: Any) -> Request | None:
    """Change signed content as an application should: lock, change, tell, in one transaction."""
    with transaction.atomic():
        FakeEvidence().lock(SUBJECT)
        put(content=read()["content"] | content)
        return void_if_changed(SUBJECT, actor)
