"""Everything that is known of a session, read once for the rules, the report and the manifest."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from statistics import fmean

from django.utils import timezone

from brokerage.calendar import ET
from brokerage.models import AccountProof, Execution, OrderRecord
from validation import findings, metrics
from validation.configuration import Config, read
from validation.judging import Row
from validation.models import (
    Acknowledgement,
    Attempt,
    AttemptState,
    Check,
    FaultWindow,
    LogLine,
    Metric,
    PreflightRun,
    SampleKind,
    Session,
    Upload,
    Verdict,
)
from validation.models.session import STOPPED
from validation.samples import Samples
from validation.scenarios.catalogue import Category

# The samples behind the averages of the report, and how many milliseconds their unit has.
AVERAGES = {
    "latency": (SampleKind.CONNECTION, 1.0),
    "fill": (SampleKind.FILL, 1.0),
    "quote_age": (SampleKind.QUOTE_AGE, 1000.0),
}

# What a preflight found and a session may still start with: a person says what follows from it.
METRIC = "metric:"
DOUBTFUL = (Verdict.WARN, Verdict.UNKNOWN, Verdict.ATTEST)


@dataclass(frozen=True)
class Average:
    """The average of all unprovoked samples of a kind; an open-ended one is a lower bound."""

    mean: float
    longest: float
    n: int
    open_ended: bool

    def below(self, limit: float) -> bool:
        """Say whether it is known to be below a limit."""
        return self.mean < limit and not self.open_ended


@dataclass(frozen=True)
class Warned:
    """A warning of a session, under the name by which it is acknowledged, and by whom it was.

    The acknowledgement of a metric expires; it stays to be read, and counts as none.
    """

    key: str
    title: str
    text: str
    acknowledged: Acknowledgement | None

    @property
    def expires(self) -> bool:
        """Whether it is a metric's, and must be acknowledged with a last day."""
        return self.key.startswith(METRIC)

    @property
    def expired(self) -> bool:
        """Whether the last day of its acknowledgement is over, in New York."""
        said = self.acknowledged
        if said is None or said.expires_on is None:
            return False
        return said.expires_on < timezone.now().astimezone(ET).date()

    @property
    def open(self) -> bool:
        """Whether a person must still say what follows from it, or say so again."""
        return self.acknowledged is None or self.expired


def _place(attempt: Attempt) -> tuple[int, str, str, int]:
    """Return the attempt's place in the catalogue; no database sorts text like another."""
    known = [category.value for category in Category]
    group = known.index(attempt.category) if attempt.category in known else len(known)
    return group, attempt.category, attempt.scenario, attempt.number


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
        """Every attempt with checks and metrics, in the order of the catalogue, then by number."""
        rows = self.session.attempts.prefetch_related("checks", "metrics")
        return sorted(rows, key=_place)

    @cached_property
    def latest(self) -> dict[str, Attempt]:
        """The last attempt at each scenario: the one that counts."""
        return {attempt.scenario: attempt for attempt in self.all_attempts}

    @property
    def counted(self) -> list[Attempt]:
        """The attempts that count, in the order of the catalogue."""
        return list(self.latest.values())

    @cached_property
    def checks(self) -> list[Check]:
        """The checks of the attempts that count."""
        rows = [check for attempt in self.counted for check in attempt.checks.all()]
        return sorted(rows, key=lambda check: (_place(check.attempt), check.position))

    def checks_of(self, attempt: Attempt) -> list[Check]:
        """Return the checks of one of the attempts that count."""
        return [check for check in self.checks if check.attempt_id == attempt.pk]

    @cached_property
    def metrics(self) -> list[Metric]:
        """The metrics of the attempts that count."""
        rows = [metric for attempt in self.counted for metric in attempt.metrics.all()]
        return sorted(rows, key=lambda metric: (_place(metric.attempt), metric.pk))

    @cached_property
    def log_lines(self) -> list[LogLine]:
        """The whole log."""
        return list(self.session.log_lines.select_related("attempt").order_by("pk"))

    @cached_property
    def windows(self) -> list[FaultWindow]:
        """The spans in which faults were provoked, the earliest first."""
        return list(self.session.fault_windows.select_related("attempt"))

    def provoked(self, at: datetime) -> bool:
        """Say whether a moment (aware) lies in a span in which a fault was provoked."""
        return any(window.starts_at <= at <= window.ends_at for window in self.windows)

    def planned(self, line: LogLine) -> bool:
        """Say whether a log line tells of something that was provoked."""
        return line.planned or self.provoked(line.at)

    @cached_property
    def warnings(self) -> list[Warned]:
        """What only warns: checks that are not required, and findings of the last preflight.

        What the preflight could not find out, and what nobody has answered, warns as well. So does
        each metric that is not shown to keep its limit (shared statistics).
        """
        return [*self._warned_checks(), *self._warned_findings(), *self._warned_metrics()]

    @property
    def open_warnings(self) -> list[Warned]:
        """The warnings that nobody has acknowledged, or not up to today."""
        return [warned for warned in self.warnings if warned.open]

    @cached_property
    def judged_metrics(self) -> list[Row]:
        """The session's planned metrics, judged: what is wrong comes first."""
        return metrics.rows(self.session, self.samples)

    @cached_property
    def doubtful_metrics(self) -> list[Row]:
        """The metrics that a signature must not pass over: none before the end, or unless full."""
        session = self.session
        if session.ended_at is None or not session.approvable:
            return []
        return [row for row in self.judged_metrics if row.doubtful]

    @cached_property
    def failed_metrics(self) -> list[Row]:
        """The doubtful metrics that miss their limit: nobody's word stands against those.

        What a simulated gateway lets a machine take in time and memory is doubtful only.
        """
        rows = [row for row in self.doubtful_metrics if row.failed]
        return [row for row in rows if not (self.session.simulated and row.of_the_machine)]

    @cached_property
    def _acknowledged(self) -> dict[str, Acknowledgement]:
        said = self.session.acknowledgements.select_related("by")
        return {one.warning: one for one in said}

    def _warned_checks(self) -> Iterator[Warned]:
        for check in self.checks:
            if not check.required and not check.passed:
                key, title = f"check:{check.pk}", f"{check.attempt.scenario} {check.name}"
                text = f"Expected {check.expected}, found {check.actual}."
                yield Warned(key, title, text, self._acknowledged.get(key))

    @cached_property
    def preflight(self) -> PreflightRun | None:
        """The last preflight with its checks."""
        return self.session.preflights.prefetch_related("checks").order_by("number").last()

    @cached_property
    def seen(self) -> list[findings.Row]:
        """What the session watch has seen, the gravest first."""
        return findings.summarise(self.session)

    @property
    def trouble(self) -> str:
        """Why the session failed as a whole, whatever its scenarios did; empty if it did not."""
        if self.session.state in STOPPED:
            return self.session.outcome_reason or self.session.get_state_display()
        return " ".join(findings.blockers(self.seen))

    def _warned_findings(self) -> Iterator[Warned]:
        made = self.preflight.checks.all() if self.preflight else ()
        doubtful = [one for one in made if one.verdict in DOUBTFUL]
        attested = self.session.health_attestations.values_list("code", flat=True)
        said = set(attested) if doubtful else set()
        for one in doubtful:
            known = one.verdict == Verdict.WARN
            # A person's word answers what nobody knew, and hides nothing that was measured.
            if one.code in said and not known:
                continue
            text = one.finding if known else f"{one.get_verdict_display()}: {one.finding}"
            key = f"health:{one.pk}"
            yield Warned(key, f"{one.code} {one.title}", text, self._acknowledged.get(key))

    def _warned_metrics(self) -> Iterator[Warned]:
        for row in (one for one in self.doubtful_metrics if one not in self.failed_metrics):
            key = f"{METRIC}{row.code}"
            said = self._acknowledged.get(key)
            yield Warned(key, f"{row.code} {row.limit.name}", row.told, self._of_this_run(said))

    def _of_this_run(self, said: Acknowledgement | None) -> Acknowledgement | None:
        """Return it if scenarios have not run again since, which moves the figures."""
        ended = self.session.ended_at
        return said if said and ended and said.at >= ended else None

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

    @cached_property
    def samples(self) -> Samples:
        """The raw samples, which the metrics rest on as well."""
        return Samples(self.session, self.config, attempts=self.all_attempts, windows=self.windows)

    def average(self, name: str) -> Average | None:
        """Return the average latency (ms), fill (ms) or quote_age (s); None if never measured."""
        kind, unit = AVERAGES[name]
        found = self.samples.judged(kind)
        if not found:
            return None
        values = [one.value / unit for one in found]
        return Average(fmean(values), max(values), len(found), any(one.censored for one in found))

    def states(self) -> Sequence[str]:
        """Return the state of each scenario's last attempt."""
        return [attempt.state for attempt in self.latest.values()]

    def count(self, *states: AttemptState) -> int:
        """Count the scenarios whose last attempt is in one of the states."""
        return sum(attempt.state in states for attempt in self.latest.values())

    def unplanned(self, *levels: str) -> list[LogLine]:
        """Return the log lines of these levels that nobody provoked."""
        return [line for line in self.log_lines if line.level in levels and not self.planned(line)]
