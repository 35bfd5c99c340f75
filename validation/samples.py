"""The raw samples behind a session's metrics: stored ones, and what orders and figures tell."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from operator import attrgetter

from django.db.models import Q
from django.utils import timezone

from brokerage.clock import SessionClock
from brokerage.models import OrderEvent, OrderRecord
from validation import observed, outages
from validation.configuration import Config, read
from validation.models import Attempt, FaultWindow, LatencySample, LogLine, SampleKind, Session
from validation.observation import SCENARIO
from validation.observed import Seen
from validation.pacing import PACING_CODES
from validation.statistics import Timed

K = SampleKind
STATE = OrderRecord.State
FROM_THE_WISH = (K.PLACE, K.FILL)
NOT_SENT = (STATE.INTENT, STATE.REFUSED)
# Figures of scenarios that are samples of their own: the end of their name, what they time, and
# how many milliseconds their unit has.
FIGURES = (
    ("server_time_rtt_ms", K.CONNECTION, 1.0),
    ("order_status_ms", K.ROUND_TRIP, 1.0),
    ("quote_age_s", K.QUOTE_AGE, 1000.0),
    ("_age_s", K.QUOTE_AGE, 1000.0),
)


@dataclass(frozen=True)
class Sample:
    """One duration in real milliseconds that began at `at`.

    A censored one had not ended after `ms`; a planned one began while a fault was provoked on
    purpose, and judges nobody. `about` says where it comes from.
    """

    kind: str
    at: datetime
    ms: float
    censored: bool
    planned: bool
    scenario: str
    about: str

    @property
    def timed(self) -> Timed:
        """What statistics need of it."""
        return Timed(self.ms, self.censored)


def meant_to_fill(order: OrderRecord) -> bool:
    """Say whether an order counts in fill rate and fill time: no clean-up, nothing that rests."""
    return order.aim == "FILL" and order.purpose == "TEST"


class Samples:
    """A session's samples by kind; reads the database lazily, with a bounded number of queries.

    Whoever has read the session's attempts (with their metrics) and fault windows passes them on.
    """

    def __init__(
        self,
        session: Session,
        config: Config | None = None,
        *,
        attempts: Sequence[Attempt] | None = None,
        windows: Sequence[FaultWindow] | None = None,
    ) -> None:
        self.session = session
        self.config = config or read(session.config.content)
        self._known = attempts, windows
        self._clock = SessionClock(session.speed)

    @cached_property
    def orders(self) -> list[OrderRecord]:
        """The session's own orders that were sent, the oldest first.

        Those of a second client, which a drill lets trade behind our back, are not its own.
        """
        sent = OrderRecord.objects.filter(scope=self.session.number)
        kept = sent.exclude(state__in=NOT_SENT).exclude(ref__endswith="/outside")
        return list(kept.order_by("pk"))

    @cached_property
    def attempts(self) -> Sequence[Attempt]:
        """Every attempt, with its metrics."""
        known = self._known[0]
        return list(self.session.attempts.prefetch_related("metrics")) if known is None else known

    @cached_property
    def windows(self) -> Sequence[FaultWindow]:
        """The spans in which faults were provoked."""
        known = self._known[1]
        return list(self.session.fault_windows.all()) if known is None else known

    def provoked(self, at: datetime) -> bool:
        """Say whether a moment lies in a span in which a fault was provoked."""
        return any(window.starts_at <= at <= window.ends_at for window in self.windows)

    @cached_property
    def connection(self) -> outages.Connection:
        """What is known of the gateway's uptime and of each loss."""
        return outages.of(self.session, self.provoked, self.lines)

    @cached_property
    def lines(self) -> list[LogLine]:
        """The log lines that say something of connections, pacing and errors."""
        wanted = (
            Q(source="gateway")
            | Q(level__in=["ERROR", "CRITICAL"])
            | Q(code__in=PACING_CODES)
            | Q(source="broker", message__icontains="pacing")
        )
        found = self.session.log_lines.filter(wanted).select_related("attempt")
        return list(found.order_by("pk"))

    @cached_property
    def all(self) -> list[Sample]:
        """Every sample, in the order of its beginning."""
        found = [*self._stored(), *self._figures(), *self._of_orders(), *self._of_observed()]
        return sorted(found, key=lambda one: (one.at, one.kind, one.about, one.ms))

    def of(self, *kinds: str) -> list[Sample]:
        """Return the samples of these kinds, provoked ones included."""
        return [one for one in self.all if one.kind in kinds]

    def judged(self, kind: str) -> list[Timed]:
        """Return what the metrics rest on: the samples of a kind that nobody provoked."""
        return [one.timed for one in self.of(kind) if not one.planned]

    def _stored(self) -> Iterator[Sample]:
        rows = LatencySample.objects.filter(attempt__session=self.session)
        for row in rows.select_related("attempt").order_by("pk"):
            planned = row.planned or self.provoked(row.at)
            scenario = row.attempt.scenario
            yield Sample(row.kind, row.at, row.ms, row.censored, planned, scenario, "sample")

    def _figures(self) -> Iterator[Sample]:
        rows = [row for attempt in self.attempts for row in attempt.metrics.all()]
        for row in sorted(rows, key=attrgetter("pk")):
            for ending, kind, factor in FIGURES:
                if row.name.endswith(ending):
                    yield Sample(
                        kind, row.at, row.value * factor, False, self.provoked(row.at),
                        row.attempt.scenario, f"figure {row.name}",
                    )  # fmt: skip
                    break

    def _of_orders(self) -> Iterator[Sample]:
        for order in self.orders:
            planned = self.provoked(order.created_at)
            scenario = [*order.ref.split("/"), ""][1]
            for kind, ms, limit in self._times(order):
                held = (order.held_ms or 0.0) if kind in FROM_THE_WISH else 0.0
                value = held + (limit if ms is None else ms)
                yield Sample(
                    kind, order.created_at, value, ms is None, planned, scenario,
                    f"order {order.order_id}",
                )  # fmt: skip

    @cached_property
    def seen(self) -> list[Seen]:
        """The orders of others that an observing session saw being sent."""
        return observed.sent(self.session) if self.session.observes else []

    def _of_observed(self) -> Iterator[Sample]:
        until = self.session.ended_at or timezone.now()
        for one, ms, censored in observed.fill_times(self.seen, until):
            began = one.order.absent_at or one.order.seen_at
            about = f"order of {one.order.whose}"
            yield Sample(K.FILL, began, ms, censored, self.provoked(began), SCENARIO, about)

    def _times(self, order: OrderRecord) -> Iterator[tuple[str, float | None, float]]:
        """Give kind, milliseconds or None, and how long an order without an answer was waited for.

        A rejection is an answer of another kind: such an order has no time of acknowledgement.
        """
        limits = self.config.thresholds
        if order.acked_ms is not None or order.state != STATE.REJECTED:
            waited = self._waited(order.pk, limits.order_ack_seconds)
            yield K.PLACE, order.acked_ms, waited
            yield K.WIRE, order.acked_ms, waited
        if order.pk in self._cancelled and (order.cancel_acked_ms or order.state != STATE.FILLED):
            yield K.CANCEL, order.cancel_acked_ms, self._real(limits.cancel_timeout_seconds)
        if meant_to_fill(order) and order.state != STATE.REJECTED:
            yield K.FILL, order.filled_ms, self._open_for(order)

    def _open_for(self, order: OrderRecord) -> float:
        if order.ended_at is not None:
            return (order.ended_at - order.created_at).total_seconds() * 1000
        return self._real(self.config.thresholds.order_fill_timeout_seconds)

    def _waited(self, pk: int, default: float) -> float:
        if pk in self._lost:
            return 0.0
        return self._real(self._unanswered.get(pk, default))

    def _real(self, seconds: float) -> float:
        return self._clock.wall(seconds) * 1000

    @cached_property
    def _events(self) -> dict[str, dict[int, dict[str, object]]]:
        kinds = (STATE.NO_RESPONSE, STATE.CANCEL_PENDING, STATE.UNKNOWN)
        rows = OrderEvent.objects.filter(order__scope=self.session.number, kind__in=kinds)
        found: defaultdict[str, dict[int, dict[str, object]]] = defaultdict(dict)
        for kind, pk, detail in rows.values_list("kind", "order_id", "detail"):
            found[kind].setdefault(pk, detail)
        return found

    @property
    def _cancelled(self) -> dict[int, dict[str, object]]:
        return self._events[STATE.CANCEL_PENDING]

    @property
    def _lost(self) -> dict[int, dict[str, object]]:
        return self._events[STATE.UNKNOWN]

    @cached_property
    def _unanswered(self) -> dict[int, float]:
        """How many session seconds the first word of an order was waited for."""
        waits = self._events[STATE.NO_RESPONSE].items()
        return {
            pk: float(limit)
            for pk, detail in waits
            if isinstance(limit := detail.get("limit_s"), (int, float))
        }
