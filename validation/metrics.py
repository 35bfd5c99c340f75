"""A session's metrics: the plan that is frozen before its first scenario, and the judged rows.

Figures come from stored rows alone, so that the same session always gives the same metrics.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, replace
from operator import attrgetter
from typing import Any

from brokerage.models import OrderRecord
from crucible.ledger.canonical import canonical, digest
from validation import observed, worth_and_host
from validation.configuration import Config
from validation.findings import TWO_HOURS
from validation.judging import (
    Limit,
    Row,
    finite,
    in_company,
    judge_count,
    judge_ratio,
    judge_share,
    judge_times,
    ordered,
)
from validation.models import (
    Attempt,
    AttemptState,
    LogLine,
    MetricPlan,
    SampleKind,
    Session,
    SessionKind,
)
from validation.pacing import RATE_SCENARIO, complains
from validation.samples import Samples, meant_to_fill
from validation.statistics import Interval, p95_ratio_interval, percentile

K = SampleKind
STATE = OrderRecord.State
BASELINE_SAMPLES, BASELINE_P95_MS = 50, 20.0
BENCHMARK = "X-12"
# What takes its time by definition, and the minutes in which all the others should be done.
LONG, ACTIVE_MINUTES = ("MD-04", "BC-06", "RS-05"), 10.0
# By the metric's number: its value or hits, of how many, and words that explain it.
Counts = dict[str, tuple[float | None, float, str]]
ENGINE = "How fast the paper engine fills, not the market."
INTENDED = "Counted from the intended sending; unanswered ones count as longer than any answer."


# -- the plan -------------------------------------------------------------------------------------


def plan(config: Config) -> list[Limit]:
    """Return the metrics of a session and their limits, in the order of their numbers."""
    return [*_latency(config), *_running(config), *_trading(config)]


def _latency(config: Config) -> Iterator[Limit]:
    limits = config.thresholds
    fill_ms = limits.order_fill_timeout_seconds * 1000
    yield Limit("ME-01", "Order to acknowledgement", "ms", "p95", "<", limits.place_ack_ms,
                K.PLACE, INTENDED)  # fmt: skip
    yield Limit("ME-01b", "Sending to acknowledgement", "ms", "p95", "", None, K.WIRE,
                "The gateway's part of ME-01; the rest is our own door and record.")  # fmt: skip
    yield Limit("ME-02", "Cancel to confirmation", "ms", "p95", "<", limits.cancel_ack_ms,
                K.CANCEL, "An unconfirmed one counts as longer than any other.")  # fmt: skip
    yield Limit("ME-03", "Reading an order's state", "ms", "p95", "<", limits.order_status_ms,
                K.STATUS, "Our own state; the round trip to the broker is ME-03b.")  # fmt: skip
    yield Limit("ME-03b", "Asking the broker for open orders", "ms", "p95", "", None, K.ROUND_TRIP)
    yield Limit("ME-04", "Latency against the baseline", "", "ratio", "<", limits.latency_delta,
                K.PLACE, "p95 of this run ÷ p95 of the baseline, less 1.")  # fmt: skip
    yield Limit("ME-05", "Connection latency", "ms", "mean", "<", limits.connection_latency_ms,
                K.CONNECTION)  # fmt: skip
    yield Limit("ME-06", "Order to fill, on average", "ms", "mean", "<", fill_ms, K.FILL, ENGINE)
    yield Limit("ME-06b", "Order to fill, the longest", "ms", "longest", "<", fill_ms, K.FILL)
    yield Limit("ME-07", "Age of quotes", "ms", "mean", "<",
                limits.quote_freshness_seconds * 1000, K.QUOTE_AGE)  # fmt: skip


def _running(config: Config) -> Iterator[Limit]:
    limits = config.thresholds
    yield Limit("ME-08", "Gateway uptime without planned faults", "%", "count", "=", 100.0)
    yield Limit("ME-08b", "Gateway uptime, planned faults included", "%", "count")
    yield Limit("ME-09", "Scenarios passed", "%", "count", "=", 100.0)
    yield Limit("ME-10", "Quote updates in a minute", "", "count", "≥",
                float(limits.stream_quality_min_quotes))  # fmt: skip
    yield Limit("ME-12", "Pacing violations", "", "count", "=", 0.0)
    yield Limit("ME-13", "Unplanned disconnections", "", "count", "=", 0.0)
    yield Limit("ME-15", "Memory", "MB", "count", "<", limits.max_memory_mb)
    yield Limit("ME-25", "Time of the scenarios", "min", "count", "≤", limits.suite_minutes)
    yield Limit("ME-25a", "Time of the scenarios without the long ones", "min", "count", "<",
                ACTIVE_MINUTES, about=f"Without {', '.join(LONG)}.")  # fmt: skip
    yield Limit("ME-25b", "Time from start to end", "min", "count")


def _trading(config: Config) -> Iterator[Limit]:
    meant = "Every sent order that was meant to fill, rejected and unanswered ones included."
    yield Limit("ME-11", "Fill rate", "", "share", ">", config.thresholds.min_fill_rate,
                "", meant)  # fmt: skip
    yield Limit("ME-20", "Orders sent", "", "count")
    yield Limit("ME-20b", "Orders filled", "", "count")
    yield Limit("ME-20c", "Orders cancelled", "", "count")
    yield Limit("ME-21", "Rejection rate", "", "share", "", None, "",
                "Rejected orders that were not meant to be, of those sent.")  # fmt: skip
    yield Limit("ME-21b", "Unplanned errors in the log", "", "count")
    yield from worth_and_host.limits()


def freeze(session: Session) -> MetricPlan:
    """Write the plan down, once; later calls return what was written first."""
    found = MetricPlan.objects.filter(session=session).first()
    if found is not None:
        return found
    samples = Samples(session)
    baseline = _baseline(session)
    content = {
        "limits": [asdict(limit) for limit in plan(samples.config)],
        "baseline": baseline.number if baseline else None,
    }
    return MetricPlan.objects.create(
        session=session, content=content, digest=digest(canonical(content))
    )


def _baseline(session: Session) -> Session | None:
    """Return the newest earlier session with a benchmark that is worth comparing with.

    What a simulated gateway answered in says nothing of a broker, and the other way round.
    """
    passed = Attempt.objects.filter(scenario=BENCHMARK, state=AttemptState.PASSED)
    alike = Session.objects.filter(simulated=session.simulated)
    earlier = alike.filter(attempts__in=passed, pk__lt=session.pk).distinct()
    for one in earlier.order_by("-pk")[:5]:
        found = Samples(one).judged(K.PLACE)
        if len(found) >= BASELINE_SAMPLES and percentile(found, 95).value >= BASELINE_P95_MS:
            return one
    return None


# -- the rows -------------------------------------------------------------------------------------


def rows(session: Session, samples: Samples | None = None) -> list[Row]:
    """Return the session's metrics, judged by its frozen plan: what is wrong comes first."""
    return Book(session, samples or Samples(session)).rows()


def content(session: Session) -> list[dict[str, Any]]:
    """Return the metrics as JSON values in the order of their numbers."""
    return [plain(row) for row in sorted(rows(session), key=lambda row: row.code)]


def plain(row: Row) -> dict[str, Any]:
    """Return a row as JSON values; an infinite bound is the word "unbounded"."""
    ends = [None if end is None else finite(end) or _unbounded(end) for end in (row.low, row.high)]
    return {
        "code": row.code,
        "name": row.limit.name,
        "unit": row.limit.unit,
        "figure": row.limit.figure,
        "value": _rounded(row.value),
        "at_least": row.at_least,
        "n": row.n,
        "ci95": [_rounded(end) for end in ends],
        "threshold": row.limit.threshold,
        "comparator": row.limit.comparator,
        "policy_verdict": row.policy.value,
        "evidence_verdict": row.evidence.value,
        "n_needed": row.n_needed,
        "parts": {name: _rounded(value) for name, value in row.parts},
        "why": row.why,
    }


def _unbounded(end: float) -> float | str:
    return end if end == 0 else "unbounded"


def _rounded(value: float | str | None) -> float | str | None:
    # What two databases give as the same number differs in its last digits at most.
    return float(f"{value:.9g}") if isinstance(value, float) else value


class Book:
    """Judges the planned metrics of one session, each from its own stored rows."""

    def __init__(self, session: Session, samples: Samples) -> None:
        self.session, self.samples = session, samples
        frozen: MetricPlan | None = getattr(session, "metric_plan", None)
        self.frozen = frozen.content if frozen else None

    @property
    def limits(self) -> list[Limit]:
        """The plan: as it was frozen, or of the pinned configuration before a session has begun."""
        if self.frozen is None:
            return plan(self.samples.config)
        return [Limit(**limit) for limit in self.frozen["limits"]]

    def rows(self) -> list[Row]:
        """Return the judged rows: what failed, what is not shown, what passed."""
        counts = {code: figure for group in self._groups() for code, figure in group.items()}
        return ordered(in_company([self._row(limit, counts) for limit in self.limits]))

    def _row(self, limit: Limit, counts: Counts) -> Row:
        if self.session.observes and limit.code in observed.NOT_FROM_OUTSIDE:
            return judge_count(limit, None, 0, observed.NOT_FROM_OUTSIDE[limit.code])
        if limit.figure == "ratio":
            return self._delta(limit)
        if limit.samples:
            row = judge_times(limit, self.samples.judged(limit.samples))
            from_outside = self.session.observes and limit.samples == K.FILL
            return replace(row, why=f"{row.why} {observed.MARKET_ALONE}") if from_outside else row
        value, n, why = counts.get(limit.code, (None, 0, ""))
        if limit.figure == "share":
            return judge_share(limit, value or 0.0, int(n), why)
        return judge_count(limit, value, int(n), why)

    def _groups(self) -> Iterator[Counts]:
        yield self._log()
        yield self._connection()
        yield self._scenarios()
        yield self._orders()
        yield worth_and_host.counts(self.session.facts)

    # -- against a baseline -------------------------------------------------------------------

    def _delta(self, limit: Limit) -> Row:
        number = (self.frozen or {}).get("baseline")
        run = self.samples.judged(K.PLACE)
        if number is None or not run:
            why = (
                f"No earlier {BENCHMARK} with {BASELINE_SAMPLES} samples and a p95 of "
                f"{BASELINE_P95_MS:g} ms to compare with."
            )
            return judge_count(limit, None, 0, why)
        other = Samples(Session.objects.get(number=number))
        base = percentile(other.judged(K.PLACE), 95).value
        ratio = percentile(run, 95).value / base
        bounds = p95_ratio_interval(_strata(self.samples), _strata(other))
        why = f"Against {number} (p95 {base:.4g} ms); bootstrap, each scenario drawn by itself."
        shifted = Interval(*(None if end is None else end - 1 for end in (bounds.low, bounds.high)))
        return judge_ratio(limit, ratio - 1, shifted, len(run), why)

    # -- the log ------------------------------------------------------------------------------

    def _log(self) -> Counts:
        lines = [line for line in self.samples.lines if not self._planned(line)]
        pacing = sum(complains(line) for line in lines)
        # A test report of elsewhere brings no log: what it would have told is not known.
        ran = int(self.session.started_at is not None and self.session.kind != SessionKind.IMPORTED)
        errors = sum(line.level in {"ERROR", "CRITICAL"} for line in lines)
        return {
            "ME-12": (float(pacing), ran, f"Only {RATE_SCENARIO} may provoke them."),
            "ME-21b": (float(errors), ran, ""),
        }

    def _planned(self, line: LogLine) -> bool:
        return line.planned or self.samples.provoked(line.at)

    def _connection(self) -> Counts:
        found = self.samples.connection
        words = f"{len(found.outages)} times away, {found.planned} of them planned."
        if not found.watched:
            words = "Nobody watched the gateway to the end."
        watched, lost = int(found.watched), found.unplanned
        return {
            "ME-08": (found.uptime.adjusted, watched, words),
            "ME-08b": (found.uptime.raw, watched, words),
            "ME-13": (None if lost is None else float(lost), int(lost is not None), words),
        }

    # -- scenarios ----------------------------------------------------------------------------

    def _scenarios(self) -> Counts:
        rows = sorted(self.samples.attempts, key=attrgetter("scenario", "number"))
        latest = {attempt.scenario: attempt for attempt in rows}
        passed = sum(one.state == AttemptState.PASSED for one in latest.values())
        again = sum(one.number > 1 for one in latest.values())
        planned, ended = self.session.planned, self.session.ended_at is not None
        why = f"{passed} of {planned} planned." + (f" {again} took another attempt." * bool(again))
        return {
            "ME-09": (passed / planned * 100 if planned else None, ended * planned, why),
            **self._figures(list(latest.values())),
            **self._spent(list(latest.values())),
        }

    def _figures(self, latest: list[Attempt]) -> Counts:
        found = [metric for attempt in latest for metric in attempt.metrics.all()]
        ticks = [one.value for one in found if one.name == "ticks"]
        memory = [one.value for one in found if one.unit == "MB" or one.name.endswith("_mb")]
        return {
            "ME-10": (min(ticks, default=None), len(ticks), "The fewest of the streams."),
            "ME-15": (max(memory, default=None), len(memory), "The highest reading."),
        }

    def _spent(self, latest: list[Attempt]) -> Counts:
        session = self.session
        figures: Counts = {}
        if session.started_at and session.ended_at:
            whole = (session.ended_at - session.started_at).total_seconds() / 60
            suite = [one for one in latest if one.scenario != TWO_HOURS]
            active = [one for one in suite if one.scenario not in LONG]
            for code, attempts in (("ME-25", suite), ("ME-25a", active)):
                spent = sum(one.duration_ms or 0 for one in attempts) / 60_000 * session.speed
                figures[code] = (spent, len(attempts), "In the gateway's time.")
            figures["ME-25b"] = (whole, 1, "In real time.")
        return figures

    # -- orders -------------------------------------------------------------------------------

    def _orders(self) -> Counts:
        if self.session.observes:
            return observed.counts(self.samples.seen)
        sent = [one for one in self.samples.orders if not self.samples.provoked(one.created_at)]
        states = Counter(order.state for order in sent)
        meant = [order for order in sent if meant_to_fill(order)]
        filled = sum(min(1.0, one.filled / one.quantity) for one in meant if one.quantity)
        serious = [order for order in sent if order.aim != "REJECT"]
        rejected = sum(order.state == STATE.REJECTED for order in serious)
        n = len(sent)
        return {
            "ME-11": (
                filled,
                len(meant),
                f"{n - len(meant)} others rest, are to be refused, or clean up.",
            ),
            "ME-20": (float(n), n, ""),
            "ME-20b": (float(states[STATE.FILLED]), n, ""),
            "ME-20c": (float(states[STATE.CANCELLED]), n, ""),
            "ME-21": (float(rejected), len(serious), ""),
        }


def _strata(samples: Samples) -> dict[str, list[float]]:
    found: defaultdict[str, list[float]] = defaultdict(list)
    for sample in samples.of(K.PLACE):
        if not sample.planned:
            found[sample.scenario].append(sample.ms)
    return found


__all__ = ["Book", "Row", "content", "finite", "freeze", "plain", "plan", "rows"]
