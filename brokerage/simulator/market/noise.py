"""Seeded noise that can be asked anywhere: hashes of a tick's number, and the path built on them.

The path is a Brownian motion by midpoint displacement (Lévy's construction). A tick's value
depends on the seed and its number alone, and is computed by the same operations whatever range
it is asked in, so that any two answers about one moment agree to the last bit.
"""

from functools import lru_cache
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
PAGES, PAGE = 13, 64  # points every 2**13 ticks are kept, so many on a page: about 36 hours
KEPT_PAGES = 512  # two years, 0.3 MB an instrument
LANES = np.uint64(0x0000FFFF0000FFFF)
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


def hashes(key: np.uint64 | Hashes, index: Ints) -> Hashes:
    """64 well-mixed bits for each index (splitmix64); one key, or one for each index."""
    bits = index.astype(np.uint64)
    bits *= np.uint64(GOLDEN)
    bits += key
    shifted = bits >> np.uint64(30)
    bits ^= shifted
    bits *= np.uint64(0xBF58476D1CE4E5B9)
    np.right_shift(bits, np.uint64(27), out=shifted)
    bits ^= shifted
    bits *= np.uint64(0x94D049BB133111EB)
    np.right_shift(bits, np.uint64(31), out=shifted)
    bits ^= shifted
    return bits


def uniform(key: np.uint64, index: Ints) -> Floats:
    """A number in [0, 1) for each index."""
    return (hashes(key, index) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def whole(key: np.uint64, index: Ints, low: int, high: int) -> Ints:
    """An integer in [low, high] for each index."""
    return (hashes(key, index) % np.uint64(high - low + 1)).astype(np.int64) + low


def normal(key: np.uint64 | Hashes, index: Ints) -> Floats:
    """Nearly normal numbers, never beyond 3.5: the exact sum of four uniform 16-bit numbers."""
    bits = hashes(key, index)
    pairs = bits & LANES  # two sums side by side, in 32 bits each
    bits >>= np.uint64(16)
    bits &= LANES
    pairs += bits
    np.right_shift(pairs, np.uint64(32), out=bits)
    pairs += bits
    pairs &= np.uint64(0xFFFFFFFF)
    scaled = pairs.astype(np.float64)
    scaled *= 1.0 / 65536.0
    scaled -= 2.0
    scaled *= 3.0**0.5
    return scaled


class Path:
    """Relative distance of a price from its reference level, tick by tick.

    `volatility` is per year of 365 days: the market moves at night and on Sundays too. The
    points of level `PAGES` are kept, so that a stretch is refined from there and not from the top.
    """

    def __init__(self, seed: int, con_id: int, volatility: float) -> None:
        self._keys = [stream_key(seed, con_id, level) for level in range(LEVELS + 1)]
        per_tick = volatility * (TICK / YEAR) ** 0.5
        self._scale = [per_tick * 2.0 ** ((level - 1) / 2) for level in range(LEVELS)]
        self._page = lru_cache(KEPT_PAGES)(self._coarse)

    def between(self, first: int, stop: int) -> Floats:
        """Values at the ticks first … stop - 1."""
        low, high = first >> PAGES, ((stop - 1) >> PAGES) + 1
        pages = range(low // PAGE, high // PAGE + 1)
        points = np.concatenate([self._page(page) for page in pages])
        start = pages[0] * PAGE
        return self._refined(points[low - start : high - start + 1], PAGES, first, stop)[:-1]

    def _coarse(self, page: int) -> Floats:
        """The points page·PAGE … of level PAGES, from the coarsest points down."""
        first, stop = page * PAGE << PAGES, ((page + 1) * PAGE - 1 << PAGES) + 1
        low, high = first >> LEVELS, ((stop - 1) >> LEVELS) + 1
        points = np.arange(low, high + 1, dtype=np.int64)
        values = normal(self._keys[LEVELS], points) * ANCHOR_SPREAD
        return self._refined(values, LEVELS, first, stop, PAGES)[:PAGE]

    def _refined(self, values: Floats, level: int, first: int, stop: int, until: int = 0) -> Floats:
        """The points of level `until` from those of `level`: between each two their middle, moved.

        The noise of all levels is drawn at once: numpy's calls cost more than its numbers.
        """
        levels = range(level - 1, until - 1, -1)
        lows = [first >> step + 1 for step in levels]
        counts = [
            ((stop - 1) >> step + 1) + 1 - low for step, low in zip(levels, lows, strict=True)
        ]
        middles = np.concatenate(
            [np.arange(low, low + count) for low, count in zip(lows, counts, strict=True)]
        )
        noise = normal(np.repeat(np.array([self._keys[step] for step in levels]), counts), middles)
        noise *= np.repeat(np.array([self._scale[step] for step in levels]), counts)
        at = 0
        for step, low, count in zip(levels, lows, counts, strict=True):
            fine = np.empty(2 * count + 1)
            fine[::2] = values
            fine[1::2] = (values[:-1] + values[1:]) * 0.5 + noise[at : at + count]
            at += count
            skip = (first >> step) - 2 * low
            values = fine[skip : skip + ((stop - 1) >> step) + 2 - (first >> step)]
        return values
