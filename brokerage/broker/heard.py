"""What one connection has been told without asking: the wire's side of a reconciliation."""

from dataclasses import dataclass, field
from datetime import datetime

from brokerage.broker.library import (
    CommissionNote,
    OpenNote,
    Place,
    PositionNote,
    StatusNote,
    Told,
    place_of,
)
from brokerage.terms import Fill


@dataclass(frozen=True)
class HeardOrder:
    """The last word about an order, and the most that was ever said to be filled of it."""

    perm_id: int
    client_id: int
    order_id: int
    status: str
    filled: float = 0.0
    peak: float = 0.0


@dataclass
class Heard:
    """Everything told since the connection was made, at the gateway's time `since`."""

    since: datetime | None = None
    orders: dict[Place, HeardOrder] = field(default_factory=dict)
    fills: dict[str, Fill] = field(default_factory=dict)
    commissions: dict[str, CommissionNote] = field(default_factory=dict)
    positions: dict[tuple[str, int], float] = field(default_factory=dict)

    def hear(self, note: Told) -> None:
        """Take a note in."""
        match note:
            case PositionNote():
                self.positions[note.account, note.con_id] = note.quantity
            case Fill():
                self.fills[note.exec_id] = note
            case CommissionNote():
                self.commissions[note.exec_id] = note
            case OpenNote() | StatusNote():
                self._hear_order(note)

    def _hear_order(self, note: OpenNote | StatusNote) -> None:
        place = place_of(note.perm_id, note.client_id, note.order_id)
        before = self.orders.get(place)
        filled = before.filled if before else 0.0
        if isinstance(note, StatusNote):
            filled = note.filled
        peak = max(filled, before.peak if before else 0.0)
        self.orders[place] = HeardOrder(
            note.perm_id, note.client_id, note.order_id, note.status, filled, peak
        )

    def copy(self) -> "Heard":
        """Return what has been heard up to now, as it stands."""
        return Heard(
            self.since,
            dict(self.orders),
            dict(self.fills),
            dict(self.commissions),
            dict(self.positions),
        )
