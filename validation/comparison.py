"""Compare a session with an earlier one: what changed in it, and what that did to the results.

Pure: both sessions come as `Run`s, and nothing is read or written.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import fmean
from typing import Any

from validation.configuration import Change, diff
from validation.models.run import AttemptState
from validation.statistics import NOTHING, Interval, mean_interval
from validation.verdicts import BAD

UNKNOWN = "unknown"


class Standing(StrEnum):
    """How a scenario stands against the earlier session."""

    FLAKY = "flaky"
    NEW = "new failure"
    STILL_FAILING = "still failing"
    NOT_RUN = "not run now"
    REMOVED = "removed"
    ADDED = "added"
    FIXED = "fixed"
    SAME = "same"


ORDER = tuple(Standing)


@dataclass(frozen=True)
class Outcome:
    """How one attempt ended, and what its checks said: name → (whether it holds, what was seen)."""

    state: str
    checks: Mapping[str, tuple[bool, str]] = field(default_factory=dict)

    @property
    def bad(self) -> bool:
        """Whether it failed, timed out or ended in error."""
        return self.state in BAD

    @property
    def passed(self) -> bool:
        """Whether it passed."""
        return self.state == AttemptState.PASSED


@dataclass(frozen=True)
class ScenarioRun:
    """A scenario in one session: its attempts in their order; the last one counts."""

    id: str
    title: str
    version: str
    outcomes: Sequence[Outcome]

    @property
    def last(self) -> Outcome:
        """The attempt that counts."""
        return self.outcomes[-1]

    @property
    def amber(self) -> bool:
        """Whether it passed, but not at the first attempt: that is never green."""
        return self.last.passed and any(outcome.bad for outcome in self.outcomes[:-1])

    @property
    def word(self) -> str:
        """The outcome in a word or three."""
        if self.amber:
            return "Passed on retry"
        return AttemptState(self.last.state).label


@dataclass(frozen=True)
class Measured:
    """A metric of a session: its values, or one value with the interval that came with it."""

    unit: str
    values: Sequence[float]
    given: Interval | None = None
    samples: int | None = None

    @property
    def n(self) -> int:
        """How many samples stand behind it."""
        return len(self.values) if self.samples is None else self.samples

    @property
    def mean(self) -> float | None:
        """The average; None without a value."""
        return fmean(self.values) if self.values else None

    @property
    def interval(self) -> Interval:
        """The 95 % interval: as given, else Student's of the values."""
        return self.given or mean_interval(self.values)


@dataclass(frozen=True)
class Run:
    """A session as it is compared."""

    number: str
    kind: str
    build: str
    config_number: int
    config_sha256: str
    config: Mapping[str, Any]
    seed: int | None
    scenarios: Mapping[str, ScenarioRun]
    metrics: Mapping[str, Measured]


@dataclass(frozen=True)
class ScenarioChange:
    """A scenario in both sessions; None on the side that lacks it."""

    id: str
    standing: Standing
    before: ScenarioRun | None
    after: ScenarioRun | None
    checks: Sequence[Change] = ()

    @property
    def title(self) -> str:
        """The newer of its titles."""
        found = self.after or self.before
        return found.title if found else ""

    @property
    def version_changed(self) -> bool:
        """Whether the scenario itself is another one now."""
        if self.before is None or self.after is None:
            return False
        return self.before.version != self.after.version


@dataclass(frozen=True)
class MetricChange:
    """A metric of both sessions; `apart` says that the two intervals do not overlap."""

    name: str
    unit: str
    before: Measured | None
    after: Measured | None

    @property
    def ratio(self) -> float | None:
        """The new average over the old one; None when there is no telling."""
        old = self.before.mean if self.before else None
        new = self.after.mean if self.after else None
        return new / old if old and new is not None else None

    @property
    def apart(self) -> bool | None:
        """Whether chance alone hardly explains the difference; None without two intervals."""
        if self.before is None or self.after is None:
            return None
        old, new = self.before.interval, self.after.interval
        if NOTHING in (old, new):
            return None
        return _above(new.low, old.high) or _above(old.low, new.high)


def _above(low: float | None, high: float | None) -> bool:
    return low is not None and high is not None and low > high


@dataclass(frozen=True)
class Comparison:
    """What changed from one session to another."""

    before: Run
    after: Run
    config: Sequence[Change]
    scenarios: Sequence[ScenarioChange]
    metrics: Sequence[MetricChange]

    @property
    def build_changed(self) -> bool:
        """Whether the code is another version."""
        return self.before.build != self.after.build

    @property
    def thresholds(self) -> list[Change]:
        """The limits that changed."""
        return [change for change in self.config if change.path.startswith("thresholds.")]

    @property
    def settings(self) -> list[Change]:
        """The rest of the configuration that changed."""
        return [change for change in self.config if not change.path.startswith("thresholds.")]

    @property
    def versions(self) -> list[ScenarioChange]:
        """The scenarios whose own code changed."""
        return [change for change in self.scenarios if change.version_changed]

    def standing(self, standing: Standing) -> list[ScenarioChange]:
        """Return the scenarios that stand so."""
        return [change for change in self.scenarios if change.standing == standing]

    def counts(self) -> list[tuple[Standing, int]]:
        """Return how many scenarios stand how, the gravest first, none of zero."""
        found = [(standing, len(self.standing(standing))) for standing in ORDER]
        return [pair for pair in found if pair[1]]


def compare(before: Run, after: Run) -> Comparison:
    """Return what changed from `before` to `after`; scenarios by how they stand, then by id."""
    ids = sorted({*before.scenarios, *after.scenarios})
    changes = [_scenario(before, after, name) for name in ids]
    changes.sort(key=lambda change: (ORDER.index(change.standing), change.id))
    return Comparison(
        before, after, diff(before.config, after.config), changes, list(_metrics(before, after))
    )


def _scenario(before: Run, after: Run, name: str) -> ScenarioChange:
    old, new = before.scenarios.get(name), after.scenarios.get(name)
    comparable = same_trial(before, after, name)
    standing = _standing(old, new, comparable=comparable)
    return ScenarioChange(name, standing, old, new, list(_checks(old, new)))


def same_trial(before: Run, after: Run, name: str) -> bool:
    """Whether both ran a scenario alike: same build, configuration, scenario version and seed."""
    old, new = before.scenarios.get(name), after.scenarios.get(name)
    if old is None or new is None or UNKNOWN in (before.build, after.build):
        return False
    return (before.build, before.config_sha256, before.seed, old.version) == (
        after.build, after.config_sha256, after.seed, new.version,
    )  # fmt: skip


def _standing(old: ScenarioRun | None, new: ScenarioRun | None, *, comparable: bool) -> Standing:
    if new is None:
        return Standing.REMOVED
    outcomes = [*(old.outcomes if old and comparable else ()), *new.outcomes]
    if _both(outcomes):
        return Standing.FLAKY
    if old is None:
        return Standing.ADDED
    if new.last.bad:
        return Standing.STILL_FAILING if old.last.bad else Standing.NEW
    if not new.last.passed:
        return Standing.NOT_RUN if old.last.passed or old.last.bad else Standing.SAME
    return Standing.FIXED if old.last.bad else Standing.SAME


def _both(outcomes: Sequence[Outcome]) -> bool:
    return any(one.passed for one in outcomes) and any(one.bad for one in outcomes)


def _checks(old: ScenarioRun | None, new: ScenarioRun | None) -> Iterator[Change]:
    """Yield the checks of the attempts that count whose result differs, or that one side lacks."""
    if old is None or new is None:
        return
    first, second = old.last.checks, new.last.checks
    for name in [*first, *(name for name in second if name not in first)]:
        was, now = first.get(name), second.get(name)
        if was is None or now is None or was[0] != now[0]:
            yield Change(name, _check_word(was), _check_word(now))


def _check_word(check: tuple[bool, str] | None) -> str | None:
    if check is None:
        return None
    return f"{'passed' if check[0] else 'failed'}: {check[1]}"


def _metrics(before: Run, after: Run) -> Iterator[MetricChange]:
    for name in sorted({*before.metrics, *after.metrics}):
        old, new = before.metrics.get(name), after.metrics.get(name)
        units = [found.unit for found in (new, old) if found is not None]
        yield MetricChange(name, units[0], old, new)
