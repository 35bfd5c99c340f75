"""A margin account: cash, positions, commissions, profit and the margin that orders need."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from brokerage.simulator.listings import Listing, Listings
from brokerage.simulator.margin import (
    LEVERAGE,
    Margins,
    commission,
    loan_value,
    requirement,
    sale_fees,
)
from brokerage.simulator.matching import Fill, Key, OrderError, SimOrder

__all__ = ["Account", "AccountValue", "Booking", "Margins", "Position", "WhatIf"]

NO_FUNDS = (
    "Order rejected - reason:YOUR ORDER IS NOT ACCEPTED. IN ORDER TO OBTAIN THE DESIRED POSITION "
    "YOUR EQUITY WITH LOAN VALUE [{equity:.2f} USD] MUST EXCEED THE INITIAL MARGIN "
    "[{initial:.2f} USD]"
)
RATIOS = {"Cushion", "Leverage", "DayTradesRemaining", "LookAheadNextChange"}


@dataclass(frozen=True)
class Position:
    """Holding of one contract; average cost per contract or share, commission included."""

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
class AccountValue:
    """One line of the account summary; currency is empty for text and ratios."""

    tag: str
    value: str
    currency: str


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
        self._listings, self._price_of = listings, price_of
        self._charged: dict[Key, tuple[float, float]] = {}  # quantity and commission so far

    def apply(self, fill: Fill) -> Booking:
        """Book a fill; raises KeyError for an unknown contract.

        The minimum commission is one order's, so later fills of it pay only what exceeds it.
        """
        listing = self._listing(fill.con_id)
        cost = self._charge(fill, listing)
        signed = fill.quantity if fill.side == "BUY" else -fill.quantity
        self.cash -= signed * fill.price * listing.units + cost
        before = self.positions.get(fill.con_id, Position(fill.con_id))
        after, realized = _move(before, signed, fill.price * listing.units, cost)
        self.positions[fill.con_id] = after
        return Booking(cost, realized, after)

    def _charge(self, fill: Fill, listing: Listing) -> float:
        """Commission and fees of one fill, to a hundredth of a cent."""
        quantity, charged = self._charged.get(fill.key, (0.0, 0.0))
        quantity += fill.quantity
        due = commission(listing, quantity)
        self._charged[fill.key] = quantity, due
        fees = sale_fees(listing, fill.quantity, fill.price) if fill.side == "SELL" else 0.0
        return round(due - charged + fees, 4)

    def adopt(self, con_id: int, quantity: float, avg_cost: float) -> Position:
        """Add a position that came from nowhere (a manual trade elsewhere); cash stays."""
        held = self.positions.get(con_id, Position(con_id))
        self.positions[con_id] = _move(held, quantity, avg_cost, 0.0)[0]
        return self.positions[con_id]

    def held(self) -> list[Position]:
        """Positions that are not flat."""
        return [position for position in self.positions.values() if position.quantity]

    def check(self, order: SimOrder, price: float) -> None:
        """Raises OrderError 201 when the order at this price needs more margin than there is.

        An order that only reduces a position always passes. Other working orders do not count.
        """
        held = self.positions.get(order.con_id, Position(order.con_id)).quantity
        reduces = held * _signed(order) < 0 and order.quantity <= abs(held)
        after = self.what_if(order, price).after
        if not reduces and after.equity < after.initial:
            raise OrderError(201, NO_FUNDS.format(equity=after.equity, initial=after.initial))

    def what_if(self, order: SimOrder, price: float) -> WhatIf:
        """Margin before and after if the whole order filled at this price."""
        listing = self._listing(order.con_id)
        cost = commission(listing, order.quantity)
        if order.side == "SELL":
            cost += sale_fees(listing, order.quantity, price)
        before = self._margins(self.cash, self.held())
        held = self.positions.get(order.con_id, Position(order.con_id))
        moved = replace(held, quantity=held.quantity + _signed(order))
        others = [position for position in self.held() if position.con_id != order.con_id]
        cash = self.cash - _signed(order) * price * listing.units - cost
        after = self._margins(cash, [*others, moved])
        return WhatIf(before, after - before, after, round(cost, 4))

    def _margins(self, cash: float, positions: Iterable[Position]) -> Margins:
        bound, equity = 0.0, cash
        for position in positions:
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

    def values(self) -> list[AccountValue]:
        """Every tag of the account summary, freshly computed; numbers with two digits."""
        rows = [AccountValue("AccountType", "INDIVIDUAL", "")]
        for tag, value in self._numbers().items():
            currency = "" if tag in RATIOS else "USD"
            rows.append(AccountValue(tag, _text(tag, value), currency))
        return rows

    def _numbers(self) -> dict[str, float]:
        margins = self._margins(self.cash, self.held())
        shares, options = self._value_of("STK"), self._value_of("OPT")
        gross = sum(abs(self.market_value(position.con_id)) for position in self.held())
        liquid = self.cash + shares + options
        available = margins.equity - margins.initial
        excess = margins.equity - margins.maintenance
        return {
            "NetLiquidation": liquid,
            "TotalCashValue": self.cash,
            "SettledCash": self.cash,
            "AccruedCash": 0.0,
            "BuyingPower": max(available, 0.0) * LEVERAGE,
            "EquityWithLoanValue": margins.equity,
            "PreviousDayEquityWithLoanValue": margins.equity,
            "GrossPositionValue": gross,
            "RegTEquity": margins.equity,
            "RegTMargin": margins.initial * 2,  # half of the value overnight
            "SMA": max(available, 0.0),
            "InitMarginReq": margins.initial,
            "MaintMarginReq": margins.maintenance,
            "AvailableFunds": available,
            "ExcessLiquidity": excess,
            "Cushion": excess / liquid if liquid > 0 else 0.0,
            "FullInitMarginReq": margins.initial,
            "FullMaintMarginReq": margins.maintenance,
            "FullAvailableFunds": available,
            "FullExcessLiquidity": excess,
            "LookAheadNextChange": 0.0,
            "LookAheadInitMarginReq": margins.initial,
            "LookAheadMaintMarginReq": margins.maintenance,
            "LookAheadAvailableFunds": available,
            "LookAheadExcessLiquidity": excess,
            "DayTradesRemaining": -1.0,
            "Leverage": gross / liquid if liquid > 0 else 0.0,
        }

    def _value_of(self, sec_type: str) -> float:
        return sum(
            self.market_value(position.con_id)
            for position in self.held()
            if self._listing(position.con_id).sec_type == sec_type
        )

    def ledger(self) -> list[AccountValue]:
        """The cash ledger ($LEDGER): the same tags for BASE and for USD."""
        shares, options = self._value_of("STK"), self._value_of("OPT")
        open_profit = sum(self.unrealized(position.con_id) for position in self.held())
        numbers = {
            "CashBalance": self.cash,
            "TotalCashBalance": self.cash,
            "AccruedCash": 0.0,
            "StockMarketValue": shares,
            "OptionMarketValue": options,
            "NetLiquidationByCurrency": self.cash + shares + options,
            "UnrealizedPnL": open_profit,
            "RealizedPnL": self.realized(),
            "ExchangeRate": 1.0,
        }
        return [
            row
            for currency in ("BASE", "USD")
            for row in (
                AccountValue("Currency", currency, currency),
                AccountValue("RealCurrency", "USD", currency),
                *(AccountValue(tag, f"{value:.2f}", currency) for tag, value in numbers.items()),
            )
        ]

    def number(self, tag: str) -> float:
        """One numeric tag of `values`, unrounded; raises KeyError for an unknown one."""
        return self._numbers()[tag]

    def _listing(self, con_id: int) -> Listing:
        listing = self._listings.by_id(con_id)
        if listing is None:
            raise KeyError(con_id)
        return listing


def _signed(order: SimOrder) -> float:
    return order.quantity if order.side == "BUY" else -order.quantity


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


def _text(tag: str, value: float) -> str:
    if tag in {"DayTradesRemaining", "LookAheadNextChange"}:
        return f"{value:.0f}"
    return f"{value:.4f}" if tag in RATIOS else f"{value:.2f}"
