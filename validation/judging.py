"""Judge figures against their limits: the specified point rule, and what the samples can show."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import inf, isfinite
from statistics import fmean

from validation import statistics
from validation.statistics import NOTHING, Interval, Timed, four_digits

PERCENT = 95
LEAST_FOR_P99 = 20
ALPHA = 0.05


class Verdict(StrEnum):
    """What a rule says; NO_DATA is never good, NONE stands for a figure without a limit."""

    FAIL = "FAIL"
    INSUFFICIENT = "INSUFFICIENT"
    NO_DATA = "NO_DATA"
    PASS = "PASS"  # noqa: S105 - no password
    NONE = ""


V = Verdict
ORDER = list(Verdict)
COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": lambda value, limit: value < limit,
    "≤": lambda value, limit: value <= limit,
    "=": lambda value, limit: value == limit,
    "≥": lambda value, limit: value >= limit,
    ">": lambda value, limit: value > limit,
}
MACHINE_UNITS = frozenset({"ms", "min", "MB"})


@dataclass(frozen=True)
class Limit:
    """One planned metric: its figure, and the limit that the figure is held against.

    `figure` is p95, mean, longest, share or count; `threshold` is None where nothing is required.
    """

    code: str
    name: str
    unit: str
    figure: str
    comparator: str = ""
    threshold: float | None = None
    samples: str = ""
    about: str = ""


@dataclass(frozen=True)
class Row:
    """One judged metric; bounds that the samples don't give are None, infinite ones are inf.

    `at_least` says that the value is a lower bound because samples had not ended. `p` is the
    p-value against the bad side, None for a complete count.
    """

    limit: Limit
    value: float | None
    n: int
    low: float | None = None
    high: float | None = None
    policy: Verdict = V.NO_DATA
    evidence: Verdict = V.NO_DATA
    n_needed: int | None = None
    at_least: bool = False
    p: float | None = None
    why: str = ""
    parts: tuple[tuple[str, float | None], ...] = ()

    @property
    def code(self) -> str:
        """The metric's number, such as ME-01."""
        return self.limit.code

    @property
    def worst(self) -> Verdict:
        """The worse of both verdicts: by it the rows are ordered."""
        return min(self.policy, self.evidence, key=ORDER.index)

    @property
    def doubtful(self) -> bool:
        """Whether it has a limit, and the rule or what is shown is anything but a PASS."""
        return self.limit.threshold is not None and {self.policy, self.evidence} != {V.PASS}

    @property
    def failed(self) -> bool:
        """Whether it misses its limit by the point rule, which drives the gate."""
        return self.limit.threshold is not None and self.policy == V.FAIL

    @property
    def of_the_machine(self) -> bool:
        """Whether beside a simulated gateway it tells how fast the machine is, and no more."""
        return self.limit.unit in MACHINE_UNITS or self.limit.figure == "ratio"

    @property
    def told(self) -> str:
        """Its value, limit, verdicts, and how many samples there are and would be needed."""
        limit = f"{self.limit.comparator} {four_digits(_bar(self.limit))} {self.limit.unit}".strip()
        value = (
            "–" if self.value is None else f"{four_digits(self.value)} {self.limit.unit}".strip()
        )
        needed = f" of {self.n_needed} needed" if self.n_needed else ""
        return (
            f"{'≥ ' * self.at_least}{value}, limit {limit}. Rule: {_word(self.policy)}; "
            f"shown: {_word(self.evidence)}; n = {self.n}{needed}."
        )


def _word(verdict: Verdict) -> str:
    return verdict.replace("_", " ").lower()


def judge_times(limit: Limit, samples: Sequence[Timed]) -> Row:
    """Judge durations by their 95th percentile, their average or the longest of them."""
    if not samples:
        return _no_data(limit)
    judges = {"p95": _percentile, "mean": _average, "longest": _longest}
    return judges[limit.figure](limit, samples)


def _percentile(limit: Limit, samples: Sequence[Timed]) -> Row:
    at = statistics.percentile(samples, PERCENT)
    bar = _bar(limit)
    bounds = statistics.percentile_interval(samples, PERCENT)
    above = sum(sample.censored or sample.value >= bar for sample in samples)
    needed = statistics.percentile_n_needed(above, PERCENT) if above < len(samples) else None
    why = (
        f"p95 by nearest rank of {len(samples)} samples; bounds from order statistics, each with "
        f"95 %. {above} at or above the limit."
    )
    if bounds.high is None:
        longest = statistics.in_order(samples)[-1]
        why += f" Too few for an upper bound (59 at least); the longest was {_told(longest)}."
    row = _judged(limit, _value(at), len(samples), bounds, needed, why)
    p = statistics.percentile_p(samples, PERCENT, bar)
    return replace(row, at_least=at.censored, p=p, parts=_parts(samples))


def _parts(samples: Sequence[Timed]) -> tuple[tuple[str, float | None], ...]:
    """Return p50, p95, p99 and the longest; p99 of fewer than 20 samples is not told."""
    enough = len(samples) >= LEAST_FOR_P99
    p99 = _value(statistics.percentile(samples, 99)) if enough else None
    return (
        ("p50", _value(statistics.percentile(samples, 50))),
        ("p95", _value(statistics.percentile(samples, 95))),
        ("p99", p99),
        ("longest", _value(statistics.in_order(samples)[-1])),
    )


def _average(limit: Limit, samples: Sequence[Timed]) -> Row:
    values, open_ended = [one.value for one in samples], any(one.censored for one in samples)
    bounds = statistics.mean_interval(values)
    if open_ended:
        bounds = Interval(bounds.low, inf)
    # No number of further samples bounds an average in which one has no end.
    needed = None if open_ended else statistics.mean_n_needed(values, _bar(limit))
    why = f"Average of {len(values)} samples; Student's interval."
    row = _judged(limit, fmean(values), len(values), bounds, needed, why)
    p = 1.0 if open_ended else statistics.mean_p(values, _bar(limit))
    return replace(row, at_least=open_ended, p=p, parts=_parts(samples))


def _longest(limit: Limit, samples: Sequence[Timed]) -> Row:
    longest = statistics.in_order(samples)[-1]
    text = f"The longest of {len(samples)}: each of them is held against the limit."
    row = judge_count(limit, _value(longest), len(samples), text)
    policy = V.FAIL if longest.censored else row.policy
    return replace(row, policy=policy, evidence=policy, at_least=longest.censored)


def judge_share(limit: Limit, hits: float, n: int, why: str = "") -> Row:
    """Judge a share (0 to 1) of n trials by Wilson's interval."""
    if not n:
        return _no_data(limit, why)
    bounds, misses = statistics.wilson(hits, n), n - hits
    needed = statistics.share_n_needed(misses, _bar(limit)) if limit.threshold else None
    text = f"{hits:g} of {n}; Wilson score interval, z = 1.96. {why}".strip()
    row = _judged(limit, hits / n, n, bounds, needed, text)
    return replace(row, p=statistics.share_p(hits, n, _bar(limit)))


def judge_count(limit: Limit, value: float | None, n: int, why: str = "") -> Row:
    """Judge a complete count or reading of the session: nothing was sampled, no interval."""
    if value is None or not n:
        return _no_data(limit, why)
    text = f"{why} A complete count, not a sample: it has no interval.".strip()
    return _judged(limit, value, n, Interval(value, value), None, text)


def judge_ratio(limit: Limit, value: float, bounds: Interval, n: int, why: str = "") -> Row:
    """Judge a figure whose interval was found elsewhere, such as by a bootstrap."""
    return _judged(limit, value, n, bounds, None, why)


def _judged(
    limit: Limit, value: float, n: int, bounds: Interval, needed: int | None, why: str
) -> Row:
    text = f"{limit.about} {why}".strip()
    row = Row(limit, value, n, bounds.low, bounds.high, n_needed=needed, why=text)
    if limit.threshold is None:
        return replace(row, policy=V.NONE, evidence=V.NONE, n_needed=None)
    policy = V.PASS if holds(limit, value) else V.FAIL
    evidence = _evidence(limit, bounds)
    return replace(
        row, policy=policy, evidence=evidence, n_needed=None if evidence == V.PASS else needed
    )


def _evidence(limit: Limit, bounds: Interval) -> Verdict:
    worst, best = (bounds.high, bounds.low)
    if limit.comparator in {">", "≥"}:
        worst, best = best, worst
    if worst is not None and holds(limit, worst):
        return V.PASS
    if best is not None and not holds(limit, best):
        return V.FAIL
    return V.INSUFFICIENT


def holds(limit: Limit, value: float) -> bool:
    """Say whether a value is on the good side of the limit."""
    return COMPARE[limit.comparator](value, _bar(limit))


def _bar(limit: Limit) -> float:
    return inf if limit.threshold is None else limit.threshold


def _no_data(limit: Limit, why: str = "") -> Row:
    verdict = V.NONE if limit.threshold is None else V.NO_DATA
    text = f"{limit.about} {why or 'Nothing was measured.'}".strip()
    return Row(limit, None, 0, policy=verdict, evidence=verdict, why=text)


def _value(sample: Timed) -> float:
    return sample.value


def _told(sample: Timed) -> str:
    return f"{'over ' if sample.censored else ''}{four_digits(sample.value)}"


def in_company(rows: Sequence[Row]) -> list[Row]:
    """Take back each PASS of the samples that does not survive Holm's correction for them all."""
    family = {row.code: row.p for row in rows if row.p is not None and row.limit.threshold}
    adjusted = statistics.holm(family)
    return [_corrected(row, adjusted.get(row.code, 0.0), len(family)) for row in rows]


def _corrected(row: Row, adjusted: float, family: int) -> Row:
    if row.p is None or row.evidence != V.PASS:
        return row
    told = f"{row.why} Holm over {family} metrics: p = {adjusted:.2g}"
    if adjusted <= ALPHA:
        return replace(row, why=f"{told}.")
    why = f"{told}, above {ALPHA:g}: alone it would pass, among so many it may be luck."
    return replace(row, evidence=V.INSUFFICIENT, why=why)


def ordered(rows: Sequence[Row]) -> list[Row]:
    """Put what failed first, then what is not shown, then what passed, then mere figures."""
    return sorted(rows, key=lambda row: ORDER.index(row.worst))


def finite(value: float | None) -> float | None:
    """Return the value, or None for one that no JSON can hold."""
    return value if value is not None and isfinite(value) else None


__all__ = [
    "NOTHING",
    "Limit",
    "Row",
    "Verdict",
    "finite",
    "in_company",
    "judge_count",
    "judge_ratio",
    "judge_share",
    "judge_times",
    "ordered",
]
