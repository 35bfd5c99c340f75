"""Keep what was observed of others' orders and executions, and read it as books to compare.

The rows are append-only: a look adds what it shows for the first time, and what has changed.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from brokerage.calendar import ET
from brokerage.comparison import Books, FillRow, OrderRow
from brokerage.executions import standing
from brokerage.models import ObservedEvent, ObservedExecution, ObservedOrder
from brokerage.terms import CompletedOrder, Fill, WorkingOrder

# The broker's words for an order to which nothing can happen any more, and ours for one that no
# list names (any more).
ENDED = frozenset({"Filled", "Cancelled", "ApiCancelled", "Inactive"})
UNLISTED = "Unlisted"


@dataclass(frozen=True)
class Look:
    """What the gateway told of everybody's orders at one time; times are real, in UTC.

    `began` is when it was asked, `at` when all answers had come, `since` when the look before was
    asked. `completed` is None where the ended orders were not asked for. With `earlier` all of it
    was there before the watching began.
    """

    began: datetime
    at: datetime
    working: tuple[WorkingOrder, ...]
    completed: tuple[CompletedOrder, ...] | None
    fills: tuple[Fill, ...]
    positions: Mapping[int, float]
    names: Mapping[int, str] = field(default_factory=dict)
    since: datetime | None = None
    earlier: bool = False


@dataclass(frozen=True)
class News:
    """What a look has added to the record, whose it is, and in words."""

    kind: str
    order: ObservedOrder | None
    text: str
    con_id: int = 0


@dataclass(frozen=True)
class _Sight:
    """An order as one look shows it."""

    perm_id: int
    ref: str
    con_id: int
    symbol: str
    side: str
    quantity: float
    order_type: str
    limit_price: float | None
    status: str
    local_symbol: str = ""
    client_id: int | None = None
    order_id: int | None = None


@transaction.atomic
def keep(scope: str, endpoint_id: int | None, look: Look) -> list[News]:
    """Write down what the look adds to the record of the scope, and return it."""
    fills = _fills_by_order(look.fills)
    sights = {sight.perm_id: sight for sight in _sights(look, fills)}
    orders, news = _known(scope, sights), list[News]()
    for perm_id, sight in sights.items():
        if perm_id not in orders:
            orders[perm_id] = _first_seen(scope, endpoint_id, look, sight)
            news.append(_about("ORDER", orders[perm_id], f"first seen, {orders[perm_id]}"))
    news += _keep_fills(scope, look, orders)
    news += _keep_events(look, orders, sights, fills)
    return news


def _known(scope: str, perm_ids: Iterable[int]) -> dict[int, ObservedOrder]:
    rows = ObservedOrder.objects.filter(scope=scope, perm_id__in=list(perm_ids))
    return {row.perm_id: row for row in rows}


def _fills_by_order(fills: Iterable[Fill]) -> dict[int, list[Fill]]:
    found: defaultdict[int, list[Fill]] = defaultdict(list)
    for fill in fills:
        found[fill.perm_id].append(fill)
    return found


def _sights(look: Look, fills: Mapping[int, list[Fill]]) -> Iterable[_Sight]:
    """Give each order once, the surest word last: executions, then lists; an end is final.

    An order that has no permanent id yet is on its way: the next look shows it.
    """
    for perm_id, group in fills.items():
        yield _of_fills(perm_id, group)
    for working in look.working:
        if working.perm_id:
            yield _of_working(working)
    for ended in look.completed or ():
        yield _of_completed(ended, fills.get(ended.perm_id, []))


def _of_working(order: WorkingOrder) -> _Sight:
    limit = order.limit_price or None
    return _Sight(
        order.perm_id, order.ref, order.con_id, order.symbol, order.side, order.quantity,
        order.order_type, limit, order.status, order.local_symbol, order.client_id, order.order_id,
    )  # fmt: skip


def _of_completed(order: CompletedOrder, fills: list[Fill]) -> _Sight:
    """The list of ended orders names no client, and no quantity but what was filled."""
    client_id, order_id = (fills[0].client_id, fills[0].order_id) if fills else (None, None)
    return _Sight(
        order.perm_id, order.ref, order.con_id, order.symbol, order.side,
        order.quantity or order.filled, order.order_type, order.limit_price or None, order.status,
        order.local_symbol, client_id, order_id,
    )  # fmt: skip


def _of_fills(perm_id: int, fills: list[Fill]) -> _Sight:
    first, filled = fills[0], _sum(fills)
    name = first.contract.local_symbol if first.contract else ""
    return _Sight(
        perm_id, first.ref, first.con_id, first.symbol, first.side, filled, "", None, UNLISTED,
        name, first.client_id, first.order_id,
    )  # fmt: skip


def _sum(fills: Iterable[Fill]) -> float:
    return sum(fill.quantity for fill in standing(fills))


def _first_seen(scope: str, endpoint_id: int | None, look: Look, sight: _Sight) -> ObservedOrder:
    return ObservedOrder.objects.create(
        scope=scope, endpoint_id=endpoint_id, perm_id=sight.perm_id, client_id=sight.client_id,
        order_id=sight.order_id, ref=sight.ref[:80], con_id=sight.con_id, symbol=sight.symbol[:20],
        local_symbol=sight.local_symbol[:60], side=sight.side, quantity=sight.quantity,
        order_type=sight.order_type[:12], limit_price=sight.limit_price, earlier=look.earlier,
        absent_at=None if look.earlier else look.since, seen_at=look.at,
    )  # fmt: skip


def _keep_fills(scope: str, look: Look, orders: Mapping[int, ObservedOrder]) -> Iterable[News]:
    told = {fill.exec_id: fill for fill in look.fills}
    rows = ObservedExecution.objects.filter(scope=scope, exec_id__in=list(told))
    known = set(rows.values_list("exec_id", flat=True))
    for exec_id, fill in told.items():
        if exec_id not in known:
            row = _execution(scope, look, fill, orders.get(fill.perm_id))
            yield _about("EXECUTION", row.order, f"execution {exec_id}: {row}", row.con_id)


def _execution(
    scope: str, look: Look, fill: Fill, order: ObservedOrder | None
) -> ObservedExecution:
    return ObservedExecution.objects.create(
        scope=scope, order=order, exec_id=fill.exec_id, perm_id=fill.perm_id,
        client_id=fill.client_id, broker_order_id=fill.order_id, ref=fill.ref[:80],
        con_id=fill.con_id, symbol=fill.symbol[:20], side=fill.side, quantity=fill.quantity,
        price=fill.price, commission=fill.commission, earlier=look.earlier, at=fill.at,
        seen_at=look.at,
    )  # fmt: skip


def _keep_events(
    look: Look,
    orders: Mapping[int, ObservedOrder],
    sights: Mapping[int, _Sight],
    fills: Mapping[int, list[Fill]],
) -> Iterable[News]:
    last = _last_events(orders.values())
    for perm_id, sight in sights.items():
        order, before = orders[perm_id], last.get(orders[perm_id].pk)
        filled = _sum(fills.get(perm_id, []))
        status, quantity, limit = _state(order, sight, before, filled)
        now = (status, filled, quantity, limit)
        if before is not None and now == _said(before):
            continue
        event = ObservedEvent.objects.create(
            order=order, status=status[:24], filled=filled, quantity=quantity, limit_price=limit,
            at=look.at,
        )  # fmt: skip
        yield _about("EVENT", order, str(event))


def _said(event: ObservedEvent) -> tuple[str, float, float, float | None]:
    return event.status, event.filled, event.quantity, event.limit_price


def _state(
    order: ObservedOrder, sight: _Sight, before: ObservedEvent | None, filled: float
) -> tuple[str, float, float | None]:
    """Return status, quantity and limit now; what a list of ended orders leaves out stays."""
    if sight.status == UNLISTED and before is not None:
        status = "Filled" if filled >= before.quantity else before.status
        return status, before.quantity, before.limit_price
    if sight.status in ENDED:
        quantity = before.quantity if before is not None else order.quantity
        limit = before.limit_price if before is not None else order.limit_price
        return sight.status, quantity, limit
    return sight.status, sight.quantity, sight.limit_price


def _last_events(orders: Iterable[ObservedOrder]) -> dict[int, ObservedEvent]:
    rows = ObservedEvent.objects.filter(order__in=[order.pk for order in orders]).order_by("pk")
    return {row.order_id: row for row in rows}


def _about(kind: str, order: ObservedOrder | None, text: str, con_id: int = 0) -> News:
    whose = f"Order of {order.whose}: " if order is not None else ""
    return News(kind, order, f"{whose}{text}.", con_id or (order.con_id if order else 0))


# -- as books ---------------------------------------------------------------------------------


def observed_books(scope: str, now: datetime) -> tuple[Books, dict[int, float]]:
    """Return the record of a scope as the broker should have it, and what its fills add up to.

    `now` is the gateway's time. The broker tells of the day alone; what was there before the
    watching began moved no position since.
    """
    midnight = now.astimezone(ET).replace(hour=0, minute=0, second=0, microsecond=0)
    executions = standing(ObservedExecution.objects.filter(scope=scope).order_by("pk"))
    today = [one for one in executions if one.at >= midnight]
    held: defaultdict[int, float] = defaultdict(float)
    for one in executions:
        if not one.earlier:
            held[one.con_id] += one.signed
    fills = tuple(_fill_row(one) for one in today)
    return Books(tuple(_order_rows(scope, today)), fills), dict(held)


def _fill_row(one: ObservedExecution) -> FillRow:
    return FillRow(
        exec_id=one.exec_id, client_id=one.client_id, order_id=one.broker_order_id, ref=one.ref,
        con_id=one.con_id, symbol=one.symbol, quantity=one.signed, price=one.price, at=one.at,
    )  # fmt: skip


def _order_rows(scope: str, today: Iterable[ObservedExecution]) -> Iterable[OrderRow]:
    """Give every order that is open on record, or of which the broker's day has executions."""
    orders = list(ObservedOrder.objects.filter(scope=scope).order_by("pk"))
    last, ids = _last_events(orders), {one.perm_id: one for one in today}
    for order in orders:
        event, fill = last.get(order.pk), ids.get(order.perm_id)
        if event is None or (event.status in ENDED and fill is None and event.filled):
            continue
        yield OrderRow(
            perm_id=order.perm_id,
            client_id=fill.client_id if fill else order.client_id or 0,
            order_id=fill.broker_order_id if fill else order.order_id or 0,
            ref=order.ref,
            label=str(order),
            state=event.status,
            open=event.status not in ENDED | {UNLISTED},
            quantity=event.quantity,
            limit_price=event.limit_price or 0.0,
            # A status of Filled claims executions of as much.
            filled=event.quantity if event.status == "Filled" else event.filled,
        )
