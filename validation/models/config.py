"""Revisions of the validation configuration; a session is pinned to one of them."""

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone


class RevisionState(models.TextChoices):
    """How far a revision has come; its content never changes once it is proposed."""

    DRAFT = "DRAFT", "Draft"
    PROPOSED = "PROPOSED", "Proposed"
    APPROVED = "APPROVED", "Approved"
    ACTIVE = "ACTIVE", "In force"
    SUPERSEDED = "SUPERSEDED", "Superseded"
    REJECTED = "REJECTED", "Rejected"


class ConfigRevision(models.Model):
    """One version of the configuration; without an author it was made by the schedule."""

    number = models.PositiveIntegerField(unique=True)
    state = models.CharField(max_length=10, choices=RevisionState, default=RevisionState.DRAFT)
    content = models.JSONField()
    digest = models.CharField("SHA-256 of the canonical content", max_length=64)
    note = models.CharField(max_length=500, blank=True)
    origin = models.CharField(max_length=20, default="form")
    expiry_only = models.BooleanField(default=False)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    approvals = models.JSONField(default=list, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)
    activated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    activated_at = models.DateTimeField(null=True, blank=True)
    rejected_reason = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-number"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                fields=["state"],
                condition=models.Q(state=RevisionState.ACTIVE),
                name="one_revision_in_force",
            )
        ]

    def __str__(self) -> str:
        return f"revision {self.number}"

    def get_absolute_url(self) -> str:
        """Return the address of the revision's page."""
        return reverse("config_revision", args=[self.number])
