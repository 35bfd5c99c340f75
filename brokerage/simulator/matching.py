"""The order book of the paper engine: fills from the top of the quote, by price and time.

As IBKR documents its paper trading: simulated from the top of the book alone, so a limit at the
near side waits until the far side touches it, and the displayed size bounds each fill.
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from brokerage.simulator.listings import Listing
from brokerage.simulator.market import Quote

Key = tuple[int, int]  # client id, order id

SIDES = ("BUY", "SELL")
ORDER_TYPES = ("MKT", "LMT", "STP", "STP LMT")
TIMES_IN_FORCE = ("DAY", "GTC", "IOC", "FOK")
OFF_TICK = 1e-6  # of a tick; what floats may be off
LEAST = 1e-9  # of a unit; less than that remains of floats alone


class OrderError(Exception):
    """An order, change or cancel that is refused, with IBKR's code and text."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


@dataclass
class SimOrder:
    """One order as the exchange sees it; the book alone changes the fields after `submitted_at`."""

    key: Key
    con_id: int
    side: str  # BUY or SELL
    quantity: float
    order_type: str = "LMT"  # MKT, LMT, STP, STP LMT
    limit_price: float = 0.0
    stop_price: float = 0.0
    tif: str = "DAY"  # DAY, GTC, IOC, FOK
    account: str = ""
    perm_id: int = 0
    ref: str = ""
    submitted_at: float = 0.0

    filled: float = 0.0
    average_price: float = 0.0
    last_price: float = 0.0
    status: str = "Submitted"  # PreSubmitted (untriggered stop), Submitted, Filled, Cancelled
    sequence: int = 0  # time priority

    @property
    def remaining(self) -> float:
        """What is not filled yet."""
        return self.quantity - self.filled

    @property
    def working(self) -> bool:
        """Whether it can still fill."""
        return self.status in {"PreSubmitted", "Submitted"}

    @property
    def limit(self) -> float:
        """The worst price it takes: its limit, or any price at all."""
        if self.order_type in {"LMT", "STP LMT"}:
            return self.limit_price
        return math.inf if self.side == "BUY" else -math.inf

    def takes(self, price: float) -> bool:
        """Whether its limit allows a price; a missing one (nan) never."""
        return price <= self.limit if self.side == "BUY" else price >= self.limit


@dataclass(frozen=True)
class Fill:
    """One execution of an order; `cumulative`, `average_price` and `remaining` include it."""

    exec_id: str
    key: Key
    con_id: int
    side: str
    quantity: float
    price: float
    time: float
    cumulative: float
    average_price: float
    remaining: float
    account: str = ""
    perm_id: int = 0
    ref: str = ""


def validate(order: SimOrder, listing: Listing) -> None:
    """Raises OrderError: 434 size zero, 110 price off tick, 321 unknown side, type or tif."""
    if not 0 < order.quantity < math.inf:
        raise OrderError(434, "The order size cannot be zero.")
    for known, value, name in (
        (SIDES, order.side, "action"),
        (ORDER_TYPES, order.order_type, "order type"),
        (TIMES_IN_FORCE, order.tif, "time in force"),
    ):
        if value not in known:
            raise OrderError(321, f"Error validating request: invalid {name} '{value}'")
    for price in _prices(order):
        if not _on_tick(price, listing.min_tick):
            text = "The price does not conform to the minimum price variation for this contract."
            raise OrderError(110, text)


def _prices(order: SimOrder) -> Iterator[float]:
    if order.order_type in {"LMT", "STP LMT"}:
        yield order.limit_price
    if order.order_type in {"STP", "STP LMT"}:
        yield order.stop_price


def _on_tick(price: float, tick: float) -> bool:
    if not 0 < price < math.inf:
        return False
    ticks = price / tick
    return abs(ticks - round(ticks)) <= OFF_TICK


@dataclass
class _Displayed:
    """What one quote still shows on each side after the fills it has given."""

    time: float
    left: dict[str, float]


class Book:
    """All orders of the gateway, finished ones too; `prefix` makes execution ids its own."""

    def __init__(self, prefix: str = "00025b49") -> None:
        self._orders: dict[Key, SimOrder] = {}
        self._working: dict[int, dict[Key, SimOrder]] = {}  # by contract
        self._displayed: dict[int, _Displayed] = {}
        self._cancelled: list[SimOrder] = []
        self._sequence, self._executions = itertools.count(1), itertools.count(1)
        self._prefix = prefix

    def submit(self, order: SimOrder, listing: Listing) -> None:
        """Accept a valid order; raises OrderError (also 103 for a key seen before)."""
        if order.key in self._orders:
            raise OrderError(103, "Duplicate order id")
        validate(order, listing)
        order.sequence = next(self._sequence)
        order.status = "PreSubmitted" if order.order_type.startswith("STP") else "Submitted"
        self._orders[order.key] = order
        self._working.setdefault(order.con_id, {})[order.key] = order

    def modify(
        self, key: Key, listing: Listing, *, quantity: float, limit_price: float
    ) -> SimOrder:
        """Change a working order; it keeps its time priority only when nothing but shrinks.

        Raises OrderError 104 (filled), 161 (cancelled), 10147 (unknown), 110, 434, 105 (not
        above the filled quantity); the order then stays as it was.
        """
        order = self._orders.get(key)
        if order and order.status == "Filled":
            raise OrderError(104, "Cannot modify a filled order.")
        order = self._live(key)
        validate(replace(order, quantity=quantity, limit_price=limit_price), listing)
        if quantity <= order.filled:
            raise OrderError(105, "Order being modified does not match original order.")
        if limit_price != order.limit_price or quantity > order.quantity:
            order.sequence = next(self._sequence)
        order.quantity, order.limit_price = quantity, limit_price
        return order

    def cancel(self, key: Key) -> SimOrder:
        """Cancel a working order; raises OrderError 10147 (unknown), 10148 (filled), 161."""
        order = self._live(key)
        self._finish(order, "Cancelled")
        return order

    def _live(self, key: Key) -> SimOrder:
        order = self._orders.get(key)
        what = f"OrderId {key[1]} that needs to be cancelled"
        if order is None:
            raise OrderError(10147, f"{what} is not found.")
        if order.status == "Filled":
            raise OrderError(10148, f"{what} cannot be cancelled, state: {order.status}.")
        if not order.working:
            text = "Cancel attempted when order is not in a cancellable state. Order permId ="
            raise OrderError(161, f"{text}{order.perm_id}")
        return order

    def _finish(self, order: SimOrder, status: str) -> None:
        order.status = status
        del self._working[order.con_id][order.key]

    def match(self, con_id: int, quote: Quote) -> list[Fill]:
        """Fill what the quote allows; the displayed size of one quote is given out once.

        Own orders come by price, then by time: a better limit first, then the older order.
        """
        shown = self._shown(con_id, quote)
        fills = []
        for order in sorted(self.working(con_id), key=_priority):
            _trigger(order, quote)
            fill = self._fill(order, quote, shown) if order.status == "Submitted" else None
            if fill:
                fills.append(fill)
            if order.tif in {"IOC", "FOK"} and order.working:
                self._finish(order, "Cancelled")
                self._cancelled.append(order)
        return fills

    def _shown(self, con_id: int, quote: Quote) -> _Displayed:
        shown = self._displayed.get(con_id)
        if shown is None or shown.time != quote.time:
            sizes = {"BUY": quote.ask_size, "SELL": quote.bid_size}
            shown = self._displayed[con_id] = _Displayed(quote.time, sizes)
        return shown

    def _fill(self, order: SimOrder, quote: Quote, shown: _Displayed) -> Fill | None:
        price = quote.ask if order.side == "BUY" else quote.bid
        size = min(order.remaining, shown.left[order.side])
        if not order.takes(price) or size <= 0:
            return None
        if order.tif == "FOK" and size < order.remaining:
            return None
        shown.left[order.side] -= size
        value = order.average_price * order.filled + price * size
        order.filled += size
        order.average_price, order.last_price = value / order.filled, price
        if order.remaining < LEAST:
            self._finish(order, "Filled")
        return self._execution(order, size, price, quote.time)

    def _execution(self, order: SimOrder, size: float, price: float, at: float) -> Fill:
        return Fill(
            exec_id=f"{self._prefix}.{next(self._executions):08x}.01.01",
            key=order.key,
            con_id=order.con_id,
            side=order.side,
            quantity=size,
            price=price,
            time=at,
            cumulative=order.filled,
            average_price=order.average_price,
            remaining=order.remaining,
            account=order.account,
            perm_id=order.perm_id,
            ref=order.ref,
        )

    def take_cancelled(self) -> list[SimOrder]:
        """Immediate orders whose rest was cancelled by `match` since the last call."""
        taken, self._cancelled = self._cancelled, []
        return taken

    def order(self, key: Key) -> SimOrder | None:
        """The order with this key, finished or not."""
        return self._orders.get(key)

    def working(self, con_id: int | None = None) -> list[SimOrder]:
        """Working orders, oldest first."""
        contracts = self._working if con_id is None else [con_id]
        orders = [order for one in contracts for order in self._working.get(one, {}).values()]
        return sorted(orders, key=lambda order: order.sequence)

    def contracts(self) -> set[int]:
        """Contracts that have working orders: the ones to match on each step."""
        return {con_id for con_id, orders in self._working.items() if orders}


def _priority(order: SimOrder) -> tuple[float, int]:
    return (-order.limit if order.side == "BUY" else order.limit), order.sequence


def _trigger(order: SimOrder, quote: Quote) -> None:
    """A stop becomes a live order once the market trades, or is quoted, at its price."""
    if order.status != "PreSubmitted":
        return
    if order.side == "BUY":
        reached = max(quote.last, quote.bid) >= order.stop_price
    else:
        reached = min(quote.last, quote.ask) <= order.stop_price
    if reached:
        order.status = "Submitted"
