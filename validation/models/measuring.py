"""What a session's metrics rest on: the frozen plan of limits, and raw samples of latency."""

from django.db import models
from django.utils import timezone

from crucible.ledger.append_only import AppendOnlyModel
from validation.models.run import Attempt
from validation.models.session import Session


class SampleKind(models.TextChoices):
    """What was timed; acknowledgement and fill are kept apart."""

    PLACE = "PLACE", "Order to acknowledgement"
    WIRE = "WIRE", "Sending to acknowledgement"
    CANCEL = "CANCEL", "Cancel to confirmation"
    FILL = "FILL", "Order to fill"
    STATUS = "STATUS", "Reading an order's state"
    ROUND_TRIP = "ROUND_TRIP", "Asking the broker for open orders"
    CONNECTION = "CONNECTION", "Round trip of a request"
    QUOTE_AGE = "QUOTE_AGE", "Age of a quote"


class MetricPlan(AppendOnlyModel):
    """The metrics of a session and their limits, written down before its first scenario."""

    session = models.OneToOneField(Session, models.PROTECT, related_name="metric_plan")
    content = models.JSONField()
    digest = models.CharField("SHA-256 of the canonical content", max_length=64)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.session.number} {self.digest[:12]}"


class LatencySample(AppendOnlyModel):
    """One raw duration in real milliseconds, counted from the intended sending.

    A censored one had no answer when its time-out of `ms` was over.
    """

    attempt = models.ForeignKey(Attempt, models.PROTECT, related_name="samples")
    kind = models.CharField(max_length=12, choices=SampleKind)
    at = models.DateTimeField(default=timezone.now)
    ms = models.FloatField()
    censored = models.BooleanField(default=False)
    planned = models.BooleanField(default=False)

    class Meta:
        ordering = ["attempt", "pk"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.kind} {'over ' if self.censored else ''}{self.ms:g} ms"
