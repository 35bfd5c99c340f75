"""Honest statistics for gates and metrics: intervals, percentiles, and how many samples they need.

Everything here is a pure function. A bound that the samples can't give is None, never a guess.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import atan, ceil, cos, floor, inf, log, pi, sin, sqrt
from statistics import NormalDist, fmean, stdev

import numpy as np
from numpy.typing import NDArray

Z = 1.96  # of a two-sided 95 % interval
CONFIDENCE = 0.95
MOST = 1_000_000  # no search for a number of samples goes further
REPEATS = 2000
NORMAL = NormalDist()


@dataclass(frozen=True)
class Interval:
    """The bounds of an estimate; None where the samples give none."""

    low: float | None
    high: float | None


NOTHING = Interval(None, None)


@dataclass(frozen=True)
class Timed:
    """One measured duration; a censored one had not ended at `value`, so it is at least that."""

    value: float
    censored: bool = False


# -- shares ---------------------------------------------------------------------------------------


def four_digits(value: float) -> str:
    """Return a figure with the four digits that matter, a large one whole; never an exponent."""
    return f"{value:,.0f}" if 9999.5 <= abs(value) < inf else f"{value:.4g}"


def wilson(hits: float, n: int, z: float = Z) -> Interval:
    """Return the Wilson score interval of a share; hits may be fractions (partial fills)."""
    if n <= 0:
        return NOTHING
    share, zz = hits / n, z * z
    middle, scale = share + zz / (2 * n), 1 + zz / n
    half = z * sqrt(share * (1 - share) / n + zz / (4 * n * n))
    return Interval(max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale))


def share_p(hits: float, n: int, bar: float) -> float:
    """Return the p-value of the score test against "the true share is `bar` or less"."""
    if n <= 0 or not 0 < bar < 1:
        return 1.0
    return 1 - NORMAL.cdf((hits / n - bar) / sqrt(bar * (1 - bar) / n))


def share_n_needed(misses: float, bar: float) -> int | None:
    """Return how many trials, with so many misses, put the whole interval above `bar`."""
    return _first(ceil(misses) + 1, lambda n: (wilson(n - misses, n).low or 0.0) > bar)


# -- percentiles ----------------------------------------------------------------------------------


def percentile(samples: Sequence[Timed], percent: float) -> Timed:
    """Return the percentile by nearest rank; censored when it falls on one that never ended.

    Raises ValueError without a sample.
    """
    if not samples:
        raise ValueError("no samples")
    # The rounding takes away what 0.95 × 20 is too much in binary.
    rank = max(1, ceil(round(len(samples) * percent / 100, 9)))
    return in_order(samples)[rank - 1]


def in_order(samples: Sequence[Timed]) -> list[Timed]:
    """Sort samples; one that never ended is longer than every one that did."""
    return sorted(samples, key=lambda sample: (sample.censored, sample.value))


def percentile_interval(samples: Sequence[Timed], percent: float) -> Interval:
    """Return bounds of the percentile from order statistics; each of them holds with 95 %.

    An upper bound exists from 59 samples for p95 and from 299 for p99; one that falls on a sample
    that never ended is infinite.
    """
    if not samples:
        return NOTHING
    ordered, share = in_order(samples), percent / 100
    heads = _cumulative(len(samples), share)
    low = int(np.searchsorted(-(1 - heads), -CONFIDENCE, side="right"))
    high = int(np.searchsorted(heads, CONFIDENCE, side="left")) + 1
    return Interval(
        ordered[low - 1].value if low else None,
        _length(ordered[high - 1]) if high <= len(ordered) else None,
    )


def _length(sample: Timed) -> float:
    return inf if sample.censored else sample.value


def percentile_p(samples: Sequence[Timed], percent: float, bar: float) -> float:
    """Return the p-value against "the percentile is `bar` or more"."""
    below = sum(not sample.censored and sample.value < bar for sample in samples)
    return _tail(len(samples), percent / 100, below)


def percentile_n_needed(above: int, percent: float) -> int | None:
    """Return how many samples, with so many at or above the bar, give an upper bound below it."""
    miss, most = 1 - percent / 100, 1 - CONFIDENCE
    return _first(above + 1, lambda n: _head(n, miss, above) <= most)


def _head(n: int, share: float, count: int) -> float:
    """Return the probability of at most `count` hits in n trials."""
    return float(_heads(n, share, count)[-1])


def _tail(n: int, share: float, count: int) -> float:
    """Return the probability of at least `count` hits in n trials."""
    return 1.0 if count <= 0 else float(1 - _cumulative(n, share)[count - 1])


@lru_cache(maxsize=32)
def _cumulative(n: int, share: float) -> NDArray[np.float64]:
    """Return the probabilities of at most 0, 1, … n hits in n trials."""
    return _heads(n, share, n)


def _heads(n: int, share: float, most: int) -> NDArray[np.float64]:
    """Return the probabilities of at most 0, 1, … `most` hits; by logarithms, so for any n."""
    k = np.arange(1, most + 1)
    steps = np.log((n - k + 1) / k) + np.log(share / (1 - share))
    logs = n * np.log(1 - share) + np.concatenate([[0.0], np.cumsum(steps)])
    heads: NDArray[np.float64] = np.minimum(np.cumsum(np.exp(logs)), 1.0)
    return heads


def _first(start: int, holds: Callable[[int], bool]) -> int | None:
    """Return the smallest number from `start` for which something holds that goes on holding."""
    high = max(start, 1)
    while not holds(high):
        high *= 2
        if high > MOST:
            return None
    low = start
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return high


# -- averages -------------------------------------------------------------------------------------


def student(share: float, freedom: int) -> float:
    """Return the quantile (share above one half) of Student's t with whole degrees of freedom."""
    low, high = 0.0, 1.0
    while student_cdf(high, freedom) < share:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if student_cdf(middle, freedom) < share else (low, middle)
    return (low + high) / 2


def student_cdf(t: float, freedom: int) -> float:
    """Return the distribution of Student's t: the finite series for whole degrees of freedom."""
    angle = atan(t / sqrt(freedom))
    term = total = cos(angle) if freedom % 2 else 1.0
    for k in range(2 + freedom % 2, freedom - 1, 2):
        term *= (k - 1) / k * cos(angle) ** 2
        total += term
    if freedom % 2:
        inner = sin(angle) * total if freedom > 1 else 0.0
        return 0.5 + (angle + inner) / pi
    return 0.5 + sin(angle) * total / 2


def mean_interval(values: Sequence[float]) -> Interval:
    """Return Student's interval of the average; none below two values."""
    if len(values) < 2:
        return NOTHING
    half = student(0.975, len(values) - 1) * stdev(values) / sqrt(len(values))
    return Interval(fmean(values) - half, fmean(values) + half)


def mean_p(values: Sequence[float], bar: float) -> float:
    """Return the p-value of Student's test against "the average is `bar` or more"."""
    if len(values) < 2:
        return 1.0
    error = stdev(values) / sqrt(len(values))
    if not error:
        return 0.0 if fmean(values) < bar else 1.0
    return student_cdf((fmean(values) - bar) / error, len(values) - 1)


def mean_n_needed(values: Sequence[float], bar: float) -> int | None:
    """Return how many values of this average and spread put the interval below `bar`."""
    if len(values) < 2:
        return 2
    gap, spread = bar - fmean(values), stdev(values)
    if gap <= 0:
        return None
    return _first(2, lambda n: student(0.975, min(n, 400) - 1) * spread / sqrt(n) < gap)


# -- two runs -------------------------------------------------------------------------------------

Strata = Mapping[str, Sequence[float]]


def p95_ratio_interval(run: Strata, baseline: Strata, seed: int = 0) -> Interval:
    """Return the bootstrap interval of (p95 of the run) ÷ (p95 of the baseline).

    Each scenario's samples are drawn anew from its own, so that the mix stays; the same seed gives
    the same interval. None where a side has no sample.
    """
    if not any(run.values()) or not any(baseline.values()):
        return NOTHING
    dice = np.random.default_rng(seed)
    ratios = _draws(run, dice) / _draws(baseline, dice)
    low, high = np.quantile(ratios, [0.025, 0.975])
    return Interval(float(low), float(high))


def _draws(strata: Strata, dice: np.random.Generator) -> NDArray[np.float64]:
    """Return the p95 of each of many redrawn runs."""
    parts = [
        dice.choice(np.asarray(values, dtype=float), size=(REPEATS, len(values)))
        for _, values in sorted(strata.items())
        if values
    ]
    pooled = np.sort(np.concatenate(parts, axis=1), axis=1)
    rank = ceil(round(pooled.shape[1] * 0.95, 9))
    return np.asarray(pooled[:, rank - 1], dtype=np.float64)


# -- Sharpe ratio ---------------------------------------------------------------------------------


def probabilistic_sharpe(
    ratio: float, benchmark: float, periods: int, skew: float = 0.0, kurtosis: float = 3.0
) -> float:
    """Return the probability that the true ratio is above the benchmark; ratios per period.

    `kurtosis` is not the excess: 3 for a normal distribution (Bailey and López de Prado, 2012).
    """
    spread = sqrt(_sharpe_variance(ratio, skew, kurtosis))
    return NORMAL.cdf((ratio - benchmark) * sqrt(periods - 1) / spread)


def minimum_track_record(
    ratio: float, benchmark: float, skew: float = 0.0, kurtosis: float = 3.0, z: float = 1.645
) -> float | None:
    """Return how many periods show that the ratio is above the benchmark; None if it is not."""
    if ratio <= benchmark:
        return None
    return 1 + _sharpe_variance(ratio, skew, kurtosis) * (z / (ratio - benchmark)) ** 2


def _sharpe_variance(ratio: float, skew: float, kurtosis: float) -> float:
    return 1 - skew * ratio + (kurtosis - 1) / 4 * ratio**2


# -- several metrics, several runs ----------------------------------------------------------------


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Return each p-value adjusted for the company it is in (Holm, 1979)."""
    adjusted: dict[str, float] = {}
    worst = 0.0
    for place, (name, p) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        worst = max(worst, min(1.0, p * (len(p_values) - place)))
        adjusted[name] = worst
    return adjusted


def flakiness_bound(passes: int) -> float:
    """Return the upper 95 % bound of the failure rate after so many straight passes."""
    return 1.0 if passes <= 0 else 1 - 0.05 ** (1 / passes)


def passes_needed(rate: float) -> int:
    """Return how many straight passes bound the failure rate by `rate`."""
    return floor(log(0.05) / log(1 - rate)) + 1
