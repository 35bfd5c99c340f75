"""Reconciliations: what was compared and when, the differences found, and corrections."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from brokerage.models.endpoint import Endpoint
from crucible.ledger.append_only import AppendOnlyModel
from crucible.live.publish import publish


class ReconciliationRun(models.Model):
    """One comparison of a scope's own record with the wire and the broker; final once it ends.

    The first run of a scope is its baseline: `base` is what the account held besides the scope's
    own executions, `foreign` the permanent ids of others' orders that worked then. Both are given
    from then on; later runs keep them. So is `start_funds`, from the first run that could tell it.
    """

    class State(models.TextChoices):
        RUNNING = "RUNNING", "Running"
        CLEAN = "CLEAN", "Clean"
        DIFFS = "DIFFS", "Differences"
        ERROR = "ERROR", "Could not be read"

    endpoint = models.ForeignKey(
        Endpoint, null=True, on_delete=models.PROTECT, related_name="reconciliations"
    )
    scope = models.CharField(max_length=60, db_index=True)
    occasion = models.CharField(max_length=12)
    client_id = models.IntegerField(default=0)
    state = models.CharField(max_length=8, choices=State.choices, default=State.RUNNING)
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)
    orders = models.PositiveIntegerField(default=0, help_text="own orders compared")
    executions = models.PositiveIntegerField(default=0, help_text="own executions compared")
    base = models.JSONField(default=dict, help_text="contract id to quantity")
    foreign = models.JSONField(default=list, help_text="permanent ids")
    start_funds = models.JSONField(default=dict, help_text="the account without executions")
    funds = models.JSONField(default=list, help_text="cash and realised profit, compared")
    found = models.JSONField(default=list, help_text="keys of the differences that it found")

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"Reconciliation of {self.scope} ({self.occasion}): {self.state}"

    def explained(self) -> frozenset[tuple[str, str]]:
        """Return kind and subject of what it found and people have explained as it is."""
        diffs = ReconciliationDiff.objects.filter(pk__in=self.found).exclude(proposed_by=None)
        told = diffs.filter(state=ReconciliationDiff.State.EXPLAINED)
        return frozenset(told.values_list("kind", "subject"))

    @classmethod
    def funds_at_start(cls, endpoint_id: int | None, scope: str) -> dict[str, Any]:
        """Return a scope's start at a gateway as a run has kept it, or {} where none could."""
        runs = cls.objects.filter(models.Q(endpoint_id=endpoint_id), scope=scope)
        known = runs.exclude(start_funds={}).values_list("start_funds", flat=True).first()
        return known or {}


class ReconciliationDiff(models.Model):
    """One difference that was found; it stays as it is once it is explained or resolved.

    A proposal is about the values that it was made for: other values end it. An explanation is
    about what is there: once a run does not find it, another one like it is a new difference.
    """

    class State(models.TextChoices):
        OPEN = "OPEN", "Open"
        EXPLAINED = "EXPLAINED", "Explained"
        RESOLVED = "RESOLVED", "Resolved"

    run = models.ForeignKey(ReconciliationRun, on_delete=models.PROTECT, related_name="diffs")
    endpoint = models.ForeignKey(
        Endpoint, null=True, on_delete=models.PROTECT, related_name="differences"
    )
    scope = models.CharField(max_length=60, db_index=True)
    kind = models.CharField(max_length=24)
    subject = models.CharField(max_length=120)
    con_id = models.BigIntegerField(null=True)
    gap = models.FloatField(default=0, help_text="broker less own record")
    own = models.CharField(max_length=200, blank=True)
    wire = models.CharField(max_length=200, blank=True)
    broker = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    explanation = models.TextField(blank=True)
    opened_at = models.DateTimeField(default=timezone.now)
    last_seen = models.DateTimeField(default=timezone.now)
    settled_at = models.DateTimeField(null=True)
    settled_by = models.CharField(max_length=150, blank=True)
    proposal = models.TextField(blank=True, help_text="an explanation that waits for its approval")
    proposes_row = models.BooleanField(default=False, help_text="take the broker's value over")
    proposed_at = models.DateTimeField(null=True)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    drill = models.BooleanField(default=False)

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["endpoint", "state"], name="diff_by_endpoint_and_state")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.subject}: own {self.own}, broker {self.broker}"

    @property
    def name(self) -> str:
        """Its kind in words."""
        return self.kind.replace("_", " ").capitalize()

    @property
    def settled(self) -> bool:
        """Whether it is explained or resolved."""
        return self.state != self.State.OPEN

    @property
    def proposer(self) -> str:
        """Who has proposed its explanation, or nothing."""
        return self.proposed_by.get_username() if self.proposed_by else ""

    def see(self, own: str, broker: str, *, gap: float) -> None:
        """Note that it is still there, perhaps with other values."""
        if (own, broker) != (self.own, self.broker):
            self.proposal, self.proposed_by = "", None
        self.own, self.broker, self.gap = own, broker, gap
        self.last_seen = timezone.now()
        self.save()

    def settle(self, state: str, text: str, by: str) -> None:
        """End it as explained or resolved."""
        self.state, self.explanation, self.settled_by = state, text, by[:150]
        self.settled_at = timezone.now()
        self.save()
        publish("differences")

    @classmethod
    def unexplained(cls, endpoint_id: int | None) -> "models.QuerySet[ReconciliationDiff]":
        """Return the open differences at a gateway: while there is one, nothing is opened there.

        They are of the gateway, by whichever endpoint with its address it was reached.
        """
        endpoint = Endpoint.objects.filter(models.Q(pk=endpoint_id)).first()
        if endpoint is None:
            here = models.Q(endpoint_id=endpoint_id)
        else:
            here = models.Q(endpoint__in=endpoint.same_gateway())
        return cls.objects.filter(here, state=cls.State.OPEN)

    @classmethod
    def explained_amount(cls, endpoint_id: int | None, scope: str, kind: str) -> float:
        """Return how much more of the kind there is than executions tell, as people explained."""
        told = cls.objects.filter(models.Q(endpoint_id=endpoint_id), scope=scope, kind=kind)
        total = told.filter(state=cls.State.EXPLAINED).aggregate(models.Sum("gap"))["gap__sum"]
        return float(total or 0.0)


class Correction(AppendOnlyModel):
    """A row that sets the own record right beside what stands in it; append-only.

    `quantity` is added to the scope's own position; `exec_id` names an execution on record that
    does not count because of it.
    """

    endpoint = models.ForeignKey(
        Endpoint, null=True, on_delete=models.PROTECT, related_name="corrections"
    )
    scope = models.CharField(max_length=60, db_index=True)
    diff = models.ForeignKey(
        ReconciliationDiff, null=True, on_delete=models.PROTECT, related_name="corrections"
    )
    con_id = models.BigIntegerField()
    quantity = models.FloatField()
    exec_id = models.CharField(max_length=80, blank=True)
    text = models.TextField()
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    by_name = models.CharField(max_length=150)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.quantity:+g} of {self.con_id} in {self.scope}: {self.text}"
