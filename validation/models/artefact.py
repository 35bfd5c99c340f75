"""The files of a submitted report, and the gateway's own log as a person brought it."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from crucible.ledger.append_only import AppendOnlyModel
from validation.models.report import Report
from validation.models.session import Session


class Artefact(AppendOnlyModel):
    """One file as it was when its report was submitted: what signers saw is what is kept."""

    report = models.ForeignKey(Report, models.PROTECT, related_name="artefacts")
    position = models.PositiveIntegerField()
    name = models.CharField(max_length=120)
    content_type = models.CharField(max_length=60)
    content = models.BinaryField()
    sha256 = models.CharField("SHA-256", max_length=64)

    class Meta:
        ordering = ["report", "position"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["report", "name"], name="one_artefact_per_name")
        ]

    def __str__(self) -> str:
        return self.name


class GatewayLog(AppendOnlyModel):
    """The gateway's raw log of a session's day, uploaded by a person, with what a scan found.

    `findings` are the first of them: [{"line", "kind", "text"}]; `counts` counts all: kind → lines.
    """

    session = models.ForeignKey(Session, models.PROTECT, related_name="gateway_logs")
    file_name = models.CharField(max_length=100)
    content = models.BinaryField()
    size = models.PositiveIntegerField()
    sha256 = models.CharField("SHA-256", max_length=64)
    lines = models.PositiveIntegerField()
    counts = models.JSONField(default=dict)
    findings = models.JSONField(default=list)
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["session", "pk"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["session", "sha256"], name="one_log_per_content")
        ]

    def __str__(self) -> str:
        return f"{self.file_name} of {self.session.number}"
