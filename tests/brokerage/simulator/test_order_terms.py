"""A client's order in the exchange's terms: when it ends, what it trails, what it hangs on."""

from datetime import datetime

import pytest

from brokerage.simulator.holidays import ET
from brokerage.simulator.listings import by_id, option
from brokerage.simulator.order_terms import end_of_day, good_until, next_opening, sim_order
from brokerage.simulator.orders import OrderError, SimOrder
from brokerage.tws.messages import Order, PlaceOrder

SPY = by_id(756733)
NOON = datetime(2026, 3, 3, 12, 0, tzinfo=ET)  # a Tuesday


def taken(at: datetime = NOON, **fields) -> SimOrder:
    message = PlaceOrder(7, order=Order("BUY", 1.0, **{"order_type": "LMT"} | fields))
    return sim_order((1, 7), message, SPY, "DU1", at.timestamp())


def ends(listing=SPY, at: datetime = NOON, *, always_open=False, **fields) -> datetime:
    order = Order("BUY", 1.0, **{"order_type": "LMT"} | fields)
    end = good_until(order, taken(at, **fields), listing, always_open=always_open)
    return datetime.fromtimestamp(end, ET)


@pytest.mark.parametrize(
    ("at", "more", "expected"),
    [
        ("2026-03-03 12:00", {}, "2026-03-03 16:00"),
        ("2026-03-03 16:00", {}, "2026-03-04 16:00"),
        ("2026-03-06 17:00", {}, "2026-03-09 16:00"),
        ("2026-11-27 10:00", {}, "2026-11-27 13:00"),
        ("2026-03-03 12:00", {"outside_rth": True}, "2026-03-03 20:00"),
        ("2026-03-03 12:00", {"good_after": "20260304 10:00:00 US/Eastern"}, "2026-03-04 16:00"),
        ("2026-03-03 12:00", {"tif": "GTD", "good_till": "20260310-20:00:00"}, "2026-03-10 16:00"),
        ("2026-03-03 12:00", {"tif": "GTD", "good_till": "15:30:00"}, "2026-03-03 15:30"),
        ("2026-03-03 12:00", {"tif": "GTD", "good_till": "20260303"}, "2026-03-03 16:00"),
        ("2026-03-03 12:00", {"tif": "GTD", "good_till": "20260305"}, "2026-03-05 16:00"),
        ("2026-03-03 12:00", {"tif": "GTD", "good_till": "20260307"}, "2026-03-08 00:00"),
    ],
)
def test_when_an_order_ends(at, more, expected):
    moment = datetime.fromisoformat(at).replace(tzinfo=ET)
    assert f"{ends(at=moment, **more):%Y-%m-%d %H:%M}" == expected


def test_where_trading_never_stops_the_day_ends_at_midnight():
    assert f"{ends(always_open=True):%Y-%m-%d %H:%M}" == "2026-03-04 00:00"


def test_where_trading_never_stops_an_order_good_till_a_date_ends_with_it():
    end = ends(always_open=True, tif="GTD", good_till="20260305")
    assert f"{end:%Y-%m-%d %H:%M}" == "2026-03-06 00:00"


def test_an_order_good_till_cancelled_has_no_end_but_its_options():
    call = option("SPY", "20260306", 700.0, "C")
    assert f"{ends(call, tif='GTC'):%Y-%m-%d %H:%M}" == "2026-03-06 16:00"
    assert good_until(Order(), taken(tif="GTC"), SPY, always_open=False) == float("inf")


@pytest.mark.parametrize(
    ("code", "more"),
    [
        (10314, {"tif": "GTD", "good_till": "tomorrow"}),
        (334, {"tif": "GTD"}),
        (334, {"tif": "GTD", "good_till": "20260302 16:00:00 US/Eastern"}),
        (10314, {"good_after": "99:99:99"}),
    ],
)
def test_a_bad_date_is_refused(code, more):
    with pytest.raises(OrderError) as caught:
        ends(**more)
    assert caught.value.code == code


def test_a_trail_is_an_amount_or_a_percentage():
    trail = taken(order_type="TRAIL", aux_price=2.0, trail_stop_price=680.0)
    assert (trail.trail_amount, trail.stop_price) == (2.0, 680.0)
    assert taken(order_type="TRAIL", trailing_percent=1.5).trail_percent == 1.5


@pytest.mark.parametrize(
    "given",
    [
        {"limit_offset": 0.5, "trail_stop_price": 680.0},
        {"limit_price": 679.5, "trail_stop_price": 680.0},
    ],
)
def test_the_offset_of_a_trailing_limit_is_given_either_way(given):
    assert taken(order_type="TRAIL LIMIT", aux_price=2.0, **given).limit_offset == 0.5


def test_a_child_names_its_parent_among_its_own_clients_orders():
    assert taken(parent_id=6).parent == (1, 6)
    assert taken().parent is None


def test_the_next_opening_comes_after_the_weekend():
    friday = datetime(2026, 3, 6, 17, 0, tzinfo=ET).timestamp()
    assert f"{datetime.fromtimestamp(next_opening(friday), ET):%a %H:%M}" == "Mon 09:30"
    assert end_of_day(friday, always_open=False) > next_opening(friday)
