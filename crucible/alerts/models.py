"""Alerts: what a person must see, and who has seen it."""

from django.conf import settings
from django.db import models


class Alert(models.Model):
    """Something that happened and needs a person; it stays open until somebody acknowledges it."""

    class Severity(models.TextChoices):
        """How soon a person must look."""

        INFO = "INFO", "Information"
        WARNING = "WARNING", "Warning"
        CRITICAL = "CRITICAL", "Critical"

    class State(models.TextChoices):
        """Where the alert stands between being raised and being over."""

        OPEN = "OPEN", "Open"
        ACKNOWLEDGED = "ACKNOWLEDGED", "Acknowledged"
        RESOLVED = "RESOLVED", "Resolved"

    kind = models.CharField(max_length=80)
    severity = models.CharField(max_length=10, choices=Severity.choices)
    title = models.CharField(max_length=200)
    text = models.TextField(blank=True)
    ref = models.CharField("about", max_length=200, blank=True)
    dedupe_key = models.CharField(max_length=300, db_index=True)
    state = models.CharField(
        max_length=15, choices=State.choices, default=State.OPEN, db_index=True
    )
    raised_at = models.DateTimeField(db_index=True)
    last_raised_at = models.DateTimeField()
    count = models.PositiveIntegerField("times raised", default=1)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-raised_at", "-pk"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.severity} {self.title}"
