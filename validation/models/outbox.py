"""Messages that leave only after the transaction that wrote them."""

from django.db import models
from django.utils import timezone

from crucible.correlation import correlation


class Outbox(models.Model):
    """One message to the workers: a lost or doubled delivery changes nothing."""

    topic = models.CharField(max_length=40)
    payload = models.JSONField()
    created_at = models.DateTimeField(default=timezone.now)
    delivered_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveIntegerField(default=0)
    # Of the click behind it, whoever sends the message in the end.
    correlation = models.CharField(max_length=80, blank=True, default=correlation)

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "outbox"
        default_permissions = ("view",)
        indexes = [models.Index(fields=["delivered_at"], name="outbox_delivered")]

    def __str__(self) -> str:
        return f"{self.topic} {self.payload}"
