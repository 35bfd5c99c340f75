"""The kill switch: one row that every order path reads before an order leaves."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone


class KillSwitch(models.Model):
    """ARMED permits opening orders; in every other state only cancels and reduce-only clean-up."""

    class State(models.TextChoices):
        ARMED = "ARMED", "Armed"
        TRIGGERED = "TRIGGERED", "Triggered"
        RESET_REQUESTED = "RESET_REQUESTED", "Reset requested"

    SINGLE = 1

    state = models.CharField(max_length=16, choices=State.choices, default=State.ARMED)
    reason = models.TextField(blank=True)
    rule = models.CharField(max_length=40, blank=True)
    since = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    by_name = models.CharField(max_length=150, default="system")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    requested_at = models.DateTimeField(null=True)
    root_cause = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(pk=1), name="one_kill_switch"),
        ]

    def __str__(self) -> str:
        return f"Kill switch {self.state}"

    @classmethod
    def current(cls) -> "KillSwitch":
        """Read the switch from the database now; raises DoesNotExist when its row is missing."""
        return cls.objects.get(pk=cls.SINGLE)

    @classmethod
    def permits(cls) -> bool:
        """Say whether opening orders are permitted; False when the row is missing."""
        return cls.objects.filter(pk=cls.SINGLE, state=cls.State.ARMED).exists()

    @property
    def armed(self) -> bool:
        """Whether opening orders are permitted."""
        return self.state == self.State.ARMED


def create_kill_switch(using: str = "default", **kwargs: Any) -> None:
    """Create the one row, ARMED, in a database that has none."""
    KillSwitch.objects.using(using).get_or_create(pk=KillSwitch.SINGLE)
