"""What was found before a session ran: one row for each check of each preflight, kept for ever."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from crucible.ledger.append_only import AppendOnlyModel
from validation.models.session import Session


class Verdict(models.TextChoices):
    """What a check's finding means; what is not known is never healthy."""

    PASS = "PASS", "Pass"
    WARN = "WARN", "Warning"
    BLOCK = "BLOCK", "Blocks"
    ATTEST = "ATTEST", "A person looks"
    UNKNOWN = "UNKNOWN", "Unknown"
    NOT_APPLICABLE = "NOT_APPLICABLE", "Not applicable"


class PreflightRun(AppendOnlyModel):
    """One preflight of a session; `passed` says that nothing held the session up."""

    session = models.ForeignKey(Session, models.PROTECT, related_name="preflights")
    number = models.PositiveIntegerField()
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(default=timezone.now)
    passed = models.BooleanField()

    class Meta:
        ordering = ["session", "number"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["session", "number"], name="preflight_number")
        ]

    def __str__(self) -> str:
        return f"preflight {self.number} of {self.session}"


class HealthCheck(AppendOnlyModel):
    """One check of a preflight: its limit, what was found, what that means, and the remedy."""

    run = models.ForeignKey(PreflightRun, models.PROTECT, related_name="checks")
    position = models.PositiveIntegerField()
    code = models.CharField(max_length=8)
    group = models.CharField(max_length=30)
    title = models.CharField(max_length=120)
    limit = models.CharField(max_length=120)
    finding = models.CharField(max_length=500)
    verdict = models.CharField(max_length=16, choices=Verdict)
    holds_up = models.BooleanField(default=False)
    remedy = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["run", "position"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["run", "code"], name="one_check_per_preflight")
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.verdict}: {self.finding}"


class HealthAttestation(AppendOnlyModel):
    """What a person says of a check that no machine can make here, such as the VIX."""

    session = models.ForeignKey(Session, models.PROTECT, related_name="health_attestations")
    code = models.CharField(max_length=8)
    text = models.CharField(max_length=500)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["session", "pk"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.code}: {self.text}"
