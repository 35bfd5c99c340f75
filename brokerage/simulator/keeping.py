"""What the venue keeps over restarts: ids, accounts, orders that work, and what the day brought.

With a real gateway all of that lives at IBKR, so that its restart loses nothing. Here orders go on
from the moment of the restart; what the market did in between fills nothing. Executions and
completed orders are those since midnight in New York: on another day they are gone. An order that
was not transmitted was never anywhere but in the gateway, and is forgotten.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from brokerage.simulator.account import Booking, Position
from brokerage.simulator.orders import Fill, Key, SimOrder
from brokerage.simulator.venue_days import DaysDesk
from brokerage.simulator.venue_fills import Execution, FillsDesk
from brokerage.simulator.venue_floor import Floor
from brokerage.simulator.venue_positions import PositionsDesk
from brokerage.simulator.venue_records import Record, Records
from brokerage.tws.codec import MAX_VERSION
from brokerage.tws.messages import CLIENT, PlaceOrder

# Of a record, beside its order.
FLAGS = ("acknowledged", "reported", "held", "cap_price", "bound", "done_at", "ended")


class Keeping:
    """Takes the venue's state out as JSON values, and puts it back before anybody connects."""

    def __init__(
        self,
        floor: Floor,
        records: Records,
        fills: FillsDesk,
        positions: PositionsDesk,
        days: DaysDesk,
    ) -> None:
        self._floor, self._records, self._fills, self._positions = floor, records, fills, positions
        self._days = days
        self._told = (self.day, 0, 0)  # on which day how many endings and executions are kept
        # Accounts that this login does not report, and their orders.
        self._elsewhere: dict[str, Any] = {}
        self._orders_elsewhere: list[dict[str, Any]] = []

    @property
    def elsewhere(self) -> tuple[str, ...]:
        """Accounts that are kept for a login that reports them again."""
        return tuple(self._elsewhere)

    def stamp(self) -> tuple[int, ...]:
        """Differs when something has happened by itself that belongs into the state."""
        floor, fills = self._floor, self._fills
        happened = len(self._records.endings), len(fills.executions), len(fills.held)
        changes = floor.book.changes, *(account.changes for account in floor.opened())
        return *floor.ids.counters, self._records.working, *happened, *changes

    @property
    def day(self) -> str:
        """Whose executions and completed orders there are, YYYY-MM-DD."""
        return self._days.day.isoformat()

    def news(self) -> list[Any]:
        """What ended and what was executed on this day since `told` was called, for the journal."""
        day, endings, executions = self._told
        if day != self.day:
            endings = executions = 0
        ended = self._records.endings[endings:]
        executed = self._fills.executions[executions:]
        return [
            *({"ended": _order(record)} for record in ended),
            *({"executed": _execution(one)} for one in executed),
        ]

    def told(self) -> None:
        """The news have been kept."""
        self._told = self.day, len(self._records.endings), len(self._fills.executions)

    def kept(self) -> dict[str, Any]:
        """The state, without what is in the journal."""
        opened = {account.name: account.kept() for account in self._floor.opened()}
        orders = [_order(record) for record in self._records.live() if record.open]
        return {
            "day": self.day,
            "ids": self._floor.ids.kept(),
            "accounts": self._elsewhere | opened,
            "orders": self._orders_elsewhere + orders,
        }

    def restore(self, kept: Mapping[str, Any], journal: Sequence[Mapping[str, Any]] = ()) -> None:
        """Go on where `kept` was taken, with the journal of that day.

        Raises KeyError, TypeError or ValueError for nonsense.
        """
        self._floor.ids.restore(kept["ids"])
        for name, account in kept["accounts"].items():
            if name in self._floor.names():
                self._account(name, account)
            else:
                self._elsewhere[name] = account
        today = journal if kept["day"] == self.day else ()
        ended = {tuple(one["ended"]["sim"]["key"]): one["ended"] for one in today if "ended" in one}
        working = {tuple(one["sim"]["key"]): one for one in kept["orders"]}
        # By the permanent id: in the order in which they came.
        for order in sorted((ended | working).values(), key=lambda one: one["sim"]["perm_id"]):
            self._reinstate(order)
        self._executions([one["executed"] for one in today if "executed" in one])
        self.told()

    def _executions(self, kept: Sequence[Mapping[str, Any]]) -> None:
        """List what was executed, as far as its order is known here."""
        for one in kept:
            fill = Fill(**{**one["fill"], "key": _key(one["fill"]["key"])})
            record = self._records.get(fill.key)
            if record is not None:
                booking = Booking(one["commission"], one["realized"], Position(fill.con_id))
                self._fills.executions.append(Execution(record, fill, booking))

    def _account(self, name: str, kept: Mapping[str, Any]) -> None:
        account = self._floor.account(name)
        account.restore(kept)
        for position in account.held():
            self._positions.booked(name, position)

    def _reinstate(self, kept: Mapping[str, Any]) -> None:
        """List an order as it stood, working or ended; one whose contract is gone is gone too."""
        message, sim = CLIENT.parse(kept["message"], MAX_VERSION), _sim(kept["sim"])
        listing = self._floor.listings.by_id(sim.con_id)
        if listing is None:
            return
        if sim.account not in self._floor.names():
            if sim.working:
                self._orders_elsewhere.append(dict(kept))
            return
        if not isinstance(message, PlaceOrder):
            raise TypeError(f"{type(message).__name__} is no order")
        record = self._records.add(message, listing, sim, sim.perm_id)
        for name in FLAGS:
            setattr(record, name, kept[name])
        if not sim.working:
            self._records.ended(record)
            self._floor.book.remember(sim)
            return
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


def _execution(execution: Execution) -> dict[str, Any]:
    """One execution as JSON values."""
    booking = execution.booking
    return {
        "fill": asdict(execution.fill),
        "commission": booking.commission,
        "realized": booking.realized,
    }


def _sim(kept: Mapping[str, Any]) -> SimOrder:
    parent = None if kept["parent"] is None else _key(kept["parent"])
    return SimOrder(**{**kept, "key": _key(kept["key"]), "parent": parent})


def _key(kept: Sequence[Any]) -> Key:
    client_id, order_id = kept
    return int(client_id), int(order_id)
