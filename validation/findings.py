"""The session watch's findings as people read them: one row for each thing that was seen."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from validation.configuration import Config
from validation.models import Finding, Phase, Session, Severity

TWO_HOURS = "X-02"  # waits until the watch beside the session has seen enough
# The watch ends with the scenarios: nothing that comes later adds to what it has seen.
SHORTER = (
    "The watch ended with the scenarios. Write an exception with its risk here, which the QA Lead "
    'acknowledges; a session started with "Watch for two hours" (X-02) shows them.'
)
BLOCKING = (Severity.ERROR, Severity.CRITICAL)
ORDER = (Severity.CRITICAL, Severity.ERROR, Severity.WARNING)


@dataclass(frozen=True)
class Row:
    """One thing that was seen `count` times from `first` to `last`; `over` says that it passed."""

    kind: str
    subject: str
    severity: str
    text: str
    do: str
    planned: bool
    first: datetime
    last: datetime
    scenario: str = ""
    count: int = 1
    over: bool = False

    @property
    def name(self) -> str:
        """Its kind in words."""
        return self.kind.replace("_", " ")

    @property
    def differs(self) -> bool:
        """Whether it is a difference to the broker, which has a page of its own."""
        return self.kind.startswith("difference_")

    @property
    def blocks(self) -> bool:
        """Whether it keeps the session from being submitted."""
        return not self.planned and self.severity in BLOCKING


def summarise(session: Session) -> list[Row]:
    """Return what was seen, the gravest first; what was provoked comes last."""
    rows: dict[tuple[str, str, bool], Row] = {}
    for sighting in session.findings.select_related("attempt"):
        key = sighting.kind, sighting.subject, sighting.planned
        rows[key] = _add(rows.get(key), sighting)
    return sorted(
        rows.values(), key=lambda row: (row.planned, ORDER.index(Severity(row.severity)), row.first)
    )


def _add(row: Row | None, sighting: Finding) -> Row:
    began = sighting.phase == Phase.BEGAN
    if row is None:
        scenario = sighting.attempt.scenario if sighting.attempt else ""
        return Row(
            sighting.kind, sighting.subject, sighting.severity, sighting.text, sighting.do,
            sighting.planned, sighting.at, sighting.at, scenario,
            over=sighting.phase == Phase.OVER,
        )  # fmt: skip
    worse = min(row.severity, sighting.severity, key=lambda one: ORDER.index(Severity(one)))
    return replace(
        row, text=sighting.text, severity=worse, last=sighting.at, count=row.count + began,
        over=sighting.phase == Phase.OVER,
    )  # fmt: skip


def content(session: Session) -> list[dict[str, Any]]:
    """Return the rows as plain values, for a manifest or a file."""
    return [
        {
            "kind": row.kind,
            "subject": row.subject,
            "severity": row.severity,
            "text": row.text,
            "do": row.do,
            "planned": row.planned,
            "scenario": row.scenario,
            "first": row.first,
            "last": row.last,
            "count": row.count,
            "over": row.over,
        }
        for row in summarise(session)
    ]


def blockers(rows: Iterable[Row]) -> Iterator[str]:
    """Yield what the watch has seen that speaks against a signature, a sentence each."""
    for row in rows:
        if row.blocks:
            again = f" ({row.count} times)" if row.count > 1 else ""
            yield f"The session watch found{again}: {row.text}"


def failures(session: Session) -> int:
    """Count what keeps the session from being submitted."""
    return sum(row.blocks for row in summarise(session))


def watched(session: Session, config: Config) -> tuple[bool | None, str]:
    """Say whether the session was watched for long enough without a failure, and in words.

    On a simulated gateway the seconds are those of its clock, and only told: two hours are asked of
    a paper gateway. None when nobody watched.
    """
    figures = session.facts.get("watch")
    if not figures:
        return None, "the session was not watched"
    bad, seconds = failures(session), figures["regular_s"]
    text = f"{seconds:,.0f} s watched in regular hours, {bad} failures"
    if session.simulated:
        return not bad, f"{text} (of the simulated clock)"
    least = config.validation.min_session_duration
    asked = f"{text}, {least:,.0f} s are asked for"
    return not bad and seconds >= least, asked if seconds >= least else f"{asked}. {SHORTER}"
