"""What happened in a session over time: charts on one axis, and the rows of a chosen range."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from brokerage.models import ObservedEvent, ObservedOrder, OrderEvent, OrderRecord
from brokerage.observing import ENDED
from validation import charts, observed
from validation.charts import Axis, Bars, Distribution, Lane, Plot, Span, Tick
from validation.models import Attempt, AttemptState, Check, LogLine, SampleKind, Session
from validation.models.watching import ConnectionEvent
from validation.outages import outages
from validation.samples import Sample, Samples
from validation.statistics import percentile

K = SampleKind
LATENCIES = (K.PLACE, K.CANCEL, K.STATUS, K.ROUND_TRIP, K.CONNECTION)
SPREAD = (K.PLACE, K.CANCEL, K.FILL)
WORSE = {
    "INFO": ["INFO", "WARNING", "ERROR", "CRITICAL"],
    "WARNING": ["WARNING", "ERROR", "CRITICAL"],
    "ERROR": ["ERROR", "CRITICAL"],
}
MOST_LINES = 2000
TONES = {
    AttemptState.PASSED: "ok",
    "PASSED_ON_RETRY": "warn",
    AttemptState.SKIPPED: "warn",
    AttemptState.RUNNING: "info",
    AttemptState.PENDING: "idle",
}
LANE_TONES = {"UP": "ok", "DOWN": "bad", "UNKNOWN": "idle"}
# How an order looks by what it was for and how it ended; what is not here is as it should not be.
ORDER_TONES = {
    ("FILL", "FILLED"): "ok",
    ("REST", "FILLED"): "warn",
    ("REST", "CANCELLED"): "ok",
    ("REJECT", "REJECTED"): "ok",
    ("FILL", "CANCELLED"): "warn",
}
WORKING = ("SUBMITTING", "SUBMITTED", "PARTIAL", "CANCEL_PENDING", "INTENT")


@dataclass(frozen=True)
class Wanted:
    """Which part of a session is asked for; seconds count from the session's start."""

    first: float | None = None
    last: float | None = None
    level: str = ""
    scenario: str = ""
    text: str = ""
    planned: str = ""
    zoom: bool = False
    event: str = ""

    @property
    def ranged(self) -> bool:
        """Whether a range of time was chosen."""
        return self.first is not None or self.last is not None


@dataclass(frozen=True)
class Summary:
    """The samples of one kind in figures: the text that stands for a chart."""

    name: str
    n: int
    p50: float
    p95: float
    p99: float | None
    longest: float
    unanswered: int


@dataclass(frozen=True)
class Charts:
    """All charts of a session on one axis, with the chosen range in percent of it."""

    axis: Axis
    lanes: Sequence[Lane]
    orders: Bars
    latency: Plot
    ages: Plot
    spread: Distribution
    summaries: Sequence[Summary]
    chosen: Tick | None
    chosen_width: float


class Timeline:
    """A session's rows in a range of time; every list is a query that the caller pages."""

    def __init__(self, session: Session, wanted: Wanted, samples: Samples) -> None:
        self.session, self.wanted, self.samples = session, wanted, samples

    # -- time ---------------------------------------------------------------------------------

    @property
    def began(self) -> datetime:
        """The moment from which seconds count."""
        return self.session.started_at or self.session.created_at

    @cached_property
    def end(self) -> datetime:
        """The session's end, or now."""
        return self.session.ended_at or timezone.now()

    @cached_property
    def axis(self) -> Axis:
        """The axis of every chart: the whole session, or the chosen range."""
        whole = max((self.end - self.began).total_seconds(), 1.0)
        if not (self.wanted.zoom and self.wanted.ranged):
            return Axis(self.began, 0.0, whole)
        first, last = self._range(whole)
        return Axis(self.began, first, max(last, first + 0.5))

    def _range(self, whole: float) -> tuple[float, float]:
        wanted = self.wanted
        return wanted.first or 0.0, whole if wanted.last is None else wanted.last

    def _inside(self, name: str) -> Q:
        """Return the condition that a moment lies in the range."""
        inside = Q()
        if self.wanted.first is not None:
            inside &= Q(**{f"{name}__gte": self._moment(self.wanted.first)})
        if self.wanted.last is not None:
            inside &= Q(**{f"{name}__lte": self._moment(self.wanted.last)})
        return inside

    def _moment(self, second: float) -> datetime:
        return self.began + timedelta(seconds=second)

    # -- rows ---------------------------------------------------------------------------------

    def orders(self) -> QuerySet[OrderRecord]:
        """Return the orders that were alive in the range, those that never left included."""
        found = OrderRecord.objects.filter(scope=self.session.number).order_by("pk")
        if self.wanted.scenario:
            ref = f"{self.session.number}/{self.wanted.scenario}"
            found = found.filter(Q(ref=ref) | Q(ref__startswith=f"{ref}/"))
        if self.wanted.last is not None:
            found = found.filter(created_at__lte=self._moment(self.wanted.last))
        if self.wanted.first is not None:
            found = found.annotate(until=Coalesce(F("ended_at"), Now()))
            found = found.filter(until__gte=self._moment(self.wanted.first))
        return found

    def observed(self) -> QuerySet[ObservedOrder]:
        """Return the orders of others that were seen in the range, and had not ended before it."""
        found = observed.concerning(self.session)
        if self.wanted.last is not None:
            found = found.filter(seen_at__lte=self._moment(self.wanted.last))
        if self.wanted.first is not None:
            before = Q(at__lt=self._moment(self.wanted.first), status__in=ENDED)
            ended = ObservedEvent.objects.filter(before, order=OuterRef("pk"))
            found = found.filter(~Exists(ended))
        return found

    def checks(self) -> QuerySet[Check]:
        """Return the checks that were made in the range."""
        found = Check.objects.filter(self._inside("at"), attempt__session=self.session)
        if self.wanted.scenario:
            found = found.filter(attempt__scenario=self.wanted.scenario)
        return found.select_related("attempt__session").order_by("at", "pk")

    def log(self) -> QuerySet[LogLine]:
        """Return the log lines of the range that fit the filter."""
        wanted, found = self.wanted, self._lines()
        if wanted.level:
            found = found.filter(level__in=WORSE[wanted.level])
        if wanted.event:
            found = found.filter(event_type__startswith=wanted.event)
        if wanted.text:
            found = found.filter(message__icontains=wanted.text)
        return found.filter(planned=False) if wanted.planned else found

    def errors(self) -> QuerySet[LogLine]:
        """Return the errors of the range."""
        return self._lines().filter(level__in=WORSE["ERROR"])

    def _lines(self) -> QuerySet[LogLine]:
        found = self.session.log_lines.filter(self._inside("at")).select_related("attempt")
        if self.wanted.scenario:
            found = found.filter(attempt__scenario=self.wanted.scenario)
        return found.order_by("pk")

    @cached_property
    def stamp(self) -> str:
        """A word that changes whenever anything shown here does; of the moment of the reading."""
        number = self.session.number
        others = ObservedEvent.objects.filter(order__scope=number)
        events = OrderEvent.objects.filter(order__scope=number)
        checks = Check.objects.filter(attempt__session=self.session)
        told = (others, self.session.log_lines, events, checks)
        newest = [Subquery(rows.order_by("-pk").values("pk")[:1]) for rows in told]
        (found,) = Session.objects.filter(pk=self.session.pk).values_list(*newest)
        return "-".join([self.session.state, *(str(pk or 0) for pk in found)])

    # -- charts -------------------------------------------------------------------------------

    def charts(self) -> Charts:
        """Draw everything on one axis."""
        limits, axis = self.samples.config.thresholds, self.axis
        timed, aged = self.samples.of(*LATENCIES), self.samples.of(K.QUOTE_AGE)
        inside = [one for one in self.samples.all if self._chosen(one)]
        first, last = self._range(axis.end)
        left, right = axis.place(first), axis.place(last)
        return Charts(
            axis=axis,
            lanes=[charts.lane(name, spans, axis) for name, spans in self._lanes()],
            orders=charts.order_bars(list(self._order_spans()), axis),
            latency=charts.plot(timed, axis, limits.place_ack_ms),
            ages=charts.plot(aged, axis, limits.quote_freshness_seconds * 1000),
            spread=charts.distribution([(K(kind).label, _of(inside, kind)) for kind in SPREAD]),
            summaries=[_summary(kind, group) for kind in K if (group := _of(inside, kind))],
            chosen=Tick(left, "") if self.wanted.ranged else None,
            chosen_width=round(max(right - left, charts.THINNEST), 2),
        )

    def _chosen(self, one: Sample) -> bool:
        second = self.axis.second(one.at)
        first, last = self._range(float("inf"))
        return first <= second <= last

    def _lanes(self) -> Iterator[tuple[str, list[Span]]]:
        attempts = [one for one in self.samples.attempts if one.started_at]
        yield "Scenarios", [self._attempt(one) for one in attempts]
        yield "Connection", list(self._connection(attempts))
        yield from self._watched()
        windows = self.samples.windows
        if windows:
            spans = [self._span(one.starts_at, one.ends_at, "sim", one.why) for one in windows]
            yield "Planned faults", spans

    def _span(
        self, first: datetime, last: datetime | None, tone: str, title: str, url: str = ""
    ) -> Span:
        start, end = self.axis.second(first), self.axis.second(last or self.end)
        return Span(start, end, tone, f"{title}, {start:.1f} s to {end:.1f} s", url)

    def _attempt(self, one: Attempt) -> Span:
        state = AttemptState(one.state)
        again = f" #{one.number}" if one.number > 1 else ""
        title = f"{one.scenario}{again} {one.title}: {state.label.lower()}"
        assert one.started_at is not None
        # A row that was fetched through its session knows it, and asks no more for it.
        one.session = self.session
        url = one.get_absolute_url()
        tone = TONES.get(one.shown_state, "bad")
        return self._span(one.started_at, one.ended_at, tone, title, url)

    def _connection(self, attempts: Sequence[Attempt]) -> Iterator[Span]:
        lines = list(
            self.session.log_lines.filter(source="gateway")
            .select_related("attempt")
            .order_by("pk")[:MOST_LINES]
        )
        seen: dict[int, datetime] = {}
        for line in lines:
            if line.message.startswith("Connected") and line.attempt_id is not None:
                seen.setdefault(line.attempt_id, line.at)
        for one in attempts:
            if one.pk in seen:
                yield self._span(seen[one.pk], one.ended_at, "ok", f"Connected for {one.scenario}")
        for away in outages(lines, self.end):
            planned = away.planned or self.samples.provoked(away.starts)
            tone, what = ("sim", "Lost as planned") if planned else ("bad", "Lost")
            yield self._span(away.starts, away.ends, tone, what)

    def _watched(self) -> Iterator[tuple[str, list[Span]]]:
        """Give a lane for each part of the connection that the session watch follows."""
        # A scenario's desk is closed when it ends: the lane above tells that from a loss.
        events = list(
            ConnectionEvent.objects.filter(session=self.session)
            .exclude(lane="scenario")
            .order_by("pk")[:MOST_LINES]
        )
        for name in dict.fromkeys(event.lane for event in events):
            own = [event for event in events if event.lane == name]
            ends = [*(event.at for event in own[1:]), self.end]
            spans = [self._state(*pair) for pair in zip(own, ends, strict=True)]
            yield f"Watch: {name}", spans

    def _state(self, event: ConnectionEvent, until: datetime) -> Span:
        tone = LANE_TONES.get(event.state, "warn")
        tone = "sim" if event.planned and tone in {"bad", "warn"} else tone
        code = f" ({event.code})" if event.code else ""
        return self._span(event.at, until, tone, f"{event.get_state_display()}{code}")

    def _order_spans(self) -> Iterator[Span]:
        for one in self.samples.seen:
            title = f"{one.order} of {one.order.whose}: {one.status}"
            yield self._span(one.order.seen_at, one.ended_at, one.tone, title)
        for order in self.samples.orders:
            tone = ORDER_TONES.get((order.aim, order.state), "bad")
            tone = "info" if order.state in WORKING else tone
            title = f"{order} {order.state.lower().replace('_', ' ')}"
            yield self._span(order.created_at, _order_end(order), tone, title)


def _order_end(order: OrderRecord) -> datetime | None:
    """Return when the order was filled, or ended otherwise; None while it works."""
    if order.filled_ms is not None:
        return order.created_at + timedelta(milliseconds=(order.held_ms or 0) + order.filled_ms)
    return order.ended_at


def _of(samples: Sequence[Sample], kind: str) -> list[Sample]:
    return [one for one in samples if one.kind == kind]


def _summary(kind: SampleKind, group: Sequence[Sample]) -> Summary:
    timed = [one.timed for one in group]
    enough = len(timed) >= 20
    return Summary(
        name=kind.label,
        n=len(timed),
        p50=percentile(timed, 50).value,
        p95=percentile(timed, 95).value,
        p99=percentile(timed, 99).value if enough else None,
        longest=percentile(timed, 100).value,
        unanswered=sum(one.censored for one in timed),
    )
