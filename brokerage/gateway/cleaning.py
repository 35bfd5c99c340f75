"""Clean up after a scope: cancel its orders, flatten what it bought or sold, and verify."""

import logging
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from uuid import uuid4

from asgiref.sync import sync_to_async

from brokerage.errors import GatewayError, OrderRefused
from brokerage.executions import standing
from brokerage.gateway import journal, settling
from brokerage.gateway.connecting import connect
from brokerage.gateway.desk import Desk
from brokerage.gateway.tickets import Ticket
from brokerage.models import Execution
from brokerage.reconciliation import is_ours
from brokerage.safety import Door
from brokerage.terms import Contract, Intent, Quote, Side, WorkingOrder

logger = logging.getLogger(__name__)
STEPS = 3
STEP_SECONDS = 10.0
CANCEL_SECONDS = 10.0


@dataclass
class CleanupReport:
    """What a clean-up did: `flat` only if no own order works and no own position is left."""

    cancelled: list[str] = field(default_factory=list)
    closed: dict[str, float] = field(default_factory=dict)
    remaining: dict[str, float] = field(default_factory=dict)
    working: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def flat(self) -> bool:
        """Whether nothing of the scope is left."""
        return not (self.remaining or self.working)

    @property
    def ok(self) -> bool:
        """Whether the clean-up did all it had to."""
        return self.flat and not self.problems


async def cleanup(desk: Desk, scope: str) -> CleanupReport:
    """Cancel the scope's own working orders, flatten its own delta, verify, and report.

    The scope is a reference (`orderRef`) or the part before one of its slashes. Flattening takes
    at most three reduce-only orders for each contract, each nearer to the market: through the
    spread by a tick, by five per cent, at market. Orders and positions of others stay untouched.
    Raises GatewayError only when the gateway can't be read at all.
    """
    report = CleanupReport()
    await _cancel_all(desk, scope, report)
    await settling.settle_records(desk, scope)
    for part in (*await sync_to_async(_outside)(scope), scope):
        for con_id, quantity in (await _delta(desk, part)).items():
            try:
                await _flatten(desk, part, con_id, quantity, report)
            except GatewayError as error:
                report.problems.append(str(error))
    await _verify(desk, scope, report)
    await desk.book.flush()
    return report


# -- cancelling ---------------------------------------------------------------------------------


async def _own_orders(desk: Desk, scope: str) -> list[WorkingOrder]:
    return [order for order in await desk.open_orders() if journal.belongs(order.ref, scope)]


async def _cancel_all(desk: Desk, scope: str, report: CleanupReport) -> None:
    """Only the client id that placed an order can cancel it, so each is taken on in turn."""
    by_client: defaultdict[int, list[WorkingOrder]] = defaultdict(list)
    for order in await _own_orders(desk, scope):
        by_client[order.client_id].append(order)
    for client_id, orders in by_client.items():
        try:
            async with _as_client(desk, client_id) as other:
                await _cancel(other, scope, orders, report)
        except GatewayError as error:
            report.problems.append(f"Orders of client {client_id}: {error}")


@asynccontextmanager
async def _as_client(desk: Desk, client_id: int) -> AsyncIterator[Desk]:
    if client_id == desk.client_id and not desk.readonly:
        yield desk
        return
    async with connect(desk.target, client_ids=(client_id,), readonly=False) as other:
        yield other


async def _cancel(
    desk: Desk, scope: str, orders: list[WorkingOrder], report: CleanupReport
) -> None:
    followed = {t.order_id: t for t in desk.book.tickets.values() if not t.terminal}
    for order in orders:
        if ticket := followed.get(order.order_id):
            await desk.cancel(ticket)
        else:
            desk.cancel_by_id(order.order_id)
        report.cancelled.append(f"{order.side} {order.quantity:g} {order.symbol}")
    mine = {order.order_id for order in orders}
    with suppress(TimeoutError):
        async with desk.clock.timeout(CANCEL_SECONDS):
            while any(order.order_id in mine for order in await _own_orders(desk, scope)):
                await desk.clock.sleep(0.5)
    for ticket in (followed[i] for i in mine & followed.keys()):
        await _ended(ticket)


async def _ended(ticket: Ticket) -> None:
    try:
        await ticket.done(CANCEL_SECONDS)
    except GatewayError as error:
        logger.warning("clean-up: %s", error)


# -- what is left -------------------------------------------------------------------------------


async def _delta(desk: Desk, scope: str) -> dict[int, float]:
    """Return the scope's own position by contract: its fills, but no more than is still held."""
    await settling.import_fills(desk, scope)
    own = await sync_to_async(_net)(scope)
    held = {position.con_id: position.quantity for position in await desk.positions()}
    deltas = {}
    for con_id, net in own.items():
        there = held.get(con_id, 0.0)
        delta = max(0.0, min(net, there)) if net > 0 else min(0.0, max(net, there))
        if delta:
            deltas[con_id] = delta
    return deltas


def _outside(scope: str) -> list[str]:
    """References of the scope that its own record does not count: closed under their own name."""
    refs = Execution.objects.filter(ref__startswith=scope).values_list("ref", flat=True)
    return sorted({ref for ref in refs if journal.belongs(ref, scope) and not is_ours(ref, scope)})


def _net(scope: str) -> dict[int, float]:
    sums: defaultdict[int, float] = defaultdict(float)
    for execution in standing(Execution.objects.filter(ref__startswith=scope)):
        if journal.belongs(execution.ref, scope):
            sums[execution.con_id] += execution.signed
    return {con_id: net for con_id, net in sums.items() if net}


# -- flattening ---------------------------------------------------------------------------------


async def _flatten(
    desk: Desk, scope: str, con_id: int, quantity: float, report: CleanupReport
) -> None:
    contract = await desk.contract(con_id)
    for step in range(1, STEPS + 1):
        # The door counts an order that is not on record as ended as one that may still fill.
        await desk.book.flush()
        await _reduce(desk, scope, contract, quantity, step)
        left = (await _delta(desk, scope)).get(con_id, 0.0)
        report.closed[contract.label] = report.closed.get(contract.label, 0.0) + quantity - left
        if not left:
            return
        quantity = left


async def _reduce(desk: Desk, scope: str, contract: Contract, quantity: float, step: int) -> None:
    side: Side = "SELL" if quantity > 0 else "BUY"
    price = await _price(desk, contract, side, step)
    intent = Intent(
        key=f"{scope}/cleanup/{uuid4().hex}",
        contract=contract,
        side=side,
        quantity=abs(quantity),
        order_type="LMT" if price else "MKT",
        limit_price=price or float("nan"),
        ref=f"{scope}/cleanup",
        purpose="CLEANUP",
        reduce_only=True,
    )
    try:
        ticket = await desk.place(intent, Door(None, desk.clock))
    except OrderRefused as refusal:
        logger.warning("clean-up order refused: %s", refusal)
        return
    try:
        await ticket.done(STEP_SECONDS)
    except GatewayError:
        await desk.cancel(ticket)
        await _ended(ticket)


async def _price(desk: Desk, contract: Contract, side: Side, step: int) -> float:
    """Return a limit through the market, or 0 for a market order."""
    if step == STEPS:
        return 0.0
    try:
        quote = await desk.quote(contract)
    except GatewayError:
        return 0.0
    if quote.quality == "INCOMPLETE":
        return 0.0
    return marketable(quote, side, contract.min_tick, 0.0 if step == 1 else 0.05)


def marketable(quote: Quote, side: Side, tick: float, beyond: float = 0.0) -> float:
    """Return a price on tick that crosses the spread by a tick, and further by a share `beyond`.

    A sale is never priced below one tick.
    """
    if side == "BUY":
        return round(round(quote.ask * (1 + beyond) / tick + 1) * tick, 6)
    return max(round(round(quote.bid * (1 - beyond) / tick - 1) * tick, 6), tick)


async def _verify(desk: Desk, scope: str, report: CleanupReport) -> None:
    report.working = [f"{o.side} {o.quantity:g} {o.symbol}" for o in await _own_orders(desk, scope)]
    for con_id, quantity in (await _delta(desk, scope)).items():
        report.remaining[str(con_id)] = quantity
