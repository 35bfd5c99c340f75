"""Pure figures of samples: percentiles, ages and gaps of a stream, slopes, runs of equal values."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import groupby, pairwise


def nearest_rank(values: Sequence[float], percent: int) -> float:
    """Return the percentile by the nearest-rank method; raises IndexError without values."""
    return sorted(values)[math.ceil(percent / 100 * len(values)) - 1]


def newest_ages(stamps: Sequence[float], seconds: int) -> list[float]:
    """Return at the end of each second how old the newest update was; infinite before the first."""
    ordered = sorted(stamps)
    ages = []
    for second in range(1, seconds + 1):
        seen = bisect_right(ordered, second)
        ages.append(second - ordered[seen - 1] if seen else math.inf)
    return ages


def longest_gap(stamps: Sequence[float], seconds: float) -> float:
    """Return the longest time without an update, from the beginning to the end."""
    inside = sorted(stamp for stamp in stamps if 0 <= stamp <= seconds)
    edges = [0.0, *inside, float(seconds)]
    return max(later - earlier for earlier, later in pairwise(edges))


def longest_standstill(series: Sequence[tuple[float, object]]) -> float:
    """Return the longest time over which updates came and all told the same value.

    `series` holds (second, value) in the order of arrival; silence is no standstill.
    """
    spans = (list(run) for _, run in groupby(series, key=lambda point: point[1]))
    return max((run[-1][0] - run[0][0] for run in spans), default=0.0)


def slope(series: Sequence[tuple[float, float]]) -> float:
    """Return the slope of the least-squares line through (x, y); 0 for fewer than two x."""
    if not series:
        return 0.0
    middle_x = sum(x for x, _ in series) / len(series)
    middle_y = sum(y for _, y in series) / len(series)
    spread = sum((x - middle_x) ** 2 for x, _ in series)
    if not spread:
        return 0.0
    return sum((x - middle_x) * (y - middle_y) for x, y in series) / spread
