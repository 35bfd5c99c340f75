"""What the venue keeps over restarts: the ids, the accounts, and the orders that work.

With a real gateway orders and positions live at IBKR, so that its restart loses neither. Here they
go on from the moment of the restart; what the market did in between fills nothing. Executions and
completed orders of the day, and orders that were not transmitted yet, are forgotten.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from brokerage.simulator.orders import SimOrder
from brokerage.simulator.venue_fills import FillsDesk
from brokerage.simulator.venue_floor import Floor
from brokerage.simulator.venue_positions import PositionsDesk
from brokerage.simulator.venue_records import Record, Records
from brokerage.tws.codec import MAX_VERSION
from brokerage.tws.messages import CLIENT, PlaceOrder

FLAGS = ("reported", "held", "cap_price", "bound")  # of a record, beside its order


class Keeping:
    """Takes the venue's state out as JSON values, and puts it back before anybody connects."""

    def __init__(
        self, floor: Floor, records: Records, fills: FillsDesk, positions: PositionsDesk
    ) -> None:
        self._floor, self._records, self._fills, self._positions = floor, records, fills, positions
        # Accounts that this login does not report, and their orders.
        self._elsewhere: dict[str, Any] = {}
        self._orders_elsewhere: list[dict[str, Any]] = []

    @property
    def elsewhere(self) -> tuple[str, ...]:
        """Accounts that are kept for a login that reports them again."""
        return tuple(self._elsewhere)

    def stamp(self) -> tuple[int, ...]:
        """Differs when something has happened by itself that belongs into the state."""
        return *self._floor.ids.counters, len(self._records.live())

    def kept(self) -> dict[str, Any]:
        """The state."""
        opened = {account.name: account.kept() for account in self._floor.opened()}
        orders = [_order(record) for record in self._records.live() if record.open]
        return {
            "ids": self._floor.ids.kept(),
            "accounts": self._elsewhere | opened,
            "orders": self._orders_elsewhere + orders,
        }

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Go on where `kept` was taken; raises KeyError, TypeError or ValueError for nonsense."""
        self._floor.ids.restore(kept["ids"])
        for name, account in kept["accounts"].items():
            if name in self._floor.names():
                self._account(name, account)
            else:
                self._elsewhere[name] = account
        for order in kept["orders"]:
            self._reinstate(order)

    def _account(self, name: str, kept: Mapping[str, Any]) -> None:
        account = self._floor.account(name)
        account.restore(kept)
        for position in account.held():
            self._positions.booked(name, position)

    def _reinstate(self, kept: Mapping[str, Any]) -> None:
        """Let an order work again; one whose contract is gone is gone too."""
        message, sim = CLIENT.parse(kept["message"], MAX_VERSION), _sim(kept["sim"])
        listing = self._floor.listings.by_id(sim.con_id)
        if listing is None:
            return
        if sim.account not in self._floor.names():
            self._orders_elsewhere.append(dict(kept))
            return
        if not isinstance(message, PlaceOrder):
            raise TypeError(f"{type(message).__name__} is no order")
        record = self._records.add(message, listing, sim, sim.perm_id)
        record.acknowledged = True
        for name in FLAGS:
            setattr(record, name, kept[name])
        if record.held:
            self._fills.held[record.key] = record
        self._floor.book.reinstate(sim, listing)
        self._fills.reserve(record)


def _order(record: Record) -> dict[str, Any]:
    """One order as JSON values."""
    flags = {name: getattr(record, name) for name in FLAGS}
    return {
        "message": CLIENT.fields(record.message, MAX_VERSION),
        "sim": asdict(record.sim),
        **flags,
    }


def _sim(kept: Mapping[str, Any]) -> SimOrder:
    parent = kept["parent"]
    parent = None if parent is None else (int(parent[0]), int(parent[1]))
    key = int(kept["key"][0]), int(kept["key"][1])
    return SimOrder(**{**kept, "key": key, "parent": parent})
