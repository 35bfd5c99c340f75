"""What people must know of a run: planned faults, warnings they accepted, known limitations."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from crucible.ledger.append_only import AppendOnlyModel
from validation.models.run import Attempt
from validation.models.session import Session


class FaultWindow(AppendOnlyModel):
    """A span in which a scenario provoked a fault: what happened in it counts as planned."""

    session = models.ForeignKey(Session, models.PROTECT, related_name="fault_windows")
    attempt = models.ForeignKey(
        Attempt, models.PROTECT, null=True, blank=True, related_name="fault_windows"
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    why = models.CharField(max_length=300)

    class Meta:
        ordering = ["session", "starts_at", "pk"]
        default_permissions = ("view",)
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gte=models.F("starts_at")), name="window_has_length"
            )
        ]

    def __str__(self) -> str:
        return f"{self.why}: {self.seconds:.1f} s"

    @property
    def seconds(self) -> float:
        """How long the window was, in real seconds."""
        return (self.ends_at - self.starts_at).total_seconds()


class Acknowledgement(AppendOnlyModel):
    """That a person has read one warning of a session and says what follows from it.

    `warning` names it: "check:<id>" for a scenario's, "health:<id>" for a preflight's and
    "metric:<code>" for a metric's. The latter counts to the end of the day `expires_on`, in New
    York; when it counts no more, another is given under the next `number`.
    """

    session = models.ForeignKey(Session, models.PROTECT, related_name="acknowledgements")
    warning = models.CharField(max_length=60)
    number = models.PositiveSmallIntegerField(default=1)
    text = models.CharField(max_length=500)
    expires_on = models.DateField(null=True, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["session", "pk"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                fields=["session", "warning", "number"], name="one_acknowledgement"
            ),
            models.CheckConstraint(
                condition=models.Q(expires_on__isnull=False, warning__startswith="metric:")
                | (models.Q(expires_on=None) & ~models.Q(warning__startswith="metric:")),
                name="acknowledged_metrics_expire",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.warning}: {self.text}"


class KnownLimitation(models.Model):
    """What a paper account can't show, or the product does not; printed in every report."""

    code = models.CharField(max_length=20, unique=True)
    text = models.CharField(max_length=500)
    position = models.PositiveIntegerField(default=0)
    in_force = models.BooleanField(default=True)

    class Meta:
        ordering = ["position", "code"]
        default_permissions = ("view", "change", "add")

    def __str__(self) -> str:
        return f"{self.code} {self.text[:60]}"


class Heartbeat(models.Model):
    """When a part of the product last gave a sign of life."""

    name = models.CharField(max_length=40, unique=True)
    at = models.DateTimeField(default=timezone.now)
    # How busy its machine was in the last minute: one write serves both.
    host = models.JSONField(default=dict, blank=True)

    class Meta:
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.name} {self.at:%H:%M:%S}"
