"""A margin account: cash, positions, commissions, profit and the margin that orders need."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from brokerage.simulator.day_trades import THRESHOLD, UNLIMITED, DayTrades
from brokerage.simulator.listings import Listing, Listings
from brokerage.simulator.margin import Margins, commission, loan_value, requirement, sale_fees
from brokerage.simulator.orders import Fill, Key, OrderError, SimOrder
from brokerage.simulator.reserves import Reserves
from brokerage.simulator.rules import Rules
from brokerage.tws.objects import changed

__all__ = ["Account", "Booking", "Margins", "Position", "WhatIf"]

REJECTED = "Order rejected - reason:"
NO_FUNDS = (
    f"{REJECTED}YOUR ORDER IS NOT ACCEPTED. IN ORDER TO OBTAIN THE DESIRED POSITION "
    "YOUR EQUITY WITH LOAN VALUE [{equity:.2f} USD] MUST EXCEED THE INITIAL MARGIN "
    "[{initial:.2f} USD]"
)
TOO_SMALL = (
    f"{REJECTED}YOUR ORDER IS NOT ACCEPTED. MINIMUM OF 2000 USD (OR EQUIVALENT IN OTHER CURRENCIES)"
    " REQUIRED IN ORDER TO PURCHASE ON MARGIN, SELL SHORT, TRADE CURRENCY OR FUTURE"
)
DAY_TRADER = (
    f"{REJECTED}Potential Pattern Day Trade. A potential pattern day trader error message means "
    "that an account has less than the SEC required USD 25,000 minimum Net Liquidation Value AND "
    "the number of available day trades (3) has already been used within the last 5 days."
)
NO_SHORTS = f"{REJECTED}The contract is not available for short sale."
EXERCISED = 0.01  # dollars in the money from which the clearing house exercises by itself
MARGIN_MINIMUM = 2_000.0  # dollars of net liquidation value


@dataclass(frozen=True)
class Position:
    """Holding of one contract; average cost per contract or share, commission included.

    `realized` is the day's profit of what was closed, in dollars.
    """

    con_id: int
    quantity: float = 0.0
    avg_cost: float = 0.0  # option: price * multiplier + commission, as IBKR reports it
    realized: float = 0.0


@dataclass(frozen=True)
class Booking:
    """What a fill cost: commission and fees in dollars; realized profit is None when opening."""

    commission: float
    realized: float | None
    position: Position


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
        rules: Rules | None = None,
    ) -> None:
        self.name, self.cash, self.rules = name, cash, rules or Rules()
        self.positions: dict[int, Position] = {}
        self.reserves, self.day_trades = Reserves(), DayTrades()
        self.changes = 0  # of cash and positions, by whatever
        self._listings, self._listing, self._price_of = listings, listings.listed, price_of
        self._charged: dict[Key, tuple[float, float, float]] = {}  # quantity, value, commission
        self._opening: dict[int, float] = {}  # open profit of positions when the day began
        self._day = listings.today()  # which day that is
        # What `reserve_soon` has put off: an order and its price.
        self._to_reserve: dict[Key, tuple[SimOrder, float | None]] = {}

    def apply(self, fill: Fill) -> Booking:
        """Book a fill; raises KeyError for an unknown contract.

        The minimum commission is one order's, so later fills of it pay only what exceeds it.
        """
        self._to_reserve.pop(fill.key, None)  # what is left of it is reserved after this
        self.reserve_now()
        listing = self._listing(fill.con_id)
        cost = self._charge(fill, listing)
        signed = fill.signed
        self.cash -= signed * fill.price * listing.units + cost
        before = self.positions.get(fill.con_id, Position(fill.con_id))
        after, realized = _move(before, signed, fill.price * listing.units, cost)
        self.positions[fill.con_id] = after
        self.changes += 1
        closed = min(fill.quantity, abs(before.quantity)) if before.quantity * signed < 0 else 0.0
        self.day_trades.booked(fill, closed, self._listings.today())
        return Booking(cost, realized, after)

    def _charge(self, fill: Fill, listing: Listing) -> float:
        """Commission and fees of one fill, to a hundredth of a cent."""
        quantity, value, charged = self._charged.get(fill.key, (0.0, 0.0, 0.0))
        quantity, value = quantity + fill.quantity, value + fill.quantity * fill.price
        due = commission(listing, quantity, value / quantity)
        self._charged[fill.key] = quantity, value, due
        fees = sale_fees(listing, fill.quantity, fill.price) if fill.side == "SELL" else 0.0
        return round(due - charged + fees, 4)

    def adopt(self, con_id: int, quantity: float, avg_cost: float) -> Position:
        """Add to a position as if by a transfer: neither cash nor closed profit changes."""
        held = self.positions.get(con_id, Position(con_id))
        return self._put(_move(held, quantity, avg_cost, 0.0)[0], held.realized)

    def held(self) -> list[Position]:
        """Positions that are not flat."""
        return [position for position in self.positions.values() if position.quantity]

    def check(self, order: SimOrder, price: float) -> None:
        """Raises OrderError 201 when the account may not do this at this price.

        It lacks margin (what other working orders need is kept for them), is too small for
        credit, may not sell short, or has used up its day trades. An order that only reduces a
        position always passes.
        """
        if self._to_reserve:
            self.reserve_now()
        if self.reduces(order):
            return
        listing, held = self._listing(order.con_id), self.held_quantity(order.con_id)
        free = max(held, 0.0) - (self.reserves.closing(order) if order.side == "SELL" else 0.0)
        short = order.side == "SELL" and order.quantity > free
        if short and not self.rules.short_sales and listing.sec_type == "STK":
            raise OrderError(201, NO_SHORTS)
        credit = short or order.quantity * price * listing.units > self.cash
        before, change = self.margins(), self._change(order, order.quantity, price)[0]
        equity, initial = before.equity + change.equity, before.initial + change.initial
        kept = self.reserves.total(order.key, order.oca_group)
        if equity - kept < initial:
            raise OrderError(201, NO_FUNDS.format(equity=equity, initial=initial + kept))
        if credit and self.liquidation() < MARGIN_MINIMUM:
            raise OrderError(201, TOO_SMALL)
        if self.day_trades.many and self.day_trades_remaining() == 0:
            raise OrderError(201, DAY_TRADER)

    def reduces(self, order: SimOrder) -> bool:
        """Whether an order can only make a position smaller, whatever other orders close of it."""
        held = self.held_quantity(order.con_id)
        left = abs(held) - self.reserves.closing(order)
        return held * order.sign < 0 and order.remaining <= left

    def held_quantity(self, con_id: int) -> float:
        """The signed quantity of a contract."""
        held = self.positions.get(con_id)
        return held.quantity if held else 0.0

    def reserve_soon(self, order: SimOrder, price: float | None) -> None:
        """Keep what a new order will need, before anything else happens to the account.

        At this price; None: it needs nothing.
        """
        self._to_reserve[order.key] = order, price

    def reserve_now(self) -> None:
        """Do what `reserve_soon` has put off."""
        while self._to_reserve:
            self._reserve(*self._to_reserve.pop(next(iter(self._to_reserve))))

    def reserve(self, order: SimOrder, price: float | None) -> None:
        """Keep what a working order will need; call again when it filled in part, or ended."""
        self._to_reserve.pop(order.key, None)
        self.reserve_now()
        self._reserve(order, price)

    def reserve_anew(self, orders: Sequence[tuple[SimOrder, float | None]]) -> None:
        """The same for several, each with its price, of which nothing is kept any more."""
        self.reserve_now()
        for order, _ in orders:
            self.reserves.keep(order, 0.0, 0.0)
        for order, price in orders:
            self._reserve(order, price)

    def _reserve(self, order: SimOrder, price: float | None) -> None:
        need = closing = 0.0
        if not order.working:
            self._charged.pop(order.key, None)
        elif price is not None and self.reduces(order):
            closing = order.remaining
        elif price is not None:
            change, _ = self._change(order, order.remaining, price)
            need = max(change.initial - change.equity, 0.0)
        self.reserves.keep(order, need, closing)

    def day_trades_remaining(self) -> int:
        """Day trades that are left, −1 for any number."""
        today = self._listings.today()
        if not self.rules.watches_day_traders(today) or self.liquidation() >= THRESHOLD:
            return UNLIMITED
        return self.day_trades.remaining(today)

    def begin_day(self) -> None:
        """Midnight: the day's profit starts from nothing; what is flat is forgotten."""
        self.changes += 1
        self._day = self._listings.today()
        self._opening = {held.con_id: self.unrealized(held.con_id) for held in self.held()}
        self.positions = {held.con_id: changed(held, realized=0.0) for held in self.held()}
        self.day_trades.begin()

    def settle(self, con_id: int) -> list[Position]:
        """An option has expired: in the money by a cent it is exercised or assigned.

        The shares come or go at the strike, and what the option had cost, or brought, goes into
        their average cost. Out of the money that amount is the loss, or the profit, of the day.
        The positions that changed; none when nothing is held.
        """
        held, listing = self.positions.get(con_id), self._listing(con_id)
        if held is None or not held.quantity:
            return []
        under = self._listings.underlying(listing)
        direction = 1.0 if listing.right == "C" else -1.0
        inside = (self._price_of(under.con_id) - listing.strike) * direction
        paid = held.quantity * held.avg_cost
        if inside < EXERCISED:
            return [self._put(changed(held, quantity=0.0, avg_cost=0.0), held.realized - paid)]
        shares = held.quantity * listing.units * direction
        self.cash -= shares * listing.strike
        before = self.positions.get(under.con_id, Position(under.con_id))
        cost = listing.strike + paid / shares
        after, _ = _move(before, shares, cost, 0.0)
        flat = self._put(changed(held, quantity=0.0, avg_cost=0.0), held.realized)
        return [flat, self._put(after, after.realized)]

    def _put(self, position: Position, realized: float) -> Position:
        self.positions[position.con_id] = changed(position, realized=realized)
        self.changes += 1
        return self.positions[position.con_id]

    def what_if(self, order: SimOrder, price: float) -> WhatIf:
        """Margin before and after if the whole order filled at this price."""
        before, (change, cost) = self.margins(), self._change(order, order.quantity, price)
        return WhatIf(before, change, before + change, round(cost, 4))

    def _change(self, order: SimOrder, quantity: float, price: float) -> tuple[Margins, float]:
        """What so much of an order changes, which no other position does, and what it costs."""
        listing, held = self._listing(order.con_id), self.held_quantity(order.con_id)
        cost = commission(listing, quantity, price)
        if order.side == "SELL":
            cost += sale_fees(listing, quantity, price)
        signed = quantity * order.sign
        worth = self._price_of(order.con_id)
        under = worth if listing.sec_type == "STK" else self._price_of(listing.under_con_id)
        bound = requirement(listing, held + signed, worth, under)
        lent = loan_value(listing, held + signed, worth)
        if held:
            bound -= requirement(listing, held, worth, under)
            lent -= loan_value(listing, held, worth)
        earned = lent - signed * price * listing.units
        if lent:  # a limit better than the market earns nothing until the market has come to it
            earned = min(earned, 0.0)
        return Margins(bound, bound, earned - cost), cost

    def margins(self) -> Margins:
        """Margin and equity now."""
        bound, equity = 0.0, self.cash
        for position in self.positions.values():
            if not position.quantity:
                continue
            listing, price = self._listing(position.con_id), self._price_of(position.con_id)
            under = price if listing.sec_type == "STK" else self._price_of(listing.under_con_id)
            bound += requirement(listing, position.quantity, price, under)
            equity += loan_value(listing, position.quantity, price)
        return Margins(initial=bound, maintenance=bound, equity=equity)

    def unrealized(self, con_id: int) -> float:
        """Open profit of a position in dollars."""
        held = self.positions.get(con_id, Position(con_id))
        return self.market_value(con_id) - held.quantity * held.avg_cost

    def market_value(self, con_id: int) -> float:
        """Signed value of a position in dollars; 0 when flat."""
        held = self.positions.get(con_id, Position(con_id)).quantity
        return held * self._price_of(con_id) * self._listing(con_id).units if held else 0.0

    def realized(self) -> float:
        """Closed profit of all positions in dollars, commissions included."""
        return sum(position.realized for position in self.positions.values())

    def daily(self, con_id: int) -> float:
        """Profit of one contract since midnight in dollars, open and closed."""
        held = self.positions.get(con_id, Position(con_id))
        return held.realized + self.unrealized(con_id) - self._opening.get(con_id, 0.0)

    def liquidation(self) -> float:
        """What cash and positions are worth, in dollars."""
        return self.cash + sum(self.market_value(held.con_id) for held in self.held())

    def value_of(self, sec_type: str) -> float:
        """What the positions of a kind (STK, OPT) are worth, in dollars."""
        return sum(
            self.market_value(held.con_id)
            for held in self.held()
            if self._listing(held.con_id).sec_type == sec_type
        )

    def kept(self) -> dict[str, Any]:
        """Cash, positions, charges and what the day began with, as JSON values."""
        return {
            "cash": self.cash,
            "day": self._day.isoformat(),
            "opening": [[con_id, profit] for con_id, profit in self._opening.items()],
            "day_trades": self.day_trades.kept(),
            "positions": [
                [one.con_id, one.quantity, one.avg_cost, one.realized]
                for one in self.positions.values()
            ],
            "charged": [[*key, *amounts] for key, amounts in self._charged.items()],
        }

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Go on where `kept` was taken, or on another day with a new one.

        Raises KeyError, TypeError or ValueError for nonsense.
        """
        rows = [Position(int(row[0]), *map(float, row[1:4])) for row in kept["positions"]]
        charged = {
            (int(client), int(order)): (float(quantity), float(value), float(due))
            for client, order, quantity, value, due in kept["charged"]
        }
        opening = {int(con_id): float(profit) for con_id, profit in kept["opening"]}
        same_day = date.fromisoformat(kept["day"]) == self._day
        self.day_trades.restore(kept["day_trades"])
        self.cash = float(kept["cash"])
        self.positions = {row.con_id: row for row in rows}
        self._charged, self._opening = charged, opening
        if not same_day:
            self.begin_day()


def _move(
    held: Position, signed: float, unit_value: float, cost: float
) -> tuple[Position, float | None]:
    """A position after a trade, and the profit of the part that it closed (None: nothing).

    The cost of the trade raises the average of what it opens (a short's average falls) and
    lowers the profit of what it closes; a trade through zero shares it between the two.
    """
    size = abs(signed)
    closing = min(size, abs(held.quantity)) if held.quantity * signed < 0 else 0.0
    opening = size - closing
    direction = 1.0 if signed > 0 else -1.0
    unit_cost = unit_value + direction * cost / size
    quantity = held.quantity + signed
    if closing:
        profit = closing * (held.avg_cost - unit_cost) * direction
        average = unit_cost if opening else held.avg_cost
        average = average if quantity else 0.0
        return Position(held.con_id, quantity, average, held.realized + profit), profit
    invested = abs(held.quantity) * held.avg_cost + size * unit_cost
    return Position(held.con_id, quantity, invested / abs(quantity), held.realized), None
