"""The bot's own runtime configuration, as a person or a pipeline uploaded it."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from crucible.ledger.append_only import AppendOnlyModel


class BotConfig(AppendOnlyModel):
    """One accepted file; the newest is what preflights compare.

    `values` are what was read from it, by the path that each has in our configuration.
    """

    sha256 = models.CharField("SHA-256 of the file", max_length=64)
    file_name = models.CharField(max_length=100, blank=True)
    content = models.TextField()
    values = models.JSONField()
    commit = models.CharField(max_length=64, blank=True)
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-pk"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"configuration of the bot {self.pk}"

    @classmethod
    def newest(cls) -> "BotConfig | None":
        """Return the one that counts, with who uploaded it; None when there is none."""
        return cls.objects.select_related("uploaded_by").first()
