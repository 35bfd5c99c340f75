"""Read a session's own orders as the watch judges them."""

from collections.abc import Hashable

from brokerage.executions import execution_root, standing
from brokerage.models import OrderRecord
from brokerage.terms import OrderState
from validation.watch.orders import UNSENT, OrderView


class Since:
    """Since when each thing has been as it is; times are session seconds."""

    def __init__(self) -> None:
        self._known: dict[Hashable, tuple[object, float]] = {}

    def __call__(self, thing: Hashable, state: object, now: float) -> float:
        """Return for how long the thing has been in this state, as far as it was looked at."""
        known = self._known.get(thing)
        if known is None or known[0] != state:
            self._known[thing] = known = state, now
        return now - known[1]


def sent_orders(scope: str, since: Since, now: float, speed: float) -> list[OrderView]:
    """Return the scope's orders that were sent; `now` in session seconds of the given speed."""
    rows = OrderRecord.objects.filter(scope=scope).exclude(state__in=UNSENT).order_by("pk")
    related = rows.prefetch_related("executions", "executions__commission_report")
    return [_view(order, since, now, speed) for order in related]


def _view(order: OrderRecord, since: Since, now: float, speed: float) -> OrderView:
    executions = standing(order.executions.all())
    priced = {
        execution_root(one.exec_id)
        for one in order.executions.all()
        if hasattr(one, "commission_report")
    }
    unpriced = tuple(one.exec_id for one in executions if execution_root(one.exec_id) not in priced)
    waited = since(("unpriced", order.pk), unpriced, now) if unpriced else None
    return OrderView(
        label=label(order),
        state=OrderState(order.state),
        since_s=since(order.pk, (order.state, order.filled), now),
        acked_s=None if order.acked_ms is None else order.acked_ms / 1000 * speed,
        filled=order.filled,
        executed=sum(one.quantity for one in executions),
        unpriced_s=waited,
        late_fill=order.late_fill,
    )


def label(order: OrderRecord) -> str:
    """Name an order so that a person finds it."""
    what = f"{order.side} {order.quantity:g} {order.local_symbol or order.symbol}"
    return f"order {order.order_id} of client {order.client_id} ({what}, {order.ref})"


def labels(scope: str, client_id: int) -> dict[int, tuple[str, float]]:
    """Return the label and the quantity of each sent order of a client, by order id."""
    rows = OrderRecord.objects.filter(scope=scope, client_id=client_id)
    return {
        order.order_id: (label(order), order.quantity)
        for order in rows.exclude(state__in=UNSENT)
        if order.order_id is not None
    }


def highest_order_id(scope: str, client_id: int) -> int:
    """Return the highest order id that a client has used in this scope, or 0."""
    rows = OrderRecord.objects.filter(scope=scope, client_id=client_id).order_by("-order_id")
    return int(rows.values_list("order_id", flat=True).first() or 0)
