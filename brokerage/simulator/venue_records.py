"""Orders as the gateway keeps them: what the client wrote beside what the exchange made of it."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

from brokerage.simulator.account import Margins, WhatIf
from brokerage.simulator.listings import Listing
from brokerage.simulator.matching import Key, SimOrder
from brokerage.simulator.venue_terms import stamp, wire_contract
from brokerage.tws.messages import (
    CompletedOrder,
    Contract,
    OpenOrder,
    Order,
    OrderState,
    OrderStatus,
    PlaceOrder,
)

FIRST_PERM_ID = 1_500_000_001


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
    done_at: float = 0.0
    held: bool = False  # until the exchange opens
    resurrected: bool = False  # a fault: cancelled, and listed as open all the same

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
    """All orders of the gateway by client and order id."""

    def __init__(self) -> None:
        self._records: dict[Key, Record] = {}
        self._perm_ids = itertools.count(FIRST_PERM_ID)

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records.values())

    def get(self, key: Key) -> Record | None:
        """The order with this key, or None."""
        return self._records.get(key)

    def add(self, message: PlaceOrder, listing: Listing, sim: SimOrder) -> Record:
        """Keep a new order under a permanent id of its own."""
        perm_id = next(self._perm_ids)
        sim.perm_id = perm_id
        record = Record(sim.key, message, listing, sim.account, perm_id, sim)
        self._records[sim.key] = record
        return record


def sim_order(key: Key, message: PlaceOrder, listing: Listing, account: str, at: float) -> SimOrder:
    """The order as the exchange takes it."""
    order = message.order
    return SimOrder(
        key=key,
        con_id=listing.con_id,
        side=order.action,
        quantity=order.quantity,
        order_type=order.order_type,
        limit_price=order.limit_price or 0.0,
        stop_price=order.aux_price or 0.0,
        tif=order.tif or "DAY",
        account=account,
        ref=order.ref,
        submitted_at=at,
    )


def reported(record: Record) -> Order:
    """The order as a real gateway echoes it, with the values it puts in for what was left out."""
    order, sim = record.message.order, record.sim
    return replace(
        order,
        quantity=sim.quantity,
        limit_price=order.limit_price or 0.0,
        aux_price=order.aux_price or 0.0,
        tif=sim.tif,
        account=record.account,
        open_close=order.open_close or "?",
        oca_type=order.oca_type or 3,
        dn_order_type=order.dn_order_type or "None",
        dn_open_close=order.dn_open_close or "?",
        clearing_intent=order.clearing_intent or "IB",
        adjusted_type=order.adjusted_type or "None",
        duration=order.duration or None,
    )


def open_order(record: Record) -> OpenOrder:
    """The order and its state."""
    return OpenOrder(
        order_id=record.key[1],
        contract=echoed(record),
        order=reported(record),
        client_id=record.key[0],
        perm_id=record.perm_id,
        allocation=f"{record.perm_id}.0/{record.account}/100",
        extras=record.message.extras,
        state=OrderState(status=record.status),
    )


def echoed(record: Record) -> Contract:
    """The full contract, routed as the client wished."""
    return wire_contract(record.listing, record.message.contract.exchange or "SMART")


def order_status(record: Record, status: str = "") -> OrderStatus:
    """Where the order stands, or in a state that it only passes through."""
    sim = record.sim
    return OrderStatus(
        order_id=record.key[1],
        status=status or record.status,
        filled=sim.filled,
        remaining=max(sim.remaining, 0.0),
        avg_price=round(sim.average_price, 8),
        perm_id=record.perm_id,
        parent_id=record.message.order.parent_id,
        last_price=sim.last_price,
        client_id=record.key[0],
        why_held="trigger" if sim.status == "PreSubmitted" and sim.stop_price else "",
    )


def completed_order(record: Record) -> CompletedOrder:
    """A finished order; the wire gives it neither order id nor client id."""
    filled = record.status == "Filled"
    return CompletedOrder(
        contract=echoed(record),
        order=replace(reported(record), quantity=0.0),
        perm_id=record.perm_id,
        extras=record.message.extras,
        status=record.status,
        filled=record.sim.filled,
        parent_perm_id=2**63 - 1,  # what a real gateway writes for "no parent"
        completed_time=stamp(record.done_at),
        completed_status=f"Filled Size: {record.sim.filled:g}" if filled else "Cancelled by Trader",
    )


def what_if_answer(message: PlaceOrder, listing: Listing, key: Key, result: WhatIf) -> OpenOrder:
    """The one message that answers a what-if; nothing is placed."""
    return OpenOrder(
        order_id=key[1],
        contract=wire_contract(listing, message.contract.exchange or "SMART"),
        order=replace(message.order, what_if=True, dn_order_type="None", open_close="?"),
        client_id=key[0],
        state=OrderState(
            status="PreSubmitted",
            **_margins("before", result.before),
            **_margins("change", result.change),
            **_margins("after", result.after),
            commission=round(result.commission, 2),
            min_commission=round(result.commission, 2),
            max_commission=round(result.commission, 2),
            commission_currency="USD",
            warning=result.warning,
        ),
    )


def _margins(when: str, margins: Margins) -> dict[str, float]:
    return {
        f"init_{when}": round(margins.initial, 2),
        f"maint_{when}": round(margins.maintenance, 2),
        f"equity_{when}": round(margins.equity, 2),
    }
