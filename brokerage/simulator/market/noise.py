"""Seeded noise that can be asked anywhere: hashes of a tick's number, and the path built on them.

The path is a Brownian motion by midpoint displacement (Lévy's construction). A tick's value
depends on the seed and its number alone, and is computed by the same operations whatever range
it is asked in, so that any two answers about one moment agree to the last bit.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]

TICK = 0.25  # seconds
LEVELS = 24  # the coarsest points lie 2**24 ticks, about 48 days, apart
YEAR = 365.0 * 86400
ANCHOR_SPREAD = 0.015  # standard deviation of the coarsest points around the reference price
MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15


def mix(number: int) -> int:
    """The finaliser of splitmix64 for one number."""
    number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9 & MASK
    number = (number ^ number >> 27) * 0x94D049BB133111EB & MASK
    return number ^ number >> 31


def stream_key(*parts: int) -> np.uint64:
    """A starting point of its own for each (seed, instrument, purpose)."""
    key = 0
    for part in parts:
        key = mix(key + part + GOLDEN & MASK)
    return np.uint64(key)


def hashes(key: np.uint64, index: Ints) -> Hashes:
    """64 well-mixed bits for each index (splitmix64)."""
    bits = index.astype(np.uint64) * np.uint64(GOLDEN) + key
    bits = (bits ^ bits >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ bits >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return bits ^ bits >> np.uint64(31)


def uniform(key: np.uint64, index: Ints) -> Floats:
    """A number in [0, 1) for each index."""
    return (hashes(key, index) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def whole(key: np.uint64, index: Ints, low: int, high: int) -> Ints:
    """An integer in [low, high] for each index."""
    return (hashes(key, index) % np.uint64(high - low + 1)).astype(np.int64) + low


def normal(key: np.uint64, index: Ints) -> Floats:
    """Nearly normal numbers, never beyond 3.5: the exact sum of four uniform 16-bit numbers."""
    bits = hashes(key, index)
    total = bits & np.uint64(0xFFFF)
    for shift in (16, 32, 48):
        total = total + (bits >> np.uint64(shift) & np.uint64(0xFFFF))
    centred = total.astype(np.float64) / 65536.0 - 2.0
    scaled: Floats = centred * 3.0**0.5
    return scaled


class Path:
    """Relative distance of a price from its reference level, tick by tick.

    `volatility` is per year of 365 days: the market moves at night and on Sundays too.
    """

    def __init__(self, seed: int, con_id: int, volatility: float) -> None:
        self._keys = [stream_key(seed, con_id, level) for level in range(LEVELS + 1)]
        per_tick = volatility * (TICK / YEAR) ** 0.5
        self._scale = [per_tick * 2.0 ** ((level - 1) / 2) for level in range(LEVELS)]

    def between(self, first: int, stop: int) -> Floats:
        """Values at the ticks first … stop - 1."""
        low, high = first >> LEVELS, ((stop - 1) >> LEVELS) + 1
        points = np.arange(low, high + 1, dtype=np.int64)
        values = normal(self._keys[LEVELS], points) * ANCHOR_SPREAD
        for level in range(LEVELS - 1, -1, -1):
            values = self._refine(level, low, values)
            start, low = 2 * low, first >> level
            high = ((stop - 1) >> level) + 1
            values = values[low - start : high - start + 1]
        return values[:-1]

    def _refine(self, level: int, low: int, values: Floats) -> Floats:
        """Twice as fine: the same points and, between each two, their middle plus noise."""
        middles = np.arange(low, low + len(values) - 1, dtype=np.int64)
        fine = np.empty(2 * len(values) - 1)
        fine[::2] = values
        noise = normal(self._keys[level], middles) * self._scale[level]
        fine[1::2] = (values[:-1] + values[1:]) * 0.5 + noise
        return fine
