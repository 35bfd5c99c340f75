"""A session's checklist: items ticked by machine or attested by people."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from validation.models.session import Session


class ItemState(models.TextChoices):
    """How an item stands; the machine's failure never becomes a person's pass."""

    OPEN = "OPEN", "Open"
    AUTO_PASS = "AUTO_PASS", "Passed by machine"
    AUTO_FAIL = "AUTO_FAIL", "Failed by machine"
    PASS = "PASS", "Attested"
    FAIL = "FAIL", "Failed"
    EXCEPTION = "EXCEPTION", "Exception"
    NOT_APPLICABLE = "NOT_APPLICABLE", "Not applicable"


class Blocking(models.TextChoices):
    """What an open item holds up."""

    BLOCKING = "B", "Blocking"
    WARNING = "W", "Warning"
    INFORMATION = "I", "Information"


class Checklist(models.Model):
    """The deployment validation checklist of one session, at the template version it was made."""

    session = models.OneToOneField(Session, models.PROTECT, related_name="checklist")
    template = models.CharField(max_length=10, default="T1")
    version = models.PositiveIntegerField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.template} of {self.session.number}"


class Item(models.Model):
    """One line of a checklist: `rule` names the machine's test, `roles` who may attest it."""

    checklist = models.ForeignKey(Checklist, models.PROTECT, related_name="items")
    position = models.PositiveIntegerField()
    section = models.CharField(max_length=60)
    code = models.CharField(max_length=10)
    text = models.CharField(max_length=300)
    help = models.CharField(max_length=500, blank=True)
    evidence = models.CharField(max_length=3)
    roles = models.JSONField(default=list, blank=True)
    blocking = models.CharField(max_length=1, choices=Blocking)
    rule = models.CharField(max_length=80, blank=True)
    waivable = models.BooleanField(default=True)
    state = models.CharField(max_length=15, choices=ItemState, default=ItemState.OPEN)
    # What the machine saw: shown beside the item, and beside what a person confirms.
    finding = models.CharField(max_length=500, blank=True)
    note = models.TextField(blank=True)
    risk = models.TextField(blank=True)
    evidence_ref = models.CharField(max_length=300, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    closed_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    acknowledged_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["checklist", "position"]
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["checklist", "code"], name="item_code")]

    def __str__(self) -> str:
        return f"{self.code} {self.text}"

    @property
    def closed(self) -> bool:
        """Whether nothing more is to be done for it."""
        if self.state in {ItemState.EXCEPTION, ItemState.NOT_APPLICABLE}:
            return self.acknowledged_by_id is not None
        return self.state in {ItemState.AUTO_PASS, ItemState.PASS}

    @property
    def holds_up(self) -> bool:
        """Whether the session can't be submitted because of it."""
        return self.blocking == Blocking.BLOCKING and not self.closed
