"""A client's order translated into the exchange's terms: prices, trails, dates, ties to others."""

import math
import re
from datetime import datetime

from brokerage.simulator.holidays import DAY, ET, is_session, midnight, new_york_date, session
from brokerage.simulator.listings import Listing, expires
from brokerage.simulator.orders import TRAILING, Key, OrderError, SimOrder
from brokerage.simulator.venue_terms import parse_stamp
from brokerage.tws.messages import Order, PlaceOrder

BAD_DATE = (
    "The date, time, or time-zone entered is invalid. The correct format is yyyymmdd hh:mm:ss "
    "xx/xxxx where yyyymmdd and xx/xxxx are optional. E.g.: 20031126 15:59:00 US/Eastern  Note "
    "that there is a space between the date and time, and between the time and time-zone.  If no "
    "date is specified, current date is assumed. If no time-zone is specified, local time-zone is "
    "assumed(deprecated).  You can also provide yyyymmddd-hh:mm:ss time is in UTC. Note that there "
    "is a dash between the date and time in UTC notation."
)
LAST_YEAR = 2999  # no order is meant for later
TIME_ONLY, DATE_ALONE = "%H:%M:%S", re.compile(r"\d{8}")


def sim_order(key: Key, message: PlaceOrder, listing: Listing, account: str, at: float) -> SimOrder:
    """The order as the exchange takes it; its end is set by `good_until`.

    Raises OrderError 10314 or 334 for dates that cannot be read.
    """
    order = message.order
    trailing = order.order_type in TRAILING
    trigger = order.trail_stop_price if trailing else order.aux_price
    return SimOrder(
        key=key,
        con_id=listing.con_id,
        side=order.action,
        quantity=order.quantity,
        order_type=order.order_type,
        limit_price=0.0 if trailing else order.limit_price or 0.0,
        stop_price=trigger or 0.0,
        tif=order.tif or "DAY",
        account=account,
        ref=order.ref,
        trail_amount=(order.aux_price or 0.0) if trailing else 0.0,
        trail_percent=(order.trailing_percent or 0.0) if trailing else 0.0,
        limit_offset=_offset(order),
        oca_group=order.oca_group,
        oca_type=order.oca_type or 3,
        parent=(key[0], order.parent_id) if order.parent_id else None,
        all_or_none=order.all_or_none,
        min_quantity=float(order.min_quantity or 0),
        cancels_parent=order.auto_cancel_parent,
        outside_rth=order.outside_rth,
        good_after=_moment("Good After Time", order.good_after, at) if order.good_after else 0.0,
        submitted_at=at,
    )


def _offset(order: Order) -> float:
    """What lies between stop and limit of a TRAIL LIMIT, given as such or as two prices."""
    if order.order_type != "TRAIL LIMIT":
        return 0.0
    if order.limit_offset is None and order.limit_price and order.trail_stop_price:
        return abs(order.limit_price - order.trail_stop_price)
    return order.limit_offset or 0.0


def good_until(order: Order, sim: SimOrder, listing: Listing, *, always_open: bool) -> float:
    """When an order ends by itself, in epoch seconds; infinity: never.

    A day order ends with its session (with the extended one when it may trade then); where
    trading never stops, at midnight in New York. So does one that is good till a date without a
    time, on that date. No order outlives the option that it is for.
    Raises OrderError 10314 or 334.
    """
    end, extended = math.inf, sim.outside_rth and listing.extended
    if sim.tif == "GTD":
        if not order.good_till:
            raise OrderError(334, "Invalid Good Till Date order")
        end = _moment("Good Till Date", order.good_till, sim.submitted_at)
        if DATE_ALONE.fullmatch(order.good_till.strip()):
            day_end = end_of_day(end, always_open=always_open, extended=extended)
            end = min(day_end, midnight(new_york_date(end) + DAY))
        if end <= sim.submitted_at:
            raise OrderError(334, "Invalid Good Till Date order")
    elif sim.tif != "GTC":
        at = max(sim.submitted_at, sim.good_after)
        end = end_of_day(at, always_open=always_open, extended=extended)
    return min(end, expires(listing))


def end_of_day(at: float, *, always_open: bool, extended: bool = False) -> float:
    """When the day of this moment ends: the next close, or midnight where nothing closes."""
    day = new_york_date(at)
    if always_open:
        return midnight(day + DAY)
    while True:
        hours = session(day, extended=extended)
        if hours and hours[1] > at:
            return hours[1]
        day += DAY


def next_opening(at: float, *, extended: bool = False) -> float:
    """The next opening of the exchange, in epoch seconds."""
    day = new_york_date(at)
    while True:
        hours = session(day, extended=extended) if is_session(day) else None
        if hours and hours[0] > at:
            return hours[0]
        day += DAY


def _moment(label: str, text: str, now: float) -> float:
    """A date and time of a client in epoch seconds; a time alone is today's."""
    try:
        clock = datetime.strptime(text.strip(), TIME_ONLY)  # noqa: DTZ007
    except ValueError:
        pass
    else:
        return datetime.combine(new_york_date(now), clock.time(), ET).timestamp()
    try:
        moment = parse_stamp(text)
        if moment.year <= LAST_YEAR:
            return moment.timestamp()
    except (ValueError, OverflowError, OSError):
        pass
    raise OrderError(10314, f"{label}: {BAD_DATE}")
