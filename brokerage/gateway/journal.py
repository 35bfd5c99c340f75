"""Orders in the database: written before they are sent, and after whatever happens to them."""

from math import nan
from typing import Any

from django.db import DatabaseError, InterfaceError, transaction
from django.db.models import Q
from django.utils import timezone

from brokerage.broker import CommissionNote
from brokerage.gateway.tickets import Change, Event, Ticket
from brokerage.models import Commission, Execution, OrderEvent, OrderRecord
from brokerage.safety import Door, Permit
from brokerage.terms import (
    TERMINAL,
    WORKING,
    Aim,
    Contract,
    Fill,
    Intent,
    OrderState,
    Target,
)
from crucible.ledger.record import record

ACTOR = "gateway"
AIMS: dict[str, Aim] = {"FILL": "FILL", "REST": "REST", "REJECT": "REJECT"}
UNWRITABLE = (DatabaseError, InterfaceError)
# States that leave a line in the ledger, and the name of that line.
LEDGER = {
    "FILLED": "order.filled",
    "CANCELLED": "order.cancelled",
    "REJECTED": "order.rejected",
    "NO_RESPONSE": "order.unanswered",
    "UNKNOWN": "order.unknown",
    "LATE_FILL": "order.filled_late",
}


@transaction.atomic
def intend(
    intent: Intent, target: Target, account: str, client_id: int
) -> tuple[OrderRecord, bool]:
    """Write the order down as INTENT, or return the one that has its key; say which."""
    order, new = OrderRecord.objects.get_or_create(
        key=intent.key,
        defaults={
            "scope": intent.ref.split("/")[0],
            "endpoint_id": target.endpoint_id,
            "ref": intent.ref,
            "route": target.kind,
            "account": account,
            "client_id": client_id,
            "con_id": intent.contract.con_id,
            "symbol": intent.contract.symbol,
            "local_symbol": intent.contract.local_symbol,
            "sec_type": intent.contract.sec_type,
            "multiplier": intent.contract.multiplier,
            "side": intent.side,
            "quantity": intent.quantity,
            "order_type": intent.order_type,
            "limit_price": intent.limit_price if intent.order_type == "LMT" else None,
            "tif": intent.tif,
            "purpose": intent.purpose,
            "reduce_only": intent.reduce_only,
            "aim": intent.aim,
        },
    )
    if new:
        OrderEvent.objects.create(order=order, kind="INTENT")
    return order, new


@transaction.atomic
def refuse(order: OrderRecord, reason: str, text: str) -> None:
    """Write down that the door did not let the order out."""
    order.state, order.reason, order.text = OrderState.REFUSED, reason, text
    order.ended_at = timezone.now()
    order.save(update_fields=["state", "reason", "text", "ended_at"])
    OrderEvent.objects.create(order=order, kind="REFUSED", detail={"reason": reason, "text": text})
    _line("order.refused", order, reason=reason, text=text)


@transaction.atomic
def submit(order: OrderRecord, intent: Intent, door: Door, permit: Permit, order_id: int) -> None:
    """Look at kill switch and grant a last time and write SUBMITTING, in one transaction.

    Raises OrderRefused; then nothing is written here.
    """
    grant = door.admit(intent, permit.price, order.endpoint_id, permit.holding)
    if grant is not None:
        order.grant, order.scope = grant, grant.scope
    order.state, order.order_id = OrderState.SUBMITTING, order_id
    order.save(update_fields=["state", "order_id", "grant", "scope"])
    OrderEvent.objects.create(order=order, kind="SUBMITTING", detail={"order_id": order_id})
    _line("order.placed", order, **_words(order), order_id=order_id)


@transaction.atomic
def change(order: OrderRecord, intent: Intent, door: Door, permit: Permit) -> None:
    """Look at kill switch and grant a last time and write the new limit down.

    Raises OrderRefused; then nothing is written here.
    """
    door.admit(intent, permit.price, order.endpoint_id, permit.holding)
    order.limit_price = intent.limit_price
    order.save(update_fields=["limit_price"])
    _line("order.changed", order, **_words(order), order_id=order.order_id)


@transaction.atomic
def write(changes: list[tuple[Ticket, Change]], *, again: bool = False) -> None:
    """Write what happened to own orders, in its order.

    With `again`, an earlier call with some of it failed, perhaps only in hearing that its
    transaction was committed: what is there already is not written twice. Of an order that somebody
    else has brought to its end, executions and commissions are kept and nothing more: a worker that
    wakes up after its session was taken away has no say in what became of its orders.
    """
    closed = _ended_elsewhere(changes, again=again)
    for ticket, change in changes:
        order = ticket.order
        if again and _written(order, change.event):
            continue
        if change.fill is not None:
            keep_fill(change.fill, order)
        if change.commission is not None:
            keep_commission(change.commission)
        if order.pk in closed:
            continue
        _write_state(ticket, change.event)
        OrderEvent.objects.create(
            order=order, at=change.event.at, kind=change.event.kind, detail=change.event.detail
        )
        if kind := LEDGER.get(change.event.kind):
            _line(kind, order, **_words(order), filled=order.filled, avg_price=order.avg_price)


def _ended_elsewhere(changes: list[tuple[Ticket, Change]], *, again: bool) -> set[int]:
    """Lock the orders, always in the same order, and return those with an end not written here."""
    keys = {ticket.order.pk for ticket, _ in changes}
    rows = OrderRecord.objects.select_for_update().filter(pk__in=keys).order_by("pk")
    ended = {pk for pk, state in rows.values_list("pk", "state") if state in TERMINAL}
    ours = {ticket.order.pk for ticket, _ in changes if ticket.order.state in TERMINAL}
    if again:
        # The state in memory may be one that was rolled back: then the end on record counts.
        ends = [(t.order, c.event) for t, c in changes if c.event.kind in TERMINAL]
        ours -= {order.pk for order, _ in ends}
        ours |= {order.pk for order, event in ends if _written(order, event)}
    return ended - ours


def _written(order: OrderRecord, event: Event) -> bool:
    found = OrderEvent.objects.filter(order=order, at=event.at, kind=event.kind)
    return any(row.detail == event.detail for row in found)


def _write_state(ticket: Ticket, event: Event) -> None:
    order = ticket.order
    if event.kind in OrderState.__members__:
        order.state = event.kind
    if order.state in TERMINAL and order.ended_at is None:
        order.ended_at = timezone.now()
    order.filled, order.avg_price = ticket.filled, ticket.avg_price
    order.acked_ms, order.filled_ms = ticket.acked_ms, ticket.filled_ms
    order.cancel_acked_ms, order.perm_id = ticket.cancel_acked_ms, ticket.perm_id
    order.reason, order.text, order.late_fill = ticket.reason, ticket.text, ticket.late_fill
    order.save()


def keep_fill(fill: Fill, order: OrderRecord | None) -> Execution:
    """Write an execution down once."""
    execution, _ = Execution.objects.get_or_create(
        exec_id=fill.exec_id,
        defaults={
            "order": order,
            "scope": order.scope if order else fill.ref.split("/")[0],
            "ref": fill.ref or (order.ref if order else ""),
            "con_id": fill.con_id,
            "symbol": fill.symbol,
            "side": fill.side,
            "quantity": fill.quantity,
            "price": fill.price,
            "at": fill.at,
        },
    )
    return execution


def keep_commission(note: CommissionNote) -> None:
    """Write the commission of a known execution down once."""
    execution = Execution.objects.filter(exec_id=note.exec_id).first()
    if execution is not None:
        Commission.objects.get_or_create(
            execution=execution,
            defaults={
                "amount": note.amount,
                "currency": note.currency,
                "realized": note.realized,
            },
        )


def highest_order_id(client_id: int, target: Target) -> int:
    """Return the highest order id on record for this client id at this gateway, or 0."""
    if target.endpoint_id is None:
        return 0
    orders = OrderRecord.objects.filter(client_id=client_id, endpoint_id=target.endpoint_id)
    return int(orders.order_by("-order_id").values_list("order_id", flat=True).first() or 0)


def unsettled(prefix: str) -> list[OrderRecord]:
    """Return the sent orders of a reference prefix whose end is not on record."""
    orders = OrderRecord.objects.filter(state__in=WORKING).order_by("pk")
    return [order for order in orders if belongs(order.ref, prefix)]


def sent(scope: str, target: Target) -> list[OrderRecord]:
    """Return every order of a scope that left for this gateway, by its reference."""
    unsent = (OrderState.INTENT, OrderState.REFUSED)
    orders = OrderRecord.objects.filter(Q(endpoint_id=target.endpoint_id), ref__startswith=scope)
    return [o for o in orders.exclude(state__in=unsent).order_by("pk") if belongs(o.ref, scope)]


def left_open(scope: str, client_id: int, target: Target) -> list[tuple[OrderRecord, list[Fill]]]:
    """Return a client id's sent orders of a scope without an end on record, and their fills."""
    orders = [
        order
        for order in unsettled(scope)
        if (order.client_id, order.endpoint_id) == (client_id, target.endpoint_id)
    ]
    return [(order, [_fill(row, order) for row in order.executions.all()]) for order in orders]


def _fill(row: Execution, order: OrderRecord) -> Fill:
    return Fill(
        exec_id=row.exec_id,
        order_id=order.order_id or 0,
        client_id=order.client_id,
        perm_id=order.perm_id or 0,
        ref=row.ref,
        con_id=row.con_id,
        symbol=row.symbol,
        side="BUY" if row.side == "BUY" else "SELL",
        quantity=row.quantity,
        price=row.price,
        at=row.at,
        commission=row.commission,
    )


def intent_of(order: OrderRecord) -> Intent:
    """Return what was wanted with an order on record; of its contract what is on record, too."""
    contract = Contract(
        order.con_id,
        order.symbol,
        order.sec_type,
        multiplier=order.multiplier,
        local_symbol=order.local_symbol,
    )
    return Intent(
        key=order.key,
        contract=contract,
        side="BUY" if order.side == "BUY" else "SELL",
        quantity=order.quantity,
        order_type="MKT" if order.order_type == "MKT" else "LMT",
        limit_price=nan if order.limit_price is None else order.limit_price,
        tif=order.tif,
        ref=order.ref,
        purpose="CLEANUP" if order.purpose == "CLEANUP" else "TEST",
        reduce_only=order.reduce_only,
        aim=AIMS.get(order.aim, "FILL"),
    )


def belongs(ref: str, prefix: str) -> bool:
    """Say whether a reference is the prefix or lies below it."""
    return ref == prefix or ref.startswith(f"{prefix}/")


@transaction.atomic
def settle(order: OrderRecord, state: OrderState, filled: float, reason: str) -> None:
    """Write the end, or the state, that reading the broker's books again has shown."""
    order.state, order.filled, order.reason = state, filled, order.reason or reason
    if state in TERMINAL:
        order.ended_at = timezone.now()
    order.save(update_fields=["state", "filled", "reason", "ended_at"])
    OrderEvent.objects.create(order=order, kind=state, detail={"reread": True, "reason": reason})
    if kind := LEDGER.get(state):
        _line(kind, order, **_words(order), filled=filled, reread=True)


def _words(order: OrderRecord) -> dict[str, Any]:
    return {
        "key": order.key,
        "ref": order.ref,
        "route": order.route,
        "contract": order.local_symbol or order.symbol,
        "side": order.side,
        "quantity": order.quantity,
        "order_type": order.order_type,
        "limit_price": order.limit_price,
        "purpose": order.purpose,
    }


def _line(kind: str, order: OrderRecord, **details: Any) -> None:
    record(kind, "order", order.pk, actor=ACTOR, **details)
