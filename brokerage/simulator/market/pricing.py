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


def fair_value(spot: float, strike: float, right: str, vol: float, seconds: float) -> float:
    """The same for one moment."""
    years, spread, upper, sign = _terms(spot, strike, right, vol, seconds)
    discounted = strike * math.exp(-RATE * years)
    value = spot * _below(sign * upper) - discounted * _below(sign * (upper - spread))
    return max(sign * value, 0.0)


def _terms(
    spot: float, strike: float, right: str, vol: float, seconds: float
) -> tuple[float, float, float, float]:
    """Years to expiry, deviation until then, the formula's d1, and 1 for a call, −1 for a put."""
    years = seconds / YEAR
    spread = vol * math.sqrt(years)
    upper = (math.log(spot / strike) + RATE * years) / spread + spread / 2
    return years, spread, upper, 1.0 if right == "C" else -1.0


def greeks(spot: float, strike: float, right: str, vol: float, seconds: float) -> Greeks:
    """Figures per share; vega for one point of volatility (1 %), theta for one day."""
    years, spread, upper, sign = _terms(spot, strike, right, vol, seconds)
    density = math.exp(-upper * upper / 2) / math.sqrt(2 * math.pi)
    interest = sign * RATE * strike * math.exp(-RATE * years) * _below(sign * (upper - spread))
    decay = spot * density * vol / (2 * math.sqrt(years))
    return Greeks(
        iv=vol,
        delta=sign * _below(sign * upper),
        price=fair_value(spot, strike, right, vol, seconds),
        pv_dividend=0.0,
        gamma=density / (spot * spread),
        vega=spot * density * math.sqrt(years) / 100.0,
        theta=-(decay + interest) / 365.0,
        und_price=spot,
    )


def implied(price: float, spot: float, strike: float, right: str, seconds: float) -> float | None:
    """The volatility per year at which an option is worth its price; None where there is none."""
    low, high = LOWEST_VOL, HIGHEST_VOL
    least, most = (fair_value(spot, strike, right, vol, seconds) for vol in (low, high))
    if not least < price < most:
        return None
    for _ in range(STEPS):
        middle = (low + high) / 2
        if high - low < 1e-7:
            break
        if fair_value(spot, strike, right, middle, seconds) < price:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _below(value: float) -> float:
    return 0.5 * math.erfc(-value / math.sqrt(2.0))
