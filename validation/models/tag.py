"""A git tag that a pipeline says to have made and pushed."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from crucible.ledger.append_only import AppendOnlyModel


class CodeTag(AppendOnlyModel):
    """One reported tag; a name stands at one commit for ever."""

    name = models.CharField(max_length=80, unique=True)
    commit = models.CharField(max_length=64)
    run_url = models.CharField(max_length=500)
    reported_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reported_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.name} at {self.commit[:12]}"
