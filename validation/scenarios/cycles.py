"""How often the session's own watch compares the books: the longest time between two, on record."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from django.utils import timezone

from brokerage.models import ReconciliationRun
from validation.models import FaultWindow
from validation.scenarios.trial import Trial
from validation.watch.conditions import GRACE_S
from validation.watch.process import LEAST_GRACE

CYCLE_LIMIT_S = 60.0
# Real seconds: the watch looks once in each, and reading takes its time, too. Beside a fast clock
# a busy machine, where scenarios that compute hold the watch up, is as long as minutes.
SLACK_S, FAST_SLACK_S = 3.0, 16.0
COMPARED = (ReconciliationRun.State.CLEAN, ReconciliationRun.State.DIFFS)
OF_THE_WATCH = ("START", "CYCLE", "RECONNECT", "END")
Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Comparison:
    """One comparison of the books that came to its end; times are real."""

    occasion: str
    started_at: datetime
    ended_at: datetime


def longest_wait(
    comparisons: Sequence[Comparison], planned: Iterable[Span], now: datetime
) -> timedelta | None:
    """Return the longest real time without a comparison, up to now; None if there was none.

    What lies within the `planned` spans does not count, nor what lies before a START: the watch
    was away for a pause.
    """
    if not comparisons:
        return None
    spans = [(one.ended_at, two.started_at) for one, two in pairwise(comparisons) if _goes_on(two)]
    spans.append((comparisons[-1].ended_at, now))
    excused = _merged(planned)
    return max(_uncovered(span, excused) for span in spans)


def _goes_on(later: Comparison) -> bool:
    return later.occasion != "START"


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged


def _uncovered(span: Span, excused: Iterable[Span]) -> timedelta:
    begin, end = span
    inside = ((max(begin, one), min(end, two)) for one, two in excused)
    covered = sum(((two - one) for one, two in inside if two > one), timedelta())
    return end - begin - covered


async def check_cycles(trial: Trial) -> None:
    """Check how long the session's watch has left the books alone at most."""
    scope, speed = trial.ref.partition("/")[0], trial.target.speed
    rows = ReconciliationRun.objects.filter(
        endpoint_id=trial.target.endpoint_id or 0, scope=scope,
        state__in=COMPARED, occasion__in=OF_THE_WATCH, ended_at__isnull=False,
    ).order_by("started_at")  # fmt: skip
    fields = "occasion", "started_at", "ended_at"
    comparisons = [Comparison(*row) async for row in rows.values_list(*fields)]
    # The watch lets a provoked fault pass before it compares again.
    grace = timedelta(seconds=max(GRACE_S / speed, LEAST_GRACE))
    windows = FaultWindow.objects.filter(session__number=scope)
    planned = [(row.starts_at, row.ends_at + grace) async for row in windows]
    longest = longest_wait(comparisons, planned, timezone.now())
    name, expected = "time between reconciliations", f"at most {CYCLE_LIMIT_S:g} s"
    if longest is None:
        trial.check(name, expected, "the watch has made none", passed=False)
        return
    took, slack = longest.total_seconds() * speed, SLACK_S if speed == 1 else FAST_SLACK_S * speed
    trial.measure("longest_cycle_s", took, "s")
    actual = f"{took:.0f} s, the longest between {len(comparisons)}"
    trial.check(name, expected, actual, passed=took <= CYCLE_LIMIT_S + slack)
