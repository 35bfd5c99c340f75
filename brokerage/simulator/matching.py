"""The order book of the paper engine: fills from the top of the quote, by price and time.

As IBKR documents its paper trading: simulated from the top of the book alone, so a limit at the
near side waits until the far side touches it, and the displayed size bounds each fill.
"""

import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from brokerage.simulator.groups import Groups
from brokerage.simulator.listings import Listing
from brokerage.simulator.market import Quote
from brokerage.simulator.order_checks import check_change, validate
from brokerage.simulator.orders import (
    AUCTION,
    IMMEDIATE,
    LEAST,
    TRAILING,
    Change,
    Fill,
    Key,
    OrderError,
    SimOrder,
)
from brokerage.simulator.triggers import release, trail, wakes

Event = Fill | Change

# What a change of a working order may set; whatever else was written is kept as it was.
CHANGEABLE = (
    "quantity",
    "order_type",
    "trail_amount",
    "trail_percent",
    "limit_offset",
    "tif",
    "good_after",
    "good_till",
    "outside_rth",
    "all_or_none",
    "min_quantity",
    "cancels_parent",
)


@dataclass
class _Displayed:
    """What one quote still shows on each side after the fills it has given."""

    time: float
    left: dict[str, float]


class Book:
    """All orders of the gateway, finished ones too until they are forgotten."""

    def __init__(self, execution_id: Callable[[], str] | None = None) -> None:
        """`execution_id` gives each fill its own; without it they are counted from 1."""
        numbers = itertools.count(1)
        self._execution_id = execution_id or (lambda: f"00025b49.{next(numbers):08x}.01.01")
        self._orders: dict[Key, SimOrder] = {}
        self._ticks: dict[int, float] = {}  # minimum price variation by contract
        self._working: dict[int, dict[Key, SimOrder]] = {}  # by contract
        self._displayed: dict[int, _Displayed] = {}
        self._expiring: list[tuple[float, int, Key]] = []
        self._groups = Groups()
        self._sequence = 0  # the last that was given
        self.changes = 0  # by the market to orders that it did not fill

    def submit(self, order: SimOrder, listing: Listing) -> None:
        """Accept an order; raises OrderError: what `validate` and `accept` raise."""
        validate(order, listing)
        self.accept(order, listing)

    def accept(self, order: SimOrder, listing: Listing) -> None:
        """The same for one that has been validated; 103 for a key seen before, 135 no parent."""
        if order.key in self._orders:
            raise OrderError(103, "Duplicate order id")
        self._attach(order)
        order.settle()
        self.reinstate(order, listing)

    def reinstate(self, order: SimOrder, listing: Listing) -> None:
        """Let an order work as it stands: where it stood, or behind those that work already."""
        self._sequence = max(self._sequence, order.sequence)
        order.sequence = order.sequence or self._next()
        self._orders[order.key] = order
        self._ticks[order.con_id] = listing.min_tick
        self._working.setdefault(order.con_id, {})[order.key] = order
        self._groups.add(order)
        self._watch_end(order)

    def remember(self, order: SimOrder) -> None:
        """Know an order that has ended, as if that had been here."""
        self._orders[order.key] = order

    def _attach(self, order: SimOrder) -> None:
        """A child waits for its parent; siblings form a group, as TWS makes it."""
        if order.parent is None:
            return
        parent = self._orders.get(order.parent)
        if parent is None or not parent.working:
            raise OrderError(135, f"Can't find order with id ={order.parent[1]}")
        order.attached = True
        if not order.oca_group:
            order.oca_group, order.oca_type = str(parent.perm_id), 3

    def _watch_end(self, order: SimOrder) -> None:
        if order.good_till < float("inf"):
            heapq.heappush(self._expiring, (order.good_till, self._next(), order.key))

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence

    def modify(self, wanted: SimOrder, listing: Listing) -> SimOrder:
        """Change a working order; it keeps its time priority only when nothing but shrinks.

        Raises OrderError 104 (filled), 161 (cancelled), 10147 (unknown), 105, 329, 10326 and
        what `validate` raises; the order then stays as it was.
        """
        order = self._orders.get(wanted.key)
        if order and order.status == "Filled":
            raise OrderError(104, "Cannot modify a filled order.")
        order = self._live(wanted.key)
        check_change(order, wanted)
        validate(wanted, listing)
        before = replace(order)
        _take_over(order, wanted)
        same = replace(order, quantity=before.quantity, good_till=before.good_till) == before
        if not same or order.quantity > before.quantity:
            order.sequence = self._next()
        self._watch_end(order)
        return order

    def cancel(self, key: Key) -> list[SimOrder]:
        """Cancel a working order, its children, its group, and its parent where it asked for that.

        All that ended, the order first. Raises OrderError 10147 (unknown), 10148 (filled), 161.
        """
        order = self._live(key)
        peers = self._groups.others(order)
        parent = self._orders.get(order.parent) if order.parent and order.cancels_parent else None
        ended = self._end(order, "Cancelled")
        for peer in [*peers, *([parent] if parent else [])]:
            if peer.working:
                ended += self._end(peer, "Cancelled")
        return ended

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

    def _end(self, order: SimOrder, status: str) -> list[SimOrder]:
        """Finish an order, and its children unless it filled; all that ended, the order first."""
        order.status = status
        del self._working[order.con_id][order.key]
        children = self._groups.end(order)
        ended = [order]
        if status != "Filled":
            for child in children:
                ended += self._end(child, "Cancelled")
        return ended

    def match(self, con_id: int, quote: Quote, *, extended: bool = False) -> Iterator[Event]:
        """Do what the quote allows, event by event; its displayed size is given out once.

        Own orders come by price, then by time: a better limit first, then the older order.
        `extended`: outside regular hours, where only orders that allow it take part.
        """
        orders = self._working.get(con_id)
        if not orders:
            return
        shown = self._shown(con_id, quote)
        for order in sorted(orders.values(), key=_priority):
            if _takes_part(order, quote, extended):
                yield from self._work(order, quote, shown)
        for peer in self._groups.late():
            yield from self._cut(*peer)

    def _work(self, order: SimOrder, quote: Quote, shown: _Displayed) -> Iterator[Event]:
        if order.waits_for_price:
            if not self._wakes(order, quote):
                return
            release(order)
            yield Change(order.key, "triggered")
        before = order.remaining
        if fill := self._fill(order, quote, shown):
            yield fill
            yield from self._consequences(order, fill.quantity / before, quote)
        yield from self._lapse(order)

    def lapse(self, con_id: int, quote: Quote, *, extended: bool = False) -> Iterator[Event]:
        """End what takes part at once or not at all, at a quote that may fill nothing."""
        for order in list(self._working.get(con_id, {}).values()):
            if _takes_part(order, quote, extended) and not order.waits_for_price:
                yield from self._lapse(order)

    def _lapse(self, order: SimOrder) -> Iterator[Event]:
        """End what did not fill at once and had to."""
        if order.tif in IMMEDIATE and order.working:
            ended = self._end(order, "Inactive" if order.tif == "FOK" else "Cancelled")
            yield Change(order.key, "killed")
            yield from _cancellations(ended[1:])

    def _wakes(self, order: SimOrder, quote: Quote) -> bool:
        """Whether the quote reaches the order's trigger; a stop that trails may have moved."""
        stop = order.stop_price
        woken = wakes(order, quote, self._ticks[order.con_id])
        if woken or order.stop_price != stop:
            self.changes += 1
        return woken

    def _consequences(self, order: SimOrder, fraction: float, quote: Quote) -> Iterator[Event]:
        """What a fill of this fraction of the rest means to the group and to the children."""
        for peer, cut in self._groups.filled(order, fraction):
            yield from self._cut(peer, cut)
        if order.status == "Filled":
            for child in self._groups.end(order):
                self._detach(child, quote)
                yield Change(child.key, "released")

    def _detach(self, child: SimOrder, quote: Quote) -> None:
        """The parent has filled: a stop that trails begins to, from the price of that moment."""
        child.attached = False
        if child.order_type in TRAILING and child.con_id == quote.con_id:
            trail(child, quote.last, self._ticks[child.con_id])
        child.settle()

    def _cut(self, order: SimOrder, fraction: float) -> Iterator[Event]:
        """Take a fraction off what remains of an order; nothing left: it is cancelled."""
        if not order.working:
            return
        left = float(round(order.remaining * (1.0 - fraction)))
        if left < 1.0:
            yield from _cancellations(self._end(order, "Cancelled"))
        elif left < order.remaining:
            order.quantity = order.filled + left
            yield Change(order.key, "reduced")

    def _shown(self, con_id: int, quote: Quote) -> _Displayed:
        shown = self._displayed.get(con_id)
        if shown is None or shown.time != quote.time:
            sizes = {"BUY": quote.ask_size, "SELL": quote.bid_size}
            shown = self._displayed[con_id] = _Displayed(quote.time, sizes)
        return shown

    def _fill(self, order: SimOrder, quote: Quote, shown: _Displayed) -> Fill | None:
        price = quote.opposite(order.side)
        size = min(order.remaining, shown.left[order.side])
        if not order.takes(price) or not size > 0:
            return None
        if size < order.least:
            return None
        shown.left[order.side] -= size
        value = order.average_price * order.filled + price * size
        order.filled += size
        order.average_price, order.last_price = value / order.filled, price
        if order.remaining < LEAST:
            order.status = "Filled"
            del self._working[order.con_id][order.key]
        return order.execution(self._execution_id(), size, price, quote.time)

    def expire(self, now: float) -> list[SimOrder]:
        """End what is good no longer than until now, children included."""
        ended: list[SimOrder] = []
        while self._expiring and self._expiring[0][0] <= now:
            order = self._orders.get(heapq.heappop(self._expiring)[2])
            if order and order.working and order.good_till <= now:
                ended += self._end(order, "Cancelled")
        return ended

    def forget(self, keys: Iterable[Key]) -> None:
        """Drop finished orders; a working one stays."""
        for key in keys:
            if key in self._orders and not self._orders[key].working:
                del self._orders[key]

    def order(self, key: Key) -> SimOrder | None:
        """The order with this key, finished or not."""
        return self._orders.get(key)

    def working(self) -> list[SimOrder]:
        """Working orders, oldest first."""
        orders = [order for one in self._working.values() for order in one.values()]
        return sorted(orders, key=lambda order: order.sequence)

    def works(self, con_id: int) -> bool:
        """Whether any order of this contract works."""
        return bool(self._working.get(con_id))

    def beside(self, con_id: int, account: str) -> list[SimOrder]:
        """An account's working orders of a contract, in the order in which they came."""
        return [one for one in self._working.get(con_id, {}).values() if one.account == account]

    def crowd(self, order: SimOrder) -> int:
        """How many orders work in an order's contract on its side for its account."""
        side, account, count = order.side, order.account, 0
        for one in self._working.get(order.con_id, {}).values():
            if one.side == side and one.account == account:
                count += 1
        return count

    def contracts(self) -> list[int]:
        """Contracts that have working orders, ascending: the ones to match on each step."""
        return sorted(con_id for con_id, orders in self._working.items() if orders)


def _take_over(order: SimOrder, wanted: SimOrder) -> None:
    """Set what a change may set; a stop, and a limit that follows a stop, only when given."""
    for name in CHANGEABLE:
        setattr(order, name, getattr(wanted, name))
    for name in ("stop_price", "limit_price"):
        if value := getattr(wanted, name):
            setattr(order, name, value)
    order.settle()


def _priority(order: SimOrder) -> tuple[float, int]:
    return (-order.limit if order.side == "BUY" else order.limit), order.sequence


def _takes_part(order: SimOrder, quote: Quote, extended: bool) -> bool:
    """Whether an order may trade, or wake up, at this quote."""
    if not order.working or order.attached or order.order_type in AUCTION:
        return False
    return quote.time >= order.good_after and (order.outside_rth or not extended)


def _cancellations(orders: Iterable[SimOrder]) -> Iterator[Change]:
    return (Change(order.key, "cancelled") for order in orders)
