"""What the session watch saw: findings, sighting by sighting, and changes of the connection."""

from django.db import models
from django.utils import timezone

from crucible.ledger.append_only import AppendOnlyModel
from validation.models.run import Attempt
from validation.models.session import Session


class Severity(models.TextChoices):
    """How bad a finding is: errors and worse keep a session from being submitted."""

    WARNING = "WARNING", "Warning"
    ERROR = "ERROR", "Error"
    CRITICAL = "CRITICAL", "Critical"


class Phase(models.TextChoices):
    """What a sighting says: it began, it is still so, or it is over."""

    BEGAN = "BEGAN", "Began"
    STILL = "STILL", "Still so"
    OVER = "OVER", "Over"


class Finding(AppendOnlyModel):
    """One sighting of something that is not as it should be; `planned`: somebody provoked it."""

    session = models.ForeignKey(Session, models.PROTECT, related_name="findings")
    attempt = models.ForeignKey(
        Attempt, models.PROTECT, null=True, blank=True, related_name="findings"
    )
    kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=160, blank=True)
    severity = models.CharField(max_length=8, choices=Severity)
    phase = models.CharField(max_length=5, choices=Phase, default=Phase.BEGAN)
    text = models.TextField()
    do = models.TextField(blank=True)
    planned = models.BooleanField(default=False)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["session", "pk"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.kind} {self.subject} {self.phase}: {self.text}"


class LaneState(models.TextChoices):
    """How a part of the connection is; what is not known is never up."""

    UP = "UP", "Up"
    DOWN = "DOWN", "Down"
    MUTE = "MUTE", "Mute"
    SILENT = "SILENT", "Silent"
    UNKNOWN = "UNKNOWN", "Unknown"


class ConnectionEvent(AppendOnlyModel):
    """That a part of the connection changed its state, with the broker's code if it said so.

    Lanes: "gateway" (the watch's own socket and its answers), "broker" (the gateway's link to the
    broker), "market data", "history" and "definitions" (the farms), "line <symbol>" (a stream of
    the watch), "scenario" (the desk of the scenario that runs).
    """

    session = models.ForeignKey(Session, models.PROTECT, related_name="connection_events")
    attempt = models.ForeignKey(
        Attempt, models.PROTECT, null=True, blank=True, related_name="connection_events"
    )
    lane = models.CharField(max_length=40)
    state = models.CharField(max_length=8, choices=LaneState)
    code = models.IntegerField(null=True, blank=True)
    detail = models.CharField(max_length=300, blank=True)
    planned = models.BooleanField(default=False)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["session", "pk"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.lane} {self.state}"
