"""Bring the own record up to the broker's books: fills, commissions, and ends of orders."""

from asgiref.sync import sync_to_async

from brokerage.broker import CommissionNote
from brokerage.executions import standing
from brokerage.gateway import journal
from brokerage.gateway.desk import Desk
from brokerage.models import OrderRecord
from brokerage.terms import TERMINAL, Fill, OrderState, WorkingOrder


async def import_fills(desk: Desk, scope: str) -> list[Fill]:
    """Write the broker's executions of a scope down that are not on record, and return them all."""
    fills = [fill for fill in await desk.executions() if journal.belongs(fill.ref, scope)]
    await desk.book.flush()
    await sync_to_async(_keep)(fills)
    return fills


def _keep(fills: list[Fill]) -> None:
    orders = {
        (order.client_id, order.order_id, order.ref): order
        for order in OrderRecord.objects.filter(ref__in={fill.ref for fill in fills})
    }
    for fill in fills:
        journal.keep_fill(fill, orders.get((fill.client_id, fill.order_id, fill.ref)))
        if fill.commission is not None:
            note = CommissionNote(fill.exec_id, fill.commission, fill.currency, fill.realized)
            journal.keep_commission(note)


async def catch_up(desk: Desk, scope: str) -> None:
    """Complete the own record from the broker's answers, by new rows.

    An order ends on record only when the broker says so: by its executions or among the completed
    orders. That a list leaves it out proves nothing.
    """
    fills = await import_fills(desk, scope)
    working, completed = await desk.open_orders(), await desk.completed_orders()
    await desk.book.settle()
    ended = {order.perm_id for order in completed}
    followed = {ticket.order.pk for ticket in desk.book.tickets.values()}
    for order in await sync_to_async(journal.sent)(scope, desk.target):
        if order.pk not in followed:
            await sync_to_async(_by_proof)(order, fills, working, ended)


def _by_proof(
    order: OrderRecord, fills: list[Fill], working: list[WorkingOrder], ended: set[int]
) -> None:
    is_open = any((o.client_id, o.order_id) == (order.client_id, order.order_id) for o in working)
    filled = _filled(order, fills)
    proved = is_open or order.perm_id in ended or filled >= order.quantity
    settled = order.state in TERMINAL and not is_open
    if proved and not (settled and filled == order.filled):
        _settle(order, fills, working)


def _filled(order: OrderRecord, fills: list[Fill]) -> float:
    key = (order.client_id, order.order_id)
    own = [f for f in fills if (f.client_id, f.order_id) == key and f.ref == order.ref]
    return sum(fill.quantity for fill in standing(own))


async def settle_records(desk: Desk, scope: str) -> None:
    """Settle orders that another connection left open on record, by the broker's books."""
    fills = await import_fills(desk, scope)
    working = [order for order in await desk.open_orders() if journal.belongs(order.ref, scope)]
    followed = {ticket.order.pk for ticket in desk.book.tickets.values()}
    for order in await sync_to_async(journal.unsettled)(scope):
        if order.pk not in followed:
            await sync_to_async(_settle)(order, fills, working)


def _settle(order: OrderRecord, fills: list[Fill], working: list[WorkingOrder]) -> None:
    key, filled = (order.client_id, order.order_id), _filled(order, fills)
    if any((o.client_id, o.order_id) == key for o in working):
        state = OrderState.PARTIAL if filled else OrderState.SUBMITTED
    else:
        state = OrderState.FILLED if filled >= order.quantity else OrderState.CANCELLED
    journal.settle(order, state, filled, "" if filled or order.acked_ms else "NOT_AT_BROKER")
