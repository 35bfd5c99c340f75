"""What trading costs and what positions bind: commissions, fees and margin, stated as a model.

Commissions are IBKR Pro's fixed prices for US shares and for up to 10,000 option contracts a
month (interactivebrokers.com, 2026); exchanges' own and clearing fees are left out. Fees of a sale:
the SEC's by its order of 27 February 2026 (release 34-104909, 20.60 dollars per million), FINRA's
trading activity fee as of January 2026. Margin is the broker's intraday Regulation T margin in its
simple form: no spreads, no covered calls.
"""

import math
from dataclasses import dataclass

from brokerage.simulator.listings import Listing

SHARE_RATE, SHARE_MINIMUM, SHARE_MOST = 0.005, 1.00, 0.01  # per share, order, dollar of value
OPTION_RATES = ((0.05, 0.25), (0.10, 0.50), (math.inf, 0.65))  # premium below, per contract
OPTION_MINIMUM = 1.00  # dollars per order
SALES_FEE = 20.60e-6  # the SEC's, of the proceeds of a sale
SHARE_ACTIVITY_FEE, OPTION_ACTIVITY_FEE = 0.000195, 0.00329  # FINRA's, per unit sold
MOST_ACTIVITY_FEE = 9.79  # of one sale of shares

LONG_SHARE, SHORT_SHARE = 0.25, 0.30  # of the value, initial and maintenance
NAKED_OPTION, NAKED_LEAST = 0.20, 0.10  # of the underlying's value
LEVERAGE = 4.0  # buying power per dollar of available funds


@dataclass(frozen=True)
class Margins:
    """Margin and equity with loan value at one moment, in dollars."""

    initial: float
    maintenance: float
    equity: float

    def __add__(self, change: "Margins") -> "Margins":
        """After a change."""
        return Margins(
            self.initial + change.initial,
            self.maintenance + change.maintenance,
            self.equity + change.equity,
        )


def commission(listing: Listing, quantity: float, price: float = math.inf) -> float:
    """The broker's own charge for a whole order at an average price, in dollars."""
    if listing.sec_type == "OPT":
        rate = next(rate for below, rate in OPTION_RATES if price < below or math.isinf(below))
        return max(OPTION_MINIMUM, rate * quantity)
    return min(max(SHARE_MINIMUM, SHARE_RATE * quantity), SHARE_MOST * quantity * price)


def sale_fees(listing: Listing, quantity: float, price: float) -> float:
    """Regulatory fees of a sale, in dollars."""
    if listing.sec_type == "OPT":
        activity = quantity * OPTION_ACTIVITY_FEE
    else:
        activity = min(quantity * SHARE_ACTIVITY_FEE, MOST_ACTIVITY_FEE)
    return activity + quantity * price * listing.units * SALES_FEE


def requirement(listing: Listing, quantity: float, price: float, under_price: float) -> float:
    """Margin that a position binds, in dollars; a long option is paid in full and binds none."""
    if listing.sec_type == "STK":
        return abs(quantity) * price * (LONG_SHARE if quantity > 0 else SHORT_SHARE)
    if quantity >= 0:
        return 0.0
    call = listing.right == "C"
    away = max(listing.strike - under_price if call else under_price - listing.strike, 0.0)
    base = under_price if call else listing.strike
    naked = max(NAKED_OPTION * under_price - away, NAKED_LEAST * base)
    return -quantity * listing.units * (price + naked)


def loan_value(listing: Listing, quantity: float, price: float) -> float:
    """What a position adds to equity with loan value: a long option nothing."""
    if listing.sec_type == "OPT" and quantity > 0:
        return 0.0
    return quantity * price * listing.units
