"""Orders as the gateway keeps them: what the client wrote beside what the exchange made of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from brokerage.simulator.ids import Ids
from brokerage.simulator.listings import Listing, listed
from brokerage.simulator.orders import STOPPED, TRAILING, Key, SimOrder
from brokerage.simulator.venue_terms import wire_contract
from brokerage.tws.fields import UNSET_INTEGER
from brokerage.tws.messages import Contract, OpenOrder, Order, OrderState, OrderStatus, PlaceOrder
from brokerage.tws.objects import assembled, changed, form

CANCELLED = (202, "Order Canceled - reason:")
BY_TRADER, BY_SYSTEM = "Cancelled by Trader", "Cancelled by System:\n"


@dataclass
class Record:
    """One order; it reaches the book when it is acknowledged."""

    key: Key
    message: PlaceOrder
    listing: Listing
    account: str
    perm_id: int
    sim: SimOrder
    acknowledged: bool = False
    reported: bool = False  # told twice that it works, as a real gateway does
    done_at: float = 0.0
    ended: str = BY_TRADER  # why, if it was cancelled
    cap_price: float = 0.0  # the most aggressive limit that was allowed
    held: bool = False  # until the exchange opens
    bound: bool = True  # False: entered by hand, and no client has taken it over
    resurrected: bool = False  # a fault: cancelled, and listed as open all the same
    # The order as it is echoed, made anew only when one of these differs.
    _echo: tuple[tuple[object, ...], Order] | None = field(default=None, repr=False)

    @property
    def order_id(self) -> int:
        """What clients know it by: 0 while it is bound to none."""
        return self.key[1] if self.bound else 0

    @property
    def status(self) -> str:
        """What the gateway calls its state."""
        if self.resurrected:
            return "Submitted"
        if not self.acknowledged:
            return "PendingSubmit"
        return "PreSubmitted" if self.held and self.sim.working else self.sim.status

    @property
    def open(self) -> bool:
        """Whether it is listed among the open orders."""
        return self.acknowledged and (self.sim.working or self.resurrected)

    @property
    def done(self) -> bool:
        """Whether it is listed among the completed orders."""
        return self.acknowledged and not self.open


class Records:
    """The orders of the gateway by client and order id: what works, and what ended today."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._records: dict[Key, Record] = {}
        self._live: dict[Key, Record] = {}  # not ended, sent or not
        self.endings: list[Record] = []  # what ended today, in that order; twice after a fault

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records.values())

    def get(self, key: Key) -> Record | None:
        """The order with this key, or None."""
        return self._records.get(key)

    def closes_parent(self, sim: SimOrder) -> bool:
        """Whether an order does no more than take its parent's position off again."""
        parent = self._records.get(sim.parent) if sim.parent else None
        if parent is None:
            return False
        opened = parent.sim
        opposite = (opened.con_id, -opened.sign) == (sim.con_id, sim.sign)
        return opposite and sim.quantity <= opened.quantity

    def live(self) -> list[Record]:
        """What has not ended, in the order in which it came."""
        return list(self._live.values())

    @property
    def working(self) -> int:
        """How many have not ended."""
        return len(self._live)

    def add(self, message: PlaceOrder, listing: Listing, sim: SimOrder, perm_id: int = 0) -> Record:
        """Keep a new order under a permanent id of its own (or one that it had before)."""
        sim.perm_id = perm_id or self._ids.perm_id()
        record = Record(sim.key, message, listing, sim.account, sim.perm_id, sim)
        self._records[sim.key] = self._live[sim.key] = record
        return record

    def ended(self, record: Record) -> None:
        """The order has ended: it is listed as completed until it is forgotten."""
        self._live.pop(record.key, None)
        self.endings.append(record)

    def revive(self, record: Record) -> None:
        """A fault: list an order that was cancelled as open."""
        record.resurrected = True
        self._live[record.key] = record

    def drop(self, record: Record) -> None:
        """Forget an order, as if it had never been."""
        self._live.pop(record.key, None)
        self._records.pop(record.key, None)

    def forget(self, since: float) -> list[Key]:
        """Drop what ended before a time, in epoch seconds; the keys of these orders."""
        self.endings = [one for one in self.endings if one.done_at >= since]
        ended = ((key, one) for key, one in self._records.items() if key not in self._live)
        keys = [key for key, one in ended if one.done_at < since]
        for key in keys:
            del self._records[key]
        return keys


def reported(record: Record) -> Order:
    """The order as a real gateway echoes it, with the values it puts in for what was left out."""
    sim, order = record.sim, record.message.order
    moving = (sim.quantity, sim.limit_price, sim.stop_price, sim.tif, sim.oca_group)
    if record._echo is None or record._echo[0] != (id(order), *moving):
        record._echo = (id(order), *moving), _reported(record)
    return record._echo[1]


def _reported(record: Record) -> Order:
    """It writes UNSET_INTEGER where others leave it empty."""
    order, sim = record.message.order, record.sim
    terms = {
        "quantity": sim.quantity,
        "limit_price": sim.limit_price or order.limit_price or 0.0,
        "aux_price": order.aux_price or 0.0,
        "trail_stop_price": _trail_stop(record),
        "tif": sim.tif,
        "oca_group": sim.oca_group,
        "account": record.account,
        "display_size": order.display_size or UNSET_INTEGER,
    }
    if order.form is None:
        return _filled_in(changed(order, **terms))
    return assembled(_echo_form(order.form), vars(order) | terms)


@lru_cache(maxsize=256)
def _echo_form(of: type[Order]) -> type[Order]:
    """The form of what is reported of orders of one form."""
    return form(_filled_in(assembled(of, {})))


def _filled_in(order: Order) -> Order:
    """With the other values that are put in: none of them is a term, or depends on one."""
    return changed(
        order,
        oca_type=order.oca_type or 3,
        volatility_type=order.volatility_type or 0,
        reference_price_type=order.reference_price_type or 0,
        dn_order_type=order.dn_order_type or "None",
        dn_open_close=order.dn_open_close or "?",
        clearing_intent=order.clearing_intent or "IB",
        adjusted_type=order.adjusted_type or "None",
        cash_quantity=order.cash_quantity or 0.0,
        no_auto_price_hedge=True,
        price_management=order.price_management or 0,
        duration=order.duration or None,
    )


def _trail_stop(record: Record) -> float | None:
    """Where a stop stands now: a trailing one moves, a plain one is told here as well."""
    sim = record.sim
    if sim.order_type in TRAILING | STOPPED and sim.stop_price:
        return sim.stop_price
    return record.message.order.trail_stop_price


def open_order(record: Record, status: str = "") -> OpenOrder:
    """The order and its state, or a state that it only passes through."""
    values = {
        "order_id": record.order_id,
        "contract": echoed(record),
        "order": reported(record),
        "client_id": record.key[0],
        "perm_id": record.perm_id,
        "allocation": f"{record.perm_id}.0/{record.account}/100",
        "combo_description": "",
        "extras": record.message.extras,
        "state": _state(status or record.status),
    }
    return assembled(OpenOrder, values)


@lru_cache(maxsize=32)
def _state(status: str) -> OrderState:
    """No figures: those are for a what-if alone."""
    return assembled(form(OrderState(status=status)), {})


def echoed(record: Record) -> Contract:
    """The full contract, routed as the client wished; a share has the right `?`."""
    return _echoed(record.listing.con_id, record.message.contract.exchange or "SMART")


@lru_cache(maxsize=4096)
def _echoed(con_id: int, exchange: str) -> Contract:
    contract = wire_contract(listed(con_id), exchange)
    return contract if contract.right else changed(contract, right="?")


def order_status(record: Record, status: str = "") -> OrderStatus:
    """Where the order stands, or in a state that it only passes through."""
    sim = record.sim
    values = {
        "order_id": record.order_id,
        "status": status or record.status,
        "filled": sim.filled,
        "remaining": max(sim.remaining, 0.0),
        "avg_price": round(sim.average_price, 8),
        "perm_id": record.perm_id,
        "parent_id": record.message.order.parent_id,
        "last_price": sim.last_price,
        "client_id": record.key[0],
        "why_held": sim.why_held,
        "cap_price": record.cap_price,
    }
    return assembled(OrderStatus, values)
