"""Orders and executions of others that were observed: never ours, and never changed once written.

They stand in tables of their own, so that nothing that cancels, closes, limits or reconciles own
orders can take them for its own.
"""

from django.db import models
from django.utils import timezone

from brokerage.models.endpoint import Endpoint
from crucible.ledger.append_only import AppendOnlyModel


class ObservedOrder(AppendOnlyModel):
    """An order of another client as it was first seen; append-only, once per permanent id.

    `client_id` is None where the broker told none (it names none of an order that has ended).
    `absent_at` is the last look that did not show it: it was sent after that, and before
    `seen_at`. An `earlier` one was there when the watching began.
    """

    scope = models.CharField(max_length=60, db_index=True)
    endpoint = models.ForeignKey(
        Endpoint, null=True, on_delete=models.PROTECT, related_name="observed_orders"
    )
    perm_id = models.BigIntegerField()
    client_id = models.IntegerField(null=True)
    order_id = models.IntegerField(null=True)
    ref = models.CharField(max_length=80, blank=True)
    con_id = models.BigIntegerField()
    symbol = models.CharField(max_length=20)
    local_symbol = models.CharField(max_length=60, blank=True)
    side = models.CharField(max_length=4)
    quantity = models.FloatField()
    order_type = models.CharField(max_length=12, blank=True)
    limit_price = models.FloatField(null=True)
    earlier = models.BooleanField(default=False)
    absent_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["scope", "perm_id"], name="one_observed_order")
        ]

    def __str__(self) -> str:
        price = "" if self.limit_price is None else f" @ {self.limit_price:g}"
        what = f"{self.side} {self.quantity:g} {self.local_symbol or self.symbol}"
        return f"{what} {self.order_type}{price}".strip()

    @property
    def whose(self) -> str:
        """Whose order it is, in words."""
        client = "unknown client" if self.client_id is None else f"client {self.client_id}"
        return f"{client}, permanent id {self.perm_id}"


class ObservedEvent(AppendOnlyModel):
    """What a look showed of an observed order that the look before had not; append-only.

    `status` is the broker's own word; `filled` is what its executions add up to.
    """

    order = models.ForeignKey(ObservedOrder, on_delete=models.PROTECT, related_name="events")
    status = models.CharField(max_length=24)
    filled = models.FloatField(default=0)
    quantity = models.FloatField()
    limit_price = models.FloatField(null=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.status}, {self.filled:g} of {self.quantity:g} filled"


class ObservedExecution(AppendOnlyModel):
    """A fill of another client as the broker reported it; append-only, once per execution id.

    `at` is the broker's time in whole seconds, `seen_at` that of the look that showed it.
    """

    scope = models.CharField(max_length=60, db_index=True)
    order = models.ForeignKey(
        ObservedOrder, null=True, on_delete=models.PROTECT, related_name="executions"
    )
    exec_id = models.CharField(max_length=80)
    perm_id = models.BigIntegerField()
    client_id = models.IntegerField()
    broker_order_id = models.IntegerField()
    ref = models.CharField(max_length=80, blank=True)
    con_id = models.BigIntegerField()
    symbol = models.CharField(max_length=20)
    side = models.CharField(max_length=4)
    quantity = models.FloatField()
    price = models.FloatField()
    commission = models.FloatField(null=True, help_text="as far as it was known when first seen")
    earlier = models.BooleanField(default=False)
    at = models.DateTimeField()
    seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["scope", "exec_id"], name="one_observed_execution")
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.quantity:g} {self.symbol} @ {self.price:g}"

    @property
    def signed(self) -> float:
        """The quantity, negative for a sale."""
        return self.quantity if self.side == "BUY" else -self.quantity
