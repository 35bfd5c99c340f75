"""Charts of a session on one time axis, as shapes in percent: pure, drawn by a template.

Horizontal places and widths are percent of the plot, so that a chart fits every screen without a
script; heights are pixels of the plot.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, floor, log10

from validation.samples import Sample

STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
LABELS = 7
MOST_BARS = 240
LANES = 8
BUCKETS = 120
PLOT = 96.0  # height of a plot in pixels
LANE_HEIGHT = 10.0
THINNEST = 0.3  # percent: what is shorter could not be seen or touched


@dataclass(frozen=True)
class Axis:
    """The span of time that every chart shows; seconds of a session count from `began`."""

    began: datetime
    start: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it is; never nothing."""
        return max(self.end - self.start, 0.001)

    def second(self, at: datetime) -> float:
        """Return a moment as seconds since the session began."""
        return (at - self.began).total_seconds()

    def place(self, second: float) -> float:
        """Return where a second lies, in percent of the axis, between 0 and 100."""
        return round(min(max((second - self.start) / self.seconds * 100, 0.0), 100.0), 2)

    def shows(self, first: float, last: float) -> bool:
        """Say whether any part of a span lies on the axis."""
        return last >= self.start and first <= self.end

    @property
    def ticks(self) -> list["Tick"]:
        """Return the marks of the axis: whole steps of a round length."""
        step = next((one for one in STEPS if self.seconds / one <= LABELS), STEPS[-1])
        first = ceil(self.start / step)
        count = floor(self.end / step) - first + 1
        return [self._tick(float((first + n) * step)) for n in range(max(count, 0))]

    def _tick(self, second: float) -> "Tick":
        minutes, rest = divmod(int(second), 60)
        return Tick(self.place(second), f"{minutes}:{rest:02d}", self.moment(second))

    def moment(self, second: float) -> datetime:
        """Return the moment of a second of the session."""
        return self.began + timedelta(seconds=second)


@dataclass(frozen=True)
class Tick:
    """A mark of an axis: where, what it says, and the moment it stands for."""

    x: float
    label: str
    at: datetime | None = None


@dataclass(frozen=True)
class Bar:
    """A bar: x and width in percent, y and height in pixels; `tone` is ok, warn, bad, info …"""

    x: float
    width: float
    y: float
    height: float
    tone: str
    title: str
    url: str = ""


@dataclass(frozen=True)
class Dot:
    """A point: x in percent, y in pixels from above; `mark` names its kind, `open` a censored."""

    x: float
    y: float
    mark: str
    open: bool
    title: str


@dataclass(frozen=True)
class Span:
    """Something that lasted: seconds of the session, how it looks and what it is."""

    first: float
    last: float
    tone: str
    title: str
    url: str = ""


@dataclass(frozen=True)
class Lane:
    """One row of states over time."""

    name: str
    bars: Sequence[Bar]


@dataclass(frozen=True)
class Plot:
    """Points over time with a scale from above to below, and the limit as a line."""

    dots: Sequence[Dot]
    scale: Sequence[Tick]
    limit: float | None
    note: str = ""


@dataclass(frozen=True)
class Bars:
    """Orders over time: one bar each, or their number where they are too many."""

    bars: Sequence[Bar]
    height: float
    counted: bool


@dataclass(frozen=True)
class Distribution:
    """How often durations lay between powers of ten, one row of bars for each kind."""

    rows: Sequence[Lane]
    ticks: Sequence[Tick]


# -- spans ----------------------------------------------------------------------------------------


def lane(name: str, spans: Iterable[Span], axis: Axis) -> Lane:
    """Draw spans in one row."""
    seen = [span for span in spans if axis.shows(span.first, span.last)]
    return Lane(name, [_bar(span, axis, 0.0, 14.0) for span in seen])


def _bar(span: Span, axis: Axis, y: float, height: float) -> Bar:
    left, right = axis.place(span.first), axis.place(span.last)
    width = max(round(right - left, 2), THINNEST)
    return Bar(min(left, 100 - width), width, y, height, span.tone, span.title, span.url)


def order_bars(spans: Sequence[Span], axis: Axis) -> Bars:
    """Draw orders from intent to end, in as many rows as overlap; many of them as their number."""
    seen = [span for span in spans if axis.shows(span.first, span.last)]
    if len(seen) > MOST_BARS:
        return Bars(list(_counts(seen, axis)), PLOT, counted=True)
    free = [axis.start - 1.0] * LANES
    bars = []
    for span in sorted(seen, key=lambda one: one.first):
        row = next((n for n, until in enumerate(free) if until <= span.first), None)
        row = free.index(min(free)) if row is None else row
        free[row] = max(free[row], span.last, span.first + axis.seconds * THINNEST / 100)
        bars.append(_bar(span, axis, row * LANE_HEIGHT, LANE_HEIGHT - 2))
    used = sum(until > axis.start - 1 for until in free)
    return Bars(bars, max(used, 1) * LANE_HEIGHT, counted=False)


SEVERITY = ("ok", "idle", "info", "warn", "bad")


def _counts(spans: Sequence[Span], axis: Axis) -> Iterator[Bar]:
    buckets: defaultdict[int, list[Span]] = defaultdict(list)
    for span in spans:
        buckets[_bucket(span.first, axis)].append(span)
    most = max(len(group) for group in buckets.values())
    width = round(100 / BUCKETS, 2)
    for number, group in sorted(buckets.items()):
        tall = max(round(len(group) / most * PLOT, 1), 2.0)
        worst = max((one.tone for one in group), key=SEVERITY.index)
        title = f"{len(group)} orders, {_told(group)}"
        x = round(number * 100 / BUCKETS, 2)
        yield Bar(x, width, PLOT - tall, tall, worst, title)


def _told(group: Sequence[Span]) -> str:
    bad = sum(span.tone in {"bad", "warn"} for span in group)
    return f"{bad} not as meant" if bad else "all as meant"


def _bucket(second: float, axis: Axis) -> int:
    share = (second - axis.start) / axis.seconds
    return min(max(int(share * BUCKETS), 0), BUCKETS - 1)


# -- points ---------------------------------------------------------------------------------------


def plot(samples: Sequence[Sample], axis: Axis, limit_ms: float | None) -> Plot:
    """Draw durations over time on a scale of powers of ten; many of them by their longest."""
    seen = [one for one in samples if axis.shows(axis.second(one.at), axis.second(one.at))]
    if not seen:
        return Plot([], [], None)
    values = [one.ms for one in seen] + ([limit_ms] if limit_ms else [])
    height = _scale(values)
    shown, note = seen, ""
    if len(seen) > MOST_BARS:
        shown = _longest(seen, axis)
        note = f"{len(seen)} samples: the longest of each kind in each {BUCKETS}th is drawn."
    dots = [
        Dot(axis.place(axis.second(one.at)), height(one.ms), one.kind, one.censored, _words(one))
        for one in shown
    ]
    return Plot(dots, _powers(values, height), height(limit_ms) if limit_ms else None, note)


def _longest(samples: Sequence[Sample], axis: Axis) -> list[Sample]:
    kept: dict[tuple[str, int], Sample] = {}
    for one in samples:
        key = one.kind, _bucket(axis.second(one.at), axis)
        if key not in kept or (one.censored, one.ms) > (kept[key].censored, kept[key].ms):
            kept[key] = one
    return list(kept.values())


def _words(one: Sample) -> str:
    state = "no answer after" if one.censored else "took"
    return (
        f"{one.scenario}, {one.about}: {one.kind.lower().replace('_', ' ')} {state} {one.ms:.3g} ms"
    )


def _ends(values: Sequence[float]) -> tuple[int, int]:
    low = floor(log10(max(min(values), 0.01)))
    high = ceil(log10(max(*values, 0.02)))
    return low, max(high, low + 1)


def _scale(values: Sequence[float]) -> Callable[[float], float]:
    low, high = _ends(values)

    def height(ms: float) -> float:
        share = (log10(max(ms, 10.0**low)) - low) / (high - low)
        return round(PLOT * (1 - min(share, 1.0)) * 0.9 + PLOT * 0.05, 1)

    return height


def _powers(values: Sequence[float], height: Callable[[float], float]) -> list[Tick]:
    low, high = _ends(values)
    step = max(1, ceil((high - low) / 4))
    return [Tick(height(10.0**n), milliseconds(10.0**n)) for n in range(low, high + 1, step)]


def milliseconds(ms: float) -> str:
    """Say a round duration in the unit that fits."""
    return f"{ms / 1000:g} s" if ms >= 1000 else f"{ms:g} ms"


# -- distribution ---------------------------------------------------------------------------------

PER_DECADE = 6


def distribution(kinds: Sequence[tuple[str, Sequence[Sample]]]) -> Distribution:
    """Count durations in steps of a sixth of a power of ten; those without an answer apart."""
    values = [one.ms for _, group in kinds for one in group]
    if not values:
        return Distribution([], [])
    low, high = _ends(values)
    width = 100 / ((high - low) * PER_DECADE)
    rows = [Lane(name, list(_histogram(group, low, width))) for name, group in kinds if group]
    ticks = [
        Tick(round((n - low) / (high - low) * 100, 2), milliseconds(10.0**n))
        for n in range(low, high + 1)
    ]
    return Distribution(rows, ticks)


def _histogram(group: Sequence[Sample], low: int, width: float) -> Iterator[Bar]:
    counts: defaultdict[tuple[int, bool], int] = defaultdict(int)
    for one in group:
        step = floor((log10(max(one.ms, 10.0**low)) - low) * PER_DECADE + 1e-9)
        counts[step, one.censored] += 1
    most = max(counts.values())
    for (step, censored), count in sorted(counts.items()):
        tall = max(round(count / most * 36, 1), 2.0)
        first = 10 ** (low + step / PER_DECADE)
        last = 10 ** (low + (step + 1) / PER_DECADE)
        what = "without an answer" if censored else "answered"
        title = f"{count} {what} from {first:.3g} to {last:.3g} ms"
        x = min(round(step * width, 2), 100 - round(width, 2))
        yield Bar(x, round(width, 2), 38 - tall, tall, "bad" if censored else "info", title)
