"""What makes an order unacceptable in itself, whatever account or market: codes and texts."""

import math
from collections.abc import Iterator

from brokerage.simulator.listings import Listing
from brokerage.simulator.orders import (
    AUCTION,
    LIMITED,
    ORDER_TYPES,
    SIDES,
    STOPPED,
    TIMES_IN_FORCE,
    TOUCHED,
    TRAILING,
    OrderError,
    SimOrder,
)

OFF_TICK = 1e-6  # of a tick; what floats may be off
MOST_QUANTITY = 1e9  # shares or contracts; margin refuses far less
MOST_PRICE = 1e7  # dollars, and percent; beyond lies nothing but slips
INVALID = "Error validating request.-'bF' : cause - "
OFF_VARIATION = "The price does not conform to the minimum price variation for this contract."
FRACTIONAL = (
    "Fractional-sized order cannot be placed via API. Please use desktop version to place this "
    "order."
)
# The same type may be kept, and a limit order may become a market order, and the reverse.
EXCHANGEABLE = frozenset({"MKT", "LMT"})


def validate(order: SimOrder, listing: Listing) -> None:
    """Raises OrderError: 434 no size, 10243 fraction, 321 side, type, tif, 387, 110 off tick."""
    _size(order.quantity)
    _terms(order)
    for price in _prices(order):
        if not 0 < price <= MOST_PRICE or not _on_tick(price, listing.tick(price)):
            raise OrderError(110, OFF_VARIATION)


def _size(quantity: float) -> None:
    if not 0 < quantity < math.inf:
        raise OrderError(434, "The order size cannot be zero.")
    if quantity > MOST_QUANTITY:
        raise OrderError(321, f"{INVALID}Invalid order size was entered")
    if quantity != int(quantity):
        raise OrderError(10243, FRACTIONAL)


def _terms(order: SimOrder) -> None:
    if order.side not in SIDES:
        raise OrderError(321, f"{INVALID}Invalid action was entered")
    if order.order_type in {"MOO", "LOO"} or order.tif == "OPG":
        raise OrderError(387, "Unsupported order type for this exchange and security type.")
    if order.order_type not in ORDER_TYPES:
        raise OrderError(321, f"{INVALID}Invalid order type was entered")
    if order.tif not in TIMES_IN_FORCE:
        raise OrderError(321, f"{INVALID}Invalid time in force was entered")
    if order.order_type in AUCTION and order.tif != "DAY":
        raise OrderError(113, "The Tif option should be set to DAY for MOC and LOC orders.")
    if order.order_type in TRAILING and not _trails(order):
        raise OrderError(321, f"{INVALID}Trailing amount or percent must be positive")


def _trails(order: SimOrder) -> bool:
    """Whether an amount or a percentage is given by which the stop follows, and none is absurd."""
    distances = (order.trail_amount, order.trail_percent)
    given = all(0 <= one <= MOST_PRICE for one in distances) and any(distances)
    return given and abs(order.limit_offset) <= MOST_PRICE and order.stop_price <= MOST_PRICE


def _prices(order: SimOrder) -> Iterator[float]:
    """The prices that must be whole ticks."""
    if order.order_type in LIMITED and (order.order_type != "TRAIL LIMIT" or order.limit_price):
        yield order.limit_price
    if order.order_type in STOPPED | TOUCHED:
        yield order.stop_price


def _on_tick(price: float, tick: float) -> bool:
    ticks = price / tick
    return abs(ticks - round(ticks)) <= OFF_TICK


def check_change(order: SimOrder, wanted: SimOrder) -> None:
    """Raises OrderError 105 (another order), 329 (another type), 10326 (a group named).

    A group is set when an order is placed: a change that names it, even the same, is refused.
    """
    same = ("con_id", "side", "account")
    if any(getattr(order, name) != getattr(wanted, name) for name in same):
        raise OrderError(105, "Order being modified does not match original order.")
    types = {order.order_type, wanted.order_type}
    if len(types) > 1 and not types <= EXCHANGEABLE:
        raise OrderError(329, "Order modify failed. Cannot change to the new order type.")
    if wanted.oca_group:
        raise OrderError(10326, "OCA group revision is not allowed.")
    if wanted.quantity <= order.filled:
        raise OrderError(105, "Order being modified does not match original order.")
