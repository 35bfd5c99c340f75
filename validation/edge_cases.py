"""How well the seventeen edge cases are covered: computed from attempts, never typed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db.models import Max

from validation.models import Attempt, AttemptState, SessionKind
from validation.scenarios.catalogue import Category, Definition


class Coverage(StrEnum):
    """How much of a case the newest attempts show."""

    FULL = "FULL"
    PARTIAL = "PARTIAL"
    MANUAL = "MANUAL"
    NONE = "NONE"


@dataclass(frozen=True)
class EdgeCase:
    """What may go wrong, what is to happen then, and what only a procedure shows of it.

    `beyond` names the procedures without which the case is covered in part, and says why.
    """

    number: int
    title: str
    expected: str
    beyond: tuple[str, ...] = ()
    why: str = ""


CASES = tuple(
    EdgeCase(number, *texts)  # type: ignore[arg-type]
    for number, texts in enumerate(
        (
            ("Gateway unavailable at the start", "Fail gracefully, try again after 1, 2 and 4 s"),
            ("Disconnect in mid-session", "Notice it, protect pending orders, alert, reconnect"),
            (
                "Authentication fails", "Fail fast in clear words, no endless retry", ("X-04",),
                "The scenario classifies the error; a real bad login needs a person",
            ),
            (
                "Stale data outside hours", "Notice what is older than 5 s, do not trade",
                ("X-05",), "The scenario moves times back; really stale data come after hours",
            ),
            ("Bid or ask missing", "Skip the decision, warn about the quality of data"),
            ("Historical request above 30 s", "Give it up, log it, block nothing"),
            ("Contract cannot be qualified", "Contract not found: skip it and log it"),
            ("Insufficient buying power", "Refused, logged, not tried again"),
            (
                "Partial fill", "Track it, adjust, log", ("X-11",),
                "The scenario replays one; a real one comes when the market gives it",
            ),
            ("Cancel after fill", "Accept the fill, update the position"),
            ("Duplicate submission", "Unique ids, both tracked, the size counts both"),
            ("Position mismatch", "Reconcile at the start and every 60 s; the broker is right"),
            ("Closing order does not fill", "Try nearer to the mid, 3 attempts, then a person"),
            ("Rate limit of 50 messages a second", "Back off 2, 4 and 8 s, log"),
            ("Clock drift", "Notice it, warn, suggest NTP"),
            (
                "Memory over six hours", "Below 500 MB, no leak", ("X-01", "X-11"),
                "The scenario watches five minutes; a soak takes six hours",
            ),
            ("Buffer overflow", "Snapshots only, managed streams"),
        ),
        start=1,
    )
)  # fmt: skip


@dataclass(frozen=True)
class Evidence:
    """A scenario or procedure that speaks for a case, and its newest attempt that has ended."""

    id: str
    title: str
    core: bool
    attempt: Attempt | None

    @property
    def passed(self) -> bool:
        """Whether that attempt passed."""
        return self.attempt is not None and self.attempt.state == AttemptState.PASSED

    @property
    def failed(self) -> bool:
        """Whether that attempt ended without passing."""
        return self.attempt is not None and not self.passed

    @property
    def simulated(self) -> bool:
        """Whether it was seen at a simulated gateway."""
        return self.attempt is not None and self.attempt.session.simulated


@dataclass(frozen=True)
class Line:
    """One case of the matrix."""

    case: EdgeCase
    evidence: tuple[Evidence, ...]

    @property
    def coverage(self) -> Coverage:
        """Full when all that speaks for the case has passed in its newest attempt.

        A core scenario alone covers in part what only a procedure can complete; a procedure
        alone is evidence by hand. A procedure need not have been gone through, but for those that
        complete the case; one that failed speaks against it.
        """
        core = [one.passed for one in self.evidence if one.core]
        beyond = [one.passed for one in self.evidence if not one.core]
        whole = core and all(core) and (not self.case.beyond or any(beyond))
        if whole and not any(one.failed for one in self.evidence):
            return Coverage.FULL
        if any(core):
            return Coverage.PARTIAL
        return Coverage.MANUAL if any(beyond) else Coverage.NONE

    @property
    def newest(self) -> Attempt | None:
        """The newest attempt that speaks for the case, passed or not."""
        attempts = [one.attempt for one in self.evidence if one.attempt is not None]
        return max(attempts, key=lambda attempt: attempt.pk, default=None)

    @property
    def simulated_only(self) -> bool:
        """Whether everything that passed was seen at a simulated gateway."""
        passed = [one.simulated for one in self.evidence if one.passed]
        return bool(passed) and all(passed)


def matrix(definitions: Sequence[Definition], newest: Mapping[str, Attempt]) -> list[Line]:
    """Return a line for each case; `newest` holds each scenario's newest ended attempt."""
    return [Line(case, tuple(_evidence(case, definitions, newest))) for case in CASES]


def _evidence(
    case: EdgeCase, definitions: Sequence[Definition], newest: Mapping[str, Attempt]
) -> Iterable[Evidence]:
    claimed = [one for one in definitions if case.number in one.cases]
    # What a package's scenario says of a case is its own affair.
    speaking = [one for one in claimed if one.core or one.category == Category.X]
    for one in speaking:
        yield Evidence(one.id, one.title, one.core, newest.get(one.id))
    known = {one.id: one for one in definitions}
    for name in case.beyond:
        if name not in {one.id for one in speaking}:
            title = known[name].title if name in known else "Procedure"
            yield Evidence(name, title, False, newest.get(name))


def newest_attempts() -> dict[str, Attempt]:
    """Return each scenario's newest attempt that has ended with a verdict.

    One that was imported ran elsewhere: what its file says of itself, nobody here has seen.
    """
    ended = Attempt.objects.exclude(state__in=UNDECIDED)
    ended = ended.exclude(session__kind=SessionKind.IMPORTED)
    rows = ended.values("scenario").annotate(newest=Max("pk")).values("newest")
    found = Attempt.objects.filter(pk__in=rows).select_related("session")
    return {attempt.scenario: attempt for attempt in found}


UNDECIDED = (
    AttemptState.PENDING, AttemptState.RUNNING, AttemptState.SKIPPED, AttemptState.ABORTED,
)  # fmt: skip


def content(definitions: Sequence[Definition], attempts: Iterable[Attempt]) -> list[dict[str, Any]]:
    """Return the matrix of one session's attempts as plain data, for its report."""
    newest = {one.scenario: one for one in attempts if one.state not in UNDECIDED}
    return [
        {
            "case": line.case.number,
            "title": line.case.title,
            "coverage": line.coverage.value,
            "evidence": {one.id: one.attempt.state for one in line.evidence if one.attempt},
            "why": line.case.why if line.coverage == Coverage.PARTIAL else "",
        }
        for line in matrix(definitions, newest)
    ]
