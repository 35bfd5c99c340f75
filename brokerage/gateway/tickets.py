"""What an own order is doing: the gateway's reports, in order, turned into one state."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from brokerage import errors
from brokerage.broker import CommissionNote, OpenNote, StatusNote
from brokerage.clock import SessionClock
from brokerage.errors import ErrorClass, GatewayTimeout, OrderUnanswered
from brokerage.executions import execution_root, standing
from brokerage.models import OrderRecord
from brokerage.terms import TERMINAL, BrokerMessage, Fill, Intent, OrderState

# The gateway has the order on its desk, and nobody else has seen it: that acknowledges nothing.
NOT_SENT_ON = frozenset({"PendingSubmit", "ApiPending"})
CANCELLED_WORDS = frozenset({"Cancelled", "ApiCancelled"})
UNSENT = frozenset({OrderState.INTENT, OrderState.REFUSED})


@dataclass(frozen=True)
class Event:
    """One thing that happened to an order, at the gateway's time."""

    at: datetime
    kind: str
    detail: dict[str, Any]


@dataclass
class Change:
    """An event, and the fill or commission that it brought, to be written down."""

    event: Event
    fill: Fill | None = None
    commission: CommissionNote | None = None


class Ticket:
    """One own order, followed from its sending to its end.

    Latencies are real milliseconds; limits of the waiting methods are session seconds.
    """

    def __init__(self, order: OrderRecord, intent: Intent, clock: SessionClock) -> None:
        self.order, self.intent, self.clock = order, intent, clock
        self.order_id, self.client_id = order.order_id or 0, order.client_id
        self.status = OrderState(order.state)
        self.broker_status = self.why_held = ""
        self.filled, self.avg_price = order.filled, order.avg_price
        self.acked_ms, self.filled_ms = order.acked_ms, order.filled_ms
        self.cancel_acked_ms = order.cancel_acked_ms
        self.late_fill = order.late_fill
        self.reason, self.text = order.reason, order.text
        self.perm_id = order.perm_id
        self.events: list[Event] = []
        self.fills: dict[str, Fill] = {}
        self.commissions: dict[str, CommissionNote] = {}
        self.sent_at_ms = self.cancel_sent_ms = 0.0
        self.on_change: Callable[[Ticket, Change], None] = lambda ticket, change: None
        self.on_doubt: Callable[[Ticket, float], None] = lambda ticket, wait: None
        self._news = asyncio.Event()

    # -- what callers ask ---------------------------------------------------------------------

    @property
    def terminal(self) -> bool:
        """Whether nothing more is expected to happen."""
        return self.status in TERMINAL

    @property
    def remaining(self) -> float:
        """The quantity that has not been filled."""
        return max(self.intent.quantity - self.filled, 0.0)

    @property
    def commission(self) -> float | None:
        """All commissions together; None until each fill has its own."""
        if not self.fills or self.fills.keys() - self.commissions.keys():
            return None
        return sum(self.commissions[root].amount for root in self.fills)

    async def acked(self, limit: float = 5.0) -> "Ticket":
        """Wait for the gateway's first word; raises OrderUnanswered, state NO_RESPONSE, without."""
        try:
            await self._until(lambda: self.acked_ms is not None or self.terminal, limit)
        except TimeoutError as error:
            if self.status is OrderState.SUBMITTING:
                self.move(OrderState.NO_RESPONSE, limit_s=limit)
            raise OrderUnanswered(
                f"The gateway has not said a word about order {self.order_id} in {limit:g} s.",
                do="Its fate is unknown: read open orders and executions before sending another.",
            ) from error
        return self

    async def done(self, limit: float = 30.0) -> OrderState:
        """Wait for the end and return it; raises GatewayTimeout when there is none in time.

        A Cancelled counts only after executions and open orders have confirmed it.
        """
        try:
            await self._until(lambda: self.terminal, limit)
        except TimeoutError as error:
            what = f"Order {self.order_id} is still {self.status} after {limit:g} s."
            raise GatewayTimeout(what) from error
        return self.status

    async def commission_report(self, limit: float = 10.0) -> float:
        """Wait for the commission of every fill; return their sum or raise GatewayTimeout."""
        try:
            await self._until(lambda: self.commission is not None, limit)
        except TimeoutError as error:
            what = f"No commission of order {self.order_id} within {limit:g} s."
            raise GatewayTimeout(what) from error
        return self.commission or 0.0

    async def _until(self, condition: Callable[[], bool], limit: float) -> None:
        async with self.clock.timeout(limit):
            while not condition():
                self._news.clear()
                await self._news.wait()

    # -- what the gateway says ----------------------------------------------------------------

    def hear_open(self, note: OpenNote) -> None:
        """The gateway lists the order or tells of a change of it."""
        self.perm_id = note.perm_id or self.perm_id
        self._acknowledge(note.status)

    def hear_status(self, note: StatusNote) -> None:
        """The gateway reports a status."""
        self.perm_id, self.broker_status = note.perm_id or self.perm_id, note.status
        self.why_held = note.why_held
        self._acknowledge(note.status)
        if note.filled > self.filled:
            self.filled, self.avg_price = note.filled, note.avg_price
        if note.status in CANCELLED_WORDS:
            self._hear_cancelled(note.status)
        elif note.status == "Inactive":
            self._doubt("INACTIVE", 0.5, status=note.status)
        else:
            self._settle()

    def hear_fill(self, fill: Fill) -> None:
        """An execution, live or read again; each counts once, as its newest report has it."""
        root = execution_root(fill.exec_id)
        known = self.fills.get(root)
        if known is not None and standing([known, fill]) == [known]:
            return
        self.fills[root] = fill
        self._acknowledge("execution")
        self._sum_up(corrected=known is not None)
        kind = "FILL" if known is None else "CORRECTED"
        detail = {"exec_id": fill.exec_id, "quantity": fill.quantity, "price": fill.price}
        self._tell(Event(self.clock.now(), kind, detail), fill=fill)
        if known is None:
            self._flag_late(fill)
        if fill.commission is not None:
            note = CommissionNote(fill.exec_id, fill.commission, fill.currency, fill.realized)
            self.hear_commission(note)
        self._settle()

    def _flag_late(self, fill: Fill) -> None:
        ended = self.status in {OrderState.CANCELLED, OrderState.REJECTED}
        if ended or self.broker_status in CANCELLED_WORDS:
            self.late_fill = True
            self._say("LATE_FILL", quantity=fill.quantity)

    def hear_commission(self, note: CommissionNote) -> None:
        """The commission of one of the fills; repeats are ignored."""
        root = execution_root(note.exec_id)
        if root in self.fills and root not in self.commissions:
            self.commissions[root] = note
            detail = {"exec_id": note.exec_id, "amount": note.amount, "currency": note.currency}
            self._tell(Event(self.clock.now(), "COMMISSION", detail), commission=note)

    def hear_message(self, message: BrokerMessage) -> None:
        """An error or notice that names the order; the library's own conclusion is not used."""
        detail = {"code": message.code, "text": message.text}
        if message.code == errors.ORDER_CANCELLED:
            self._hear_cancelled(message.text)
        elif message.code in errors.CANCEL_TOO_LATE:
            self._doubt("CANCEL_REFUSED", 1.0, **detail)
        elif message.cls in {ErrorClass.INFORMATIONAL, ErrorClass.TRANSIENT}:
            self._say("MESSAGE", **detail)
        elif self.acked_ms is None:
            self.reason, self.text = str(message.code), message.text
            self.move(OrderState.REJECTED, **detail)
        else:
            self.reason, self.text = str(message.code), message.text
            self._doubt("MESSAGE", 0.5, **detail)

    def lost(self, why: str) -> None:
        """The connection is gone: what becomes of an open order is unknown."""
        if not self.terminal and self.status not in UNSENT:
            self.move(OrderState.UNKNOWN, why=why)

    # -- states -------------------------------------------------------------------------------

    def resolve(self, *, is_open: bool) -> None:
        """Settle a doubtful state by what open orders and executions say."""
        if self.terminal:
            return
        if is_open:
            # Whatever an error said of it: it did not end the order.
            self.reason = self.text = ""
            self.move(OrderState.PARTIAL if self.filled else OrderState.SUBMITTED, reread=True)
        elif self.remaining <= 0:
            self.move(OrderState.FILLED, reread=True)
        else:
            rejected = self.broker_status == "Inactive" or (self.reason and not self.filled)
            state = OrderState.REJECTED if rejected else OrderState.CANCELLED
            self.move(state, reread=True, filled=self.filled)

    def recall(self, fills: list[Fill]) -> None:
        """Take over what is on record of an order that an earlier connection placed."""
        for fill in standing(fills):
            self.fills[execution_root(fill.exec_id)] = fill

    def changed(self, intent: Intent) -> None:
        """The order is about to be sent again with other terms."""
        self.intent = intent
        self._say("CHANGE", limit_price=intent.limit_price)

    def reopen(self) -> None:
        """The order was called ended, and the broker lists it as open: it works."""
        self.move(OrderState.PARTIAL if self.filled else OrderState.SUBMITTED, reread=True)

    def sent(self, wished: float) -> None:
        """The order has just been handed to the socket; `wished` is when it should have been."""
        self.sent_at_ms = self.clock.wall_ms()
        self.order.held_ms = self.sent_at_ms - wished

    def cancel_sent(self) -> None:
        """A cancel has just been handed to the socket."""
        self.cancel_sent_ms = self.clock.wall_ms()
        self.move(OrderState.CANCEL_PENDING)

    def move(self, state: OrderState, **detail: Any) -> None:
        """Enter a state and tell it; nothing happens when it is in it already."""
        if state is not self.status:
            self.status = state
            self._say(state.value, **detail)

    def _acknowledge(self, status: str) -> None:
        if status in NOT_SENT_ON:
            return
        if self.acked_ms is None and self.status not in UNSENT:
            self.acked_ms = self.clock.wall_ms() - self.sent_at_ms
        if self.status in {OrderState.SUBMITTING, OrderState.NO_RESPONSE}:
            self.move(OrderState.SUBMITTED, broker_status=status)

    def _sum_up(self, *, corrected: bool) -> None:
        quantity = sum(fill.quantity for fill in self.fills.values())
        if quantity > 0:
            cost = sum(fill.quantity * fill.price for fill in self.fills.values())
            # A status may know of more than the executions so far; a correction knows best.
            self.filled = quantity if corrected else max(quantity, self.filled)
            self.avg_price = cost / quantity

    def _settle(self) -> None:
        """FILLED when nothing remains, PARTIAL when something does; a cancel under way stays."""
        if self.filled and self.remaining <= 0:
            if self.filled_ms is None:
                self.filled_ms = self.clock.wall_ms() - self.sent_at_ms
            self.move(OrderState.FILLED, filled=self.filled, avg_price=self.avg_price)
        elif self.filled and self.status in {OrderState.SUBMITTED, OrderState.UNKNOWN}:
            self.move(OrderState.PARTIAL, filled=self.filled)
        self._news.set()

    def _hear_cancelled(self, words: str) -> None:
        if self.terminal:
            return
        if self.cancel_acked_ms is None and self.cancel_sent_ms:
            self.cancel_acked_ms = self.clock.wall_ms() - self.cancel_sent_ms
        self.move(OrderState.CANCEL_PENDING)
        self._doubt("CANCEL_REPORTED", 2.0, words=words)

    def _doubt(self, kind: str, wait: float, **detail: Any) -> None:
        """Tell it, and have open orders and executions read after `wait` session seconds."""
        self._say(kind, **detail)
        if not self.terminal:
            self.on_doubt(self, wait)

    def _say(self, kind: str, **detail: Any) -> None:
        self._tell(Event(self.clock.now(), kind, detail))

    def _tell(
        self, event: Event, *, fill: Fill | None = None, commission: CommissionNote | None = None
    ) -> None:
        self.events.append(event)
        self._news.set()
        self.on_change(self, Change(event, fill, commission))
