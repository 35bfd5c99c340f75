"""How far through the quote a limit may be: IBKR cancels what is further, with code 202.

IBKR publishes no numbers. Refusals that users published fit the exchanges' guidelines for clearly
erroneous trades (FINRA rule 11892: 10 % up to 25 dollars, 5 % up to 50, 3 % above) measured from
the opposite quote: 252.21 at a market of 259.85, 1.6046 at 1.4614. For options they fit the
widths for obvious errors (Cboe rule 6.5): 0.33 at a market of 0.08.
"""

import math

from brokerage.simulator.listings import Listing
from brokerage.simulator.market import Quote
from brokerage.simulator.orders import SimOrder

SHARE_BANDS = ((25.0, 0.10), (50.0, 0.05), (math.inf, 0.03))  # up to this price, a fraction of it
OPTION_BANDS = (
    (2.0, 0.25), (5.0, 0.40), (10.0, 0.50), (20.0, 0.80), (50.0, 1.00), (100.0, 1.50),
    (math.inf, 2.00),
)  # fmt: skip
TOO_FAR = (
    "Order Canceled - reason:We cannot accept an order at a limit price at or more aggressive than "
    "{cap:g}. Please submit your order using a limit price that is closer to the current market "
    "price of {price:g}."
)


def cap(listing: Listing, side: str, quote: Quote) -> float:
    """The most aggressive price that is accepted: a cap for purchases, a floor for sales.

    nan without an opposite quote: then nothing is capped.
    """
    price = quote.opposite(side)
    if math.isnan(price):
        return math.nan
    option = listing.sec_type == "OPT"
    for most, width in OPTION_BANDS if option else SHARE_BANDS:
        if price <= most:
            distance = width if option else price * width
            break
    return round(price + distance if side == "BUY" else max(price - distance, 0.0), 6)


def refusal(order: SimOrder, listing: Listing, quote: Quote) -> tuple[float, str] | None:
    """The cap and the words of the cancellation, for a limit that reaches it; None: it is fine."""
    if order.order_type != "LMT":
        return None
    most = cap(listing, order.side, quote)
    if math.isnan(most) or (order.limit_price - most) * order.sign < 0:
        return None
    return most, TOO_FAR.format(cap=most, price=quote.opposite(order.side))
