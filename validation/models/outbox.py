"""Messages that leave only after the transaction that wrote them."""

from django.db import models
from django.utils import timezone


class Outbox(models.Model):
    """One message to the workers: a lost or doubled delivery changes nothing."""

    topic = models.CharField(max_length=40)
    payload = models.JSONField()
    created_at = models.DateTimeField(default=timezone.now)
    delivered_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "outbox"
        default_permissions = ("view",)
        indexes = [models.Index(fields=["delivered_at"], name="outbox_delivered")]

    def __str__(self) -> str:
        return f"{self.topic} {self.payload}"
