"""A session's report as it was submitted."""

from django.db import models
from django.utils import timezone

from crucible.ledger.append_only import AppendOnlyModel
from validation.models.session import Session


class Report(AppendOnlyModel):
    """The report frozen at one submission, in three forms of the same content."""

    session = models.ForeignKey(Session, models.PROTECT, related_name="reports")
    version = models.PositiveIntegerField()
    content = models.JSONField()
    markdown = models.TextField()
    html = models.TextField()
    junit = models.TextField()
    checklist = models.TextField()
    sha256 = models.CharField("SHA-256 of the Markdown", max_length=64)
    frozen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["session", "version"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["session", "version"], name="report_version")
        ]

    def __str__(self) -> str:
        return f"report of {self.session.number}, version {self.version}"
