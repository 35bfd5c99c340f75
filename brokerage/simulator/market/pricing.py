"""Black-Scholes prices and greeks: flat volatility per underlying, 4 % interest, no dividends."""

import math
from collections.abc import Callable

import numpy as np

from brokerage.simulator.market.noise import YEAR, Floats
from brokerage.simulator.market.shapes import Greeks

RATE = 0.04
LOWEST_VOL, HIGHEST_VOL = 0.001, 9.99  # per year; outside, no volatility is implied
STEPS = 60  # halvings that find it


def _map(function: Callable[[float], float], values: Floats) -> Floats:
    return np.fromiter(map(function, values.tolist()), np.float64, len(values))


def cumulative(values: Floats) -> Floats:
    """The standard normal distribution function, exact in both tails."""
    return 0.5 * _map(math.erfc, -values / math.sqrt(2.0))


def fair_values(spot: Floats, strike: float, right: str, vol: float, seconds: Floats) -> Floats:
    """Value per share of a European option; `seconds` to expiry must be positive."""
    years = seconds / YEAR
    spread = vol * np.sqrt(years)
    upper = (np.log(spot / strike) + RATE * years) / spread + spread / 2
    sign = 1.0 if right == "C" else -1.0
    discounted = strike * np.exp(-RATE * years)
    value = spot * cumulative(sign * upper) - discounted * cumulative(sign * (upper - spread))
    worth: Floats = np.maximum(sign * value, 0.0)
    return worth


def _fixed(
    spot: float, strike: float, right: str, seconds: float
) -> tuple[float, float, float, float]:
    """What no volatility changes: drift, the strike's worth today, the root of the years, sign."""
    years = seconds / YEAR
    drift = math.log(spot / strike) + RATE * years
    sign = 1.0 if right == "C" else -1.0
    return drift, strike * math.exp(-RATE * years), math.sqrt(years), sign


def _value(spot: float, drift: float, discounted: float, spread: float, sign: float) -> float:
    """The same as `fair_values` for one moment; `spread` is the deviation until expiry."""
    upper = drift / spread + spread / 2
    value = spot * _below(sign * upper) - discounted * _below(sign * (upper - spread))
    return max(sign * value, 0.0)


def greeks(spot: float, strike: float, right: str, vol: float, seconds: float) -> Greeks:
    """Figures per share; vega for one point of volatility (1 %), theta for one day."""
    drift, discounted, root, sign = _fixed(spot, strike, right, seconds)
    years, spread = seconds / YEAR, vol * root
    upper = drift / spread + spread / 2
    density = math.exp(-upper * upper / 2) / math.sqrt(2 * math.pi)
    interest = sign * RATE * strike * math.exp(-RATE * years) * _below(sign * (upper - spread))
    decay = spot * density * vol / (2 * root)
    return Greeks(
        iv=vol,
        delta=sign * _below(sign * upper),
        price=_value(spot, drift, discounted, spread, sign),
        pv_dividend=0.0,
        gamma=density / (spot * spread),
        vega=spot * density * root / 100.0,
        theta=-(decay + interest) / 365.0,
        und_price=spot,
    )


def implied(price: float, spot: float, strike: float, right: str, seconds: float) -> float | None:
    """The volatility per year at which an option is worth its price; None where there is none."""
    drift, discounted, root, sign = _fixed(spot, strike, right, seconds)
    low, high = LOWEST_VOL, HIGHEST_VOL
    least, most = (_value(spot, drift, discounted, vol * root, sign) for vol in (low, high))
    if not least < price < most:
        return None
    for _ in range(STEPS):
        middle = (low + high) / 2
        if high - low < 1e-7:
            break
        if _value(spot, drift, discounted, middle * root, sign) < price:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _below(value: float) -> float:
    return 0.5 * math.erfc(-value / math.sqrt(2.0))
