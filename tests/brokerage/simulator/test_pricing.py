"""Option values obey the laws of no arbitrage and greeks are the slopes they claim to be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokerage.simulator.market.pricing import RATE, fair_values, greeks

DAY = 86400.0
SPOTS = st.floats(100, 1000)
RATIOS = st.floats(0.7, 1.4)
TIMES = st.floats(DAY / 2, 90 * DAY)


def value(spot, strike, right, seconds, vol=0.32):
    return float(fair_values(np.array([spot]), strike, right, vol, np.array([seconds]))[0])


def test_a_known_value():
    assert value(100.0, 100.0, "C", 365 * DAY, vol=0.2) == pytest.approx(9.9251, abs=1e-4)


@given(SPOTS, RATIOS, TIMES)
def test_put_and_call_are_in_parity(spot, ratio, seconds):
    strike = spot * ratio
    forward = spot - strike * np.exp(-RATE * seconds / (365 * DAY))
    difference = value(spot, strike, "C", seconds) - value(spot, strike, "P", seconds)
    assert difference == pytest.approx(forward, abs=1e-6)


@given(SPOTS, RATIOS, TIMES)
def test_a_call_is_worth_less_the_higher_its_strike_and_never_less_than_nothing(s, ratio, t):
    low, high = value(s, s * ratio, "C", t), value(s, s * ratio * 1.01, "C", t)
    assert 0 <= high <= low <= s


@pytest.mark.parametrize("right", ["C", "P"])
@pytest.mark.parametrize("strike", [660.0, 685.0, 705.0])
def test_greeks_are_the_slopes_of_the_value(right, strike):
    spot, seconds, step = 685.0, 6 * DAY, 0.01
    found = greeks(spot, strike, right, 0.32, seconds)
    up, down = (value(spot + way, strike, right, seconds) for way in (step, -step))
    assert found.price == value(spot, strike, right, seconds)
    assert found.delta == pytest.approx((up - down) / (2 * step), abs=1e-4)
    assert found.gamma == pytest.approx((up + down - 2 * found.price) / step**2, rel=1e-2)
    dearer = value(spot, strike, right, seconds, vol=0.325)
    cheaper = value(spot, strike, right, seconds, vol=0.315)
    assert found.vega == pytest.approx(dearer - cheaper, rel=1e-3)
    later = value(spot, strike, right, seconds - 60)
    assert found.theta == pytest.approx((later - found.price) * 1440, rel=1e-2)
