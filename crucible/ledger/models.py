"""The append-only audit log: one entry for each change of state, numbered without a gap."""

import json
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import models

from crucible.ledger.append_only import AppendOnlyModel
from crucible.ledger.canonical import canonical, digest


class Head(models.Model):
    """The one row that writers lock, so that they number their entries one after the other."""

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return "head of the ledger"


class Entry(AppendOnlyModel):
    """Who did what to which object, when; `body` is the whole of it as canonical JSON.

    The columns repeat what the body says, for queries; the digest of the body is what a tree over
    the entries will be built from.
    """

    sequence = models.PositiveBigIntegerField(unique=True)
    at = models.DateTimeField(db_index=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    actor_name = models.CharField(max_length=150)
    kind = models.CharField("event", max_length=80, db_index=True)
    object_type = models.CharField(max_length=80)
    object_id = models.CharField(max_length=200)
    body = models.TextField()
    body_sha256 = models.CharField("SHA-256 of the body", max_length=64)
    correlation = models.CharField(max_length=80, blank=True)

    class Meta:
        ordering = ["-sequence"]
        verbose_name_plural = "entries"
        default_permissions = ("view",)
        indexes = [models.Index(fields=["object_type", "object_id"], name="ledger_entry_object")]

    def __str__(self) -> str:
        return f"#{self.sequence} {self.kind} {self.object_id}"

    @property
    def content(self) -> dict[str, Any]:
        """The body as Python values."""
        return dict(json.loads(self.body))

    @property
    def details(self) -> dict[str, Any]:
        """What the writer added to who, what and when."""
        return dict(self.content["details"])

    @property
    def intact(self) -> bool:
        """Whether the digest fits the body, and the columns say what the body says."""
        return digest(self.body) == self.body_sha256 and self._body(self.details) == self.body

    def seal(self, details: Mapping[str, Any]) -> None:
        """Write body and digest from the columns and the details; before the row is saved."""
        self.body = self._body(details)
        self.body_sha256 = digest(self.body)

    def _body(self, details: Mapping[str, Any]) -> str:
        return canonical(
            {
                "format": 1,
                "sequence": self.sequence,
                "at": self.at,
                "actor": self.actor_id,
                "actor_name": self.actor_name,
                "kind": self.kind,
                "object_type": self.object_type,
                "object_id": self.object_id,
                "correlation": self.correlation,
                "details": details,
            }
        )
