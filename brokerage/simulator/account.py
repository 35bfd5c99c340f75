"""A margin account: cash, positions, commissions, profit and the margin that orders need."""

from collections.abc import Callable
from dataclasses import dataclass

from brokerage.simulator.listings import Listings
from brokerage.simulator.matching import Fill, SimOrder


@dataclass
class Position:
    """Holding of one contract; average cost per contract or share, commission included."""

    con_id: int
    quantity: float = 0.0
    avg_cost: float = 0.0  # option: price * multiplier + commission, as IBKR reports it
    realized: float = 0.0


@dataclass(frozen=True)
class Booking:
    """What a fill cost: commission in dollars; realized profit is None when opening."""

    commission: float
    realized: float | None
    position: Position


@dataclass(frozen=True)
class AccountValue:
    """One line of the account summary; currency is empty for text and ratios."""

    tag: str
    value: str
    currency: str


@dataclass(frozen=True)
class Margins:
    """Margin and equity with loan value at one moment, in dollars."""

    initial: float
    maintenance: float
    equity: float


@dataclass(frozen=True)
class WhatIf:
    """What an order would do to the account; `change` = after - before, in dollars."""

    before: Margins
    change: Margins
    after: Margins
    commission: float
    warning: str = ""


class Account:
    """One account; `price_of(con_id)` values positions per share, e.g. `market.price`."""

    def __init__(
        self,
        name: str,
        listings: Listings,
        price_of: Callable[[int], float],
        cash: float = 100_000.0,
    ) -> None:
        self.name, self.cash = name, cash
        self.positions: dict[int, Position] = {}

    def apply(self, fill: Fill) -> Booking:
        """Book a fill."""
        raise NotImplementedError

    def adopt(self, con_id: int, quantity: float, avg_cost: float) -> Position:
        """Add a position that came from nowhere (a manual trade elsewhere); cash stays."""
        raise NotImplementedError

    def held(self) -> list[Position]:
        """Positions that are not flat."""
        raise NotImplementedError

    def check(self, order: SimOrder, price: float) -> None:
        """Raises OrderError 201 when the order at this price needs more margin than there is."""
        raise NotImplementedError

    def what_if(self, order: SimOrder, price: float) -> WhatIf:
        """Margin before, after and between if the whole order filled at this price."""
        raise NotImplementedError

    def unrealized(self, con_id: int) -> float:
        """Open profit of a position in dollars."""
        raise NotImplementedError

    def market_value(self, con_id: int) -> float:
        """Signed value of a position in dollars."""
        raise NotImplementedError

    def values(self) -> list[AccountValue]:
        """Every tag of the account summary (NetLiquidation, BuyingPower, …), freshly computed."""
        raise NotImplementedError

    def ledger(self) -> list[AccountValue]:
        """The cash ledger ($LEDGER): the same tags for BASE and for USD."""
        raise NotImplementedError

    def number(self, tag: str) -> float:
        """One numeric tag of `values`; raises KeyError for an unknown one."""
        raise NotImplementedError
