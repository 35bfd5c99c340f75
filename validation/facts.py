"""Everything that is known of a session, read once for the rules, the report and the manifest."""

from collections.abc import Sequence
from functools import cached_property

from brokerage.models import AccountProof, Execution, OrderRecord
from validation.configuration import Config, read
from validation.models import Attempt, AttemptState, Check, LogLine, Metric, Session, Upload

# The metrics behind the figures of the report; a name may carry a prefix, such as a symbol.
FIGURES = {
    "latency": "server_time_rtt_ms",
    "fill": "place_to_fill_ms",
    "quote_age": "quote_age_s",
}


class Facts:
    """A session's stored results; reads the database lazily, each table once."""

    def __init__(self, session: Session) -> None:
        self.session = session

    @cached_property
    def config(self) -> Config:
        """The configuration the session is pinned to."""
        return read(self.session.config.content)

    @cached_property
    def all_attempts(self) -> list[Attempt]:
        """Every attempt, in the order of the catalogue, then by number."""
        return list(self.session.attempts.order_by("category", "scenario", "number"))

    @cached_property
    def latest(self) -> dict[str, Attempt]:
        """The last attempt at each scenario: the one that counts."""
        return {attempt.scenario: attempt for attempt in self.all_attempts}

    @cached_property
    def checks(self) -> list[Check]:
        """The checks of the attempts that count."""
        return list(
            Check.objects.filter(attempt__in=self.latest.values())
            .select_related("attempt")
            .order_by("attempt__scenario", "position")
        )

    @cached_property
    def metrics(self) -> list[Metric]:
        """The metrics of the attempts that count."""
        return list(
            Metric.objects.filter(attempt__in=self.latest.values())
            .select_related("attempt")
            .order_by("attempt__scenario", "pk")
        )

    @cached_property
    def log_lines(self) -> list[LogLine]:
        """The whole log."""
        return list(self.session.log_lines.select_related("attempt").order_by("pk"))

    @cached_property
    def orders(self) -> list[OrderRecord]:
        """The session's own orders, those that never left included."""
        return list(OrderRecord.objects.filter(scope=self.session.number).order_by("pk"))

    @cached_property
    def sent_orders(self) -> list[OrderRecord]:
        """The orders that went to the gateway."""
        kept_back = (OrderRecord.State.INTENT, OrderRecord.State.REFUSED)
        return [order for order in self.orders if order.state not in kept_back]

    @cached_property
    def executions(self) -> list[Execution]:
        """The session's fills."""
        return list(Execution.objects.filter(scope=self.session.number).order_by("pk"))

    @cached_property
    def proofs(self) -> list[AccountProof]:
        """The account proofs of the session's gateway while it ran."""
        session = self.session
        if session.started_at is None:
            return []
        found = AccountProof.objects.filter(
            endpoint=session.endpoint_id, at__gte=session.started_at
        )
        if session.ended_at is not None:
            found = found.filter(at__lte=session.ended_at)
        return list(found.order_by("pk"))

    @cached_property
    def upload(self) -> Upload | None:
        """The latest test report of the session's code version."""
        return Upload.objects.filter(commit=self.session.code_version, kind="TESTS").first()

    def values(self, name: str) -> list[float]:
        """Return every value of the named metric."""
        return [metric.value for metric in self.metrics if metric.name == name]

    def figure(self, name: str) -> list[float]:
        """Return the values behind a figure of the report: latency, fill or quote_age."""
        ending = FIGURES[name]
        return [
            metric.value
            for metric in self.metrics
            if metric.name == ending or metric.name.endswith(f"_{ending}")
        ]

    def states(self) -> Sequence[str]:
        """Return the state of each scenario's last attempt."""
        return [attempt.state for attempt in self.latest.values()]

    def count(self, *states: AttemptState) -> int:
        """Count the scenarios whose last attempt is in one of the states."""
        return sum(attempt.state in states for attempt in self.latest.values())

    def unplanned(self, *levels: str) -> list[LogLine]:
        """Return the log lines of these levels that nobody provoked."""
        return [line for line in self.log_lines if line.level in levels and not line.planned]
