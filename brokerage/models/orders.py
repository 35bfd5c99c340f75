"""Permission to trade, the orders that were wanted and sent, what happened to them, and fills."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from brokerage import terms
from brokerage.models.endpoint import Endpoint
from crucible.ledger.append_only import AppendOnlyModel


class OrderGrant(models.Model):
    """Leave to place so many orders for one scope (a session's number) until it expires.

    It holds at its endpoint alone; one without is for a drill's private simulated gateway. It
    opens positions in its symbols alone (C-07), options on them included. Its table's triggers
    let nobody widen it, renew it or delete it.
    """

    scope = models.CharField(max_length=60, db_index=True)
    endpoint = models.ForeignKey(
        Endpoint, null=True, on_delete=models.PROTECT, related_name="grants"
    )
    symbols = models.JSONField(default=list, help_text="what it may trade, by underlying")
    max_orders = models.PositiveIntegerField(default=30)
    max_contracts = models.PositiveIntegerField(default=2, help_text="option contracts open")
    max_shares = models.PositiveIntegerField(default=5, help_text="shares open")
    max_notional = models.FloatField(default=5000.0, help_text="USD open")
    max_premium = models.FloatField(default=500.0, help_text="USD per option contract")
    issued_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    issued_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"Grant for {self.scope}: {self.state}"

    @property
    def state(self) -> str:
        """ISSUED, USED_UP, EXPIRED or REVOKED, as of now."""
        if self.revoked_at is not None:
            return "REVOKED"
        if timezone.now() >= self.expires_at:
            return "EXPIRED"
        return "USED_UP" if self.orders_used() >= self.max_orders else "ISSUED"

    def orders_used(self) -> int:
        """Count the opening and closing test orders that left under this grant."""
        return OrderRecord.sent().filter(grant=self).count()

    @classmethod
    def orders_used_by(cls, scope: str) -> int:
        """Count them over all grants that a scope has had."""
        return OrderRecord.sent().filter(grant__scope=scope).count()

    def revoke(self) -> None:
        """End the permission now; the first end stands."""
        if self.revoked_at is None:
            self.revoked_at = timezone.now()
            self.save(update_fields=["revoked_at"])


class OrderRecord(models.Model):
    """One order: written as INTENT before it is sent, and after each thing that happens to it."""

    State = terms.OrderState

    grant = models.ForeignKey(
        OrderGrant, null=True, on_delete=models.PROTECT, related_name="orders"
    )
    scope = models.CharField(max_length=60, db_index=True, blank=True)
    endpoint = models.ForeignKey(
        Endpoint, null=True, on_delete=models.PROTECT, related_name="orders"
    )
    key = models.CharField(max_length=120, unique=True)
    ref = models.CharField(max_length=80, db_index=True)
    route = models.CharField(max_length=10)
    account = models.CharField(max_length=20, blank=True)
    client_id = models.IntegerField(default=0)
    order_id = models.IntegerField(null=True)
    perm_id = models.BigIntegerField(null=True)
    con_id = models.BigIntegerField()
    symbol = models.CharField(max_length=20)
    local_symbol = models.CharField(max_length=60, blank=True)
    sec_type = models.CharField(max_length=8)
    multiplier = models.PositiveIntegerField(default=1)
    side = models.CharField(max_length=4)
    quantity = models.FloatField()
    order_type = models.CharField(max_length=4)
    limit_price = models.FloatField(null=True)
    tif = models.CharField(max_length=4, default="DAY")
    purpose = models.CharField(max_length=8, default="TEST")
    reduce_only = models.BooleanField(default=False)
    aim = models.CharField(max_length=6, default="FILL", help_text="FILL, REST or REJECT")
    state = models.CharField(
        max_length=16,
        choices=[(state.value, state.value) for state in terms.OrderState],
        default=terms.OrderState.INTENT.value,
        db_index=True,
    )
    reason = models.CharField(max_length=40, blank=True)
    text = models.TextField(blank=True)
    filled = models.FloatField(default=0)
    avg_price = models.FloatField(default=0)
    late_fill = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    held_ms = models.FloatField(null=True, help_text="real ms from the wish to the sending")
    acked_ms = models.FloatField(null=True, help_text="real ms from sending to the first answer")
    filled_ms = models.FloatField(null=True, help_text="real ms from sending to the last fill")
    cancel_acked_ms = models.FloatField(null=True, help_text="real ms from cancel to Cancelled")

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        price = "MKT" if self.limit_price is None else f"{self.limit_price:g}"
        return f"{self.side} {self.quantity:g} {self.local_symbol or self.symbol} @ {price}"

    @classmethod
    def sent(cls) -> "models.QuerySet[OrderRecord]":
        """Return the orders that left, or may have left."""
        return cls.objects.exclude(state__in=(cls.State.INTENT, cls.State.REFUSED))

    @property
    def terminal(self) -> bool:
        """Whether nothing more can happen to the order."""
        return self.state in terms.TERMINAL


class OrderEvent(AppendOnlyModel):
    """One thing that happened to an order; append-only."""

    order = models.ForeignKey(OrderRecord, on_delete=models.PROTECT, related_name="events")
    at = models.DateTimeField(default=timezone.now)
    kind = models.CharField(max_length=24)
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.kind} of order {self.order_id}"


class Execution(AppendOnlyModel):
    """One fill as the broker reported it; append-only, once per execution id."""

    exec_id = models.CharField(max_length=80, unique=True)
    order = models.ForeignKey(
        OrderRecord, null=True, on_delete=models.PROTECT, related_name="executions"
    )
    scope = models.CharField(max_length=60, db_index=True, blank=True)
    ref = models.CharField(max_length=80, blank=True)
    con_id = models.BigIntegerField()
    symbol = models.CharField(max_length=20)
    side = models.CharField(max_length=4)
    quantity = models.FloatField()
    price = models.FloatField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.side} {self.quantity:g} {self.symbol} @ {self.price:g}"

    @property
    def commission(self) -> float | None:
        """The reported commission; None until the broker has sent it."""
        report = Commission.objects.filter(execution=self).first()
        return None if report is None else report.amount

    @property
    def signed(self) -> float:
        """The quantity, negative for a sale."""
        return self.quantity if self.side == "BUY" else -self.quantity


class Commission(AppendOnlyModel):
    """The commission of one execution, which the broker reports later; append-only."""

    execution = models.OneToOneField(
        Execution, on_delete=models.PROTECT, related_name="commission_report"
    )
    amount = models.FloatField()
    currency = models.CharField(max_length=8)
    realized = models.FloatField(null=True)
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.amount:.2f} {self.currency}"
