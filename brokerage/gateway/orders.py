"""The orders of one desk: through the door, onto the wire, followed to their end."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Coroutine
from dataclasses import replace

from asgiref.sync import sync_to_async

from brokerage import errors
from brokerage.broker import CommissionNote, Link, OpenNote, StatusNote, trading
from brokerage.errors import GatewayError, OrderRefused
from brokerage.gateway import journal
from brokerage.gateway.tickets import Change, Ticket
from brokerage.listening import Listener
from brokerage.models import OrderRecord
from brokerage.safety import DeskFacts, Door, check_connection, check_shape
from brokerage.terms import BrokerMessage, Fill, Intent, OrderState

logger = logging.getLogger(__name__)
IN_DOUBT = frozenset({OrderState.UNKNOWN, OrderState.NO_RESPONSE})
ENDED_WORDS = frozenset({"Cancelled", "ApiCancelled", "Inactive"})
Note = StatusNote | OpenNote | CommissionNote | Fill


class OrderBook:
    """Places, cancels and follows the orders of one client id; writes each step down."""

    def __init__(self, link: Link, desk: DeskFacts, listener: Listener) -> None:
        self._link, self._desk, self._listener = link, desk, listener
        self.tickets: dict[str, Ticket] = {}
        self._by_order_id: dict[int, Ticket] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._pending: list[tuple[Ticket, Change]] = []
        self._writing = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._rereads: set[asyncio.Task[None]] = set()
        self.failed: Exception | None = None
        self.highest_order_id = 0

    # -- placing ------------------------------------------------------------------------------

    async def place(self, intent: Intent, door: Door, wished: float) -> Ticket:
        """Send the order unless its key was used before; return its ticket.

        `wished` is the reading of `wall_ms()` at which the caller wanted it sent: latencies count
        from there, so that waiting for our own turn is not left out of them.
        Raises OrderRefused, again for a key that was refused before.
        """
        check_shape(intent)
        async with self._locks[intent.key]:
            if known := self.tickets.get(intent.key):
                return _unless_refused(known)
            target, client_id = self._desk.target, self._link.client_id
            order, new = await self._write_down(intent, target.expected_account, client_id)
            if not new:
                return self._again(order, intent)
            return await self._send(order, intent, door, wished)

    async def _write_down(
        self, intent: Intent, expected: str, client_id: int
    ) -> tuple[OrderRecord, bool]:
        account = expected or (self._link.accounts or ("",))[0]
        try:
            intend = sync_to_async(journal.intend)
            return await intend(intent, self._desk.target, account, client_id)
        except journal.UNWRITABLE as error:
            raise OrderRefused("DATABASE", "The order can't be written down.") from error

    def _again(self, order: OrderRecord, intent: Intent) -> Ticket:
        ticket = _unless_refused(self._open(order, intent))
        if order.client_id == self._link.client_id and order.order_id and not ticket.terminal:
            self._by_order_id[order.order_id] = ticket
        return ticket

    async def _send(self, order: OrderRecord, intent: Intent, door: Door, wished: float) -> Ticket:
        ticket = self._open(order, intent)
        try:
            permit = await door.check(intent, self._desk)
            await self._link.bucket.take()
            check_connection(self._desk)
            order_id = trading.reserve_order_id(self._link, self.highest_order_id)
            await sync_to_async(journal.submit)(order, intent, door, permit, order_id)
            # Nothing may have changed for the worse while the database answered.
            check_connection(self._desk)
        except OrderRefused as refusal:
            await self._refuse(ticket, refusal)
            raise
        except journal.UNWRITABLE as error:
            del self.tickets[intent.key]
            raise OrderRefused("DATABASE", "The order can't be written down.") from error
        ticket.order_id, ticket.status = order_id, OrderState.SUBMITTING
        self._by_order_id[order_id] = ticket
        ticket.sent(wished)
        trading.place(self._link, permit, order_id)
        return ticket

    async def _refuse(self, ticket: Ticket, refusal: OrderRefused) -> None:
        ticket.status, ticket.reason, ticket.text = OrderState.REFUSED, refusal.reason, refusal.text
        self._listener.order(ticket.order.pk, "REFUSED", {"reason": refusal.reason})
        try:
            await sync_to_async(journal.refuse)(ticket.order, refusal.reason, refusal.text)
        except journal.UNWRITABLE:
            logger.exception("refusal of order %s not written", ticket.intent.key)

    def _open(self, order: OrderRecord, intent: Intent) -> Ticket:
        ticket = Ticket(order, intent, self._link.clock)
        ticket.on_change, ticket.on_doubt = self._on_change, self._on_doubt
        self.tickets[intent.key] = ticket
        return ticket

    async def change(self, ticket: Ticket, limit_price: float, door: Door) -> None:
        """Send a working order with another limit, under its own id.

        Raises OrderRefused; what comes of it, the gateway's reports and re-reading tell.
        """
        self._refuse_ended(ticket)
        intent = replace(ticket.intent, limit_price=limit_price)
        permit = await door.check(intent, self._desk)
        await self._link.bucket.take()
        try:
            await sync_to_async(journal.change)(ticket.order, intent, door, permit)
        except journal.UNWRITABLE as error:
            raise OrderRefused("DATABASE", "The change can't be written down.") from error
        # Meanwhile it may have ended, or its cancel be under way: it must not work again.
        self._refuse_ended(ticket)
        check_connection(self._desk)
        ticket.changed(intent)
        trading.change(self._link, permit, ticket.order_id)

    def _refuse_ended(self, ticket: Ticket) -> None:
        ending = ticket.terminal or ticket.status is OrderState.CANCEL_PENDING
        if ending or ticket.order_id not in self._by_order_id:
            raise OrderRefused("ENDED", f"Order {ticket.order_id} has ended; it can't be changed.")

    def cancel(self, ticket: Ticket) -> None:
        """Ask the gateway to cancel; always allowed, and nothing to do for an ended order.

        Raises GatewayConnectionError without a connection.
        """
        if ticket.terminal:
            return
        try:
            trading.cancel(self._link, ticket.order_id)
        except ConnectionError as error:
            raise errors.GatewayConnectionError(
                f"Order {ticket.order_id} can't be cancelled: not connected.",
                code=errors.NOT_CONNECTED,
            ) from error
        ticket.cancel_sent()

    # -- following ----------------------------------------------------------------------------

    def hear(self, note: Note) -> None:
        """Hand a note of the gateway to the order that it is about."""
        if isinstance(note, CommissionNote):
            for own in list(self._by_order_id.values()):
                own.hear_commission(note)
            return
        ticket = self._by_order_id.get(note.order_id)
        if ticket is None or note.client_id != self._link.client_id:
            return
        if isinstance(note, StatusNote):
            ticket.hear_status(note)
        elif isinstance(note, OpenNote):
            ticket.hear_open(note)
        else:
            ticket.hear_fill(note)

    def hear_message(self, message: BrokerMessage) -> None:
        """Hand a message to the order it names; re-read everything when a lost link is back."""
        if message.req_id in self._by_order_id:
            self._by_order_id[message.req_id].hear_message(message)
        if message.code in errors.LINK_RESTORED:
            for ticket in self._open_tickets():
                self._on_doubt(ticket, 0.0)

    def lost(self, why: str) -> None:
        """Mark every open order UNKNOWN."""
        for ticket in self._open_tickets():
            ticket.lost(why)

    def _open_tickets(self) -> list[Ticket]:
        return [ticket for ticket in self._by_order_id.values() if not ticket.terminal]

    def _on_doubt(self, ticket: Ticket, wait: float) -> None:
        self._rereads.add(self._spawn(self._reread(ticket, wait)))

    async def _reread(self, ticket: Ticket, wait: float) -> None:
        """Settle an order by open orders and executions, `wait` session seconds from now."""
        await self._link.clock.sleep(wait)
        if ticket.terminal or not self._link.connected:
            return
        try:
            fills = await trading.executions(self._link)
            is_open = await self._is_open(ticket)
            for fill in fills:
                self.hear(fill)
            if (
                ticket.status is OrderState.UNKNOWN
                and not is_open
                and not await self._ended(ticket)
            ):
                return
        except GatewayError as error:
            logger.warning("order %s can't be read again: %s", ticket.order_id, error)
            return
        ticket.resolve(is_open=is_open)

    async def _is_open(self, ticket: Ticket) -> bool:
        key = (self._link.client_id, ticket.order_id)
        working = await trading.open_orders(self._link)
        return any((order.client_id, order.order_id) == key for order in working)

    async def _ended(self, ticket: Ticket) -> bool:
        """Whether something proves that an order which no list of open orders names has ended.

        Such a list may leave out orders that work: an empty one proves nothing.
        """
        if ticket.remaining <= 0 or ticket.broker_status in ENDED_WORDS:
            return True
        completed = await trading.completed_orders(self._link)
        return any(order.perm_id == ticket.perm_id for order in completed if order.perm_id)

    async def resume(self, scope: str) -> list[Ticket]:
        """Follow orders again that an earlier connection of this client id left open."""
        left = await sync_to_async(journal.left_open)(
            scope, self._link.client_id, self._desk.target
        )
        tickets = [self._recall(*one) for one in left if one[0].key not in self.tickets]
        for ticket in tickets:
            await self._reread(ticket, 0.0)
        await self.flush()
        return tickets

    def _recall(self, order: OrderRecord, fills: list[Fill]) -> Ticket:
        ticket = self._open(order, journal.intent_of(order))
        ticket.recall(fills)
        self._by_order_id[ticket.order_id] = ticket
        ticket.lost("left open by an earlier connection")
        return ticket

    async def settle(self) -> None:
        """Read the orders again that the broker does not list as we do, and write what they are.

        One that it lists nowhere is UNKNOWN until something proves its end; one that was called
        ended and works is followed again.
        """
        working = {(o.client_id, o.order_id) for o in await trading.open_orders(self._link)}
        for ticket in list(self._by_order_id.values()):
            listed = (self._link.client_id, ticket.order_id) in working
            if listed and ticket.terminal:
                ticket.reopen()
            elif not listed and not ticket.terminal:
                ticket.lost("the broker does not list it")
                await self._reread(ticket, 0.0)
            elif listed and ticket.status in IN_DOUBT:
                await self._reread(ticket, 0.0)
        await self.flush()

    # -- writing ------------------------------------------------------------------------------

    def _on_change(self, ticket: Ticket, change: Change) -> None:
        self._listener.order(ticket.order.pk, change.event.kind, change.event.detail)
        self._pending.append((ticket, change))
        self._spawn(self.flush())

    async def flush(self) -> None:
        """Write what has happened so far; a failure closes the door for further orders."""
        async with self._writing:
            batch, self._pending = self._pending, []
            if not batch:
                return
            try:
                await sync_to_async(journal.write)(batch, again=self.failed is not None)
            except journal.UNWRITABLE as error:
                logger.exception("%d order events not written", len(batch))
                self._pending = batch + self._pending
                self.failed = error
            else:
                self.failed = None

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """Stop following and write the rest."""
        for task in self._rereads:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.flush()


def _unless_refused(ticket: Ticket) -> Ticket:
    if ticket.status is OrderState.REFUSED:
        raise OrderRefused(ticket.reason, ticket.text)
    return ticket
