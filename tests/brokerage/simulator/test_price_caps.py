"""Limits far through the quote are cancelled, at the distances that users have published."""

import math

import pytest

from brokerage.simulator.listings import by_id, option
from brokerage.simulator.market import Quote
from brokerage.simulator.orders import SimOrder
from brokerage.simulator.price_caps import cap, refusal

SPY, CALL = by_id(756733), option("SPY", "20261127", 700.0, "C")


def quote(bid: float, ask: float) -> Quote:
    return Quote(SPY.con_id, bid, ask, 9.0, 9.0, last=bid, time=1.0)


@pytest.mark.parametrize(
    ("listing", "side", "price", "published"),
    [(SPY, "SELL", 259.85, 252.21), (SPY, "BUY", 1.4614, 1.6046), (CALL, "BUY", 0.08, 0.33)],
)
def test_published_refusals_are_matched_to_a_few_tenths_of_a_percent(
    listing, side, price, published
):
    assert cap(listing, side, quote(price, price)) == pytest.approx(published, rel=0.005)


@pytest.mark.parametrize(("price", "distance"), [(25.0, 2.5), (40.0, 2.0), (100.0, 3.0)])
def test_the_distance_depends_on_the_price(price, distance):
    assert cap(SPY, "BUY", quote(price, price)) == pytest.approx(price + distance)
    assert cap(SPY, "SELL", quote(price, price)) == pytest.approx(price - distance)


@pytest.mark.parametrize(
    ("side", "limit", "refused"),
    [("BUY", 102.99, False), ("BUY", 103.0, True), ("SELL", 97.01, False), ("SELL", 97.0, True)],
)
def test_a_limit_at_the_cap_is_refused_with_both_prices(side, limit, refused):
    found = refusal(SimOrder((1, 1), SPY.con_id, side, 1.0, "LMT", limit), SPY, quote(100.0, 100.0))
    assert (found is not None) == refused
    if found:
        assert f"more aggressive than {limit:g}." in found[1]
        assert found[1].endswith("current market price of 100.")


def test_without_a_quote_and_for_other_types_nothing_is_capped():
    far = SimOrder((1, 1), SPY.con_id, "BUY", 1.0, "LMT", 900.0)
    assert refusal(far, SPY, quote(math.nan, math.nan)) is None
    stop = SimOrder((1, 1), SPY.con_id, "BUY", 1.0, "STP LMT", 900.0, 100.0)
    assert refusal(stop, SPY, quote(100.0, 100.0)) is None
