"""When held orders wake up: stops, if-touched orders, and stops that trail the market.

A stop wakes when the market trades, or is quoted, at its price or beyond; an if-touched order when
it trades or is quoted at its price or better. A trailing stop follows the last trade and never
moves away from the market, rounded to the tick on the market's far side.
"""

import math

from brokerage.simulator.market import Quote
from brokerage.simulator.orders import TOUCHED, TRAILING, SimOrder

ROUNDING = 1e-9  # of a tick; what floats may be off


def wakes(order: SimOrder, quote: Quote, tick: float) -> bool:
    """Whether the quote reaches the order's trigger; a trailing stop moves along first."""
    if order.order_type in TRAILING:
        trail(order, quote.last, tick)
        if not order.stop_price:
            return False
    rises = (order.side == "BUY") != (order.order_type in TOUCHED)
    if rises:
        return max(_known(quote.last, quote.bid), default=-math.inf) >= order.stop_price
    return min(_known(quote.last, quote.ask), default=math.inf) <= order.stop_price


def _known(*prices: float) -> list[float]:
    return [price for price in prices if not math.isnan(price)]


def trail(order: SimOrder, price: float, tick: float) -> None:
    """Move a trailing stop after a traded price, towards the market alone; nan moves nothing."""
    if math.isnan(price):
        return
    distance = order.trail_amount or price * order.trail_percent / 100
    if order.side == "SELL":
        stop = math.floor((price - distance) / tick + ROUNDING) * tick
        moves = stop > order.stop_price
    else:
        stop = math.ceil((price + distance) / tick - ROUNDING) * tick
        moves = not order.stop_price or stop < order.stop_price
    if moves and stop > 0:
        order.stop_price = round(stop, 6)


def release(order: SimOrder) -> None:
    """The trigger was reached: the order is live; a TRAIL LIMIT gets its limit from its stop."""
    order.triggered = True
    if order.order_type == "TRAIL LIMIT":
        order.limit_price = round(order.stop_price + order.sign * order.limit_offset, 6)
    order.settle()
