"""What is wrong now: conditions that begin, go on and end, each told once and then seldom. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from validation.models.watching import Phase, Severity

# Session seconds: how often something that goes on is told again, and how long what was provoked
# may take to recover once nothing is provoked any more.
REPEAT_S, PATIENCE_S, GRACE_S = 60.0, 120.0, 20.0
Key = tuple[str, str]


@dataclass(frozen=True)
class Condition:
    """Something that is not as it should be, and what to do about it."""

    kind: str
    subject: str
    severity: Severity
    text: str
    do: str = ""

    @property
    def key(self) -> Key:
        """What makes two sightings the same condition."""
        return self.kind, self.subject


@dataclass(frozen=True)
class Sighting:
    """A condition at one moment; `planned` when somebody provoked it."""

    condition: Condition
    phase: Phase
    planned: bool
    note: str = ""

    @property
    def text(self) -> str:
        """What is told of it."""
        return f"{self.condition.text} {self.note}".strip()


@dataclass
class Provocation:
    """Whether somebody is provoking faults, or was until just now."""

    ended_at: float = float("-inf")
    now_on: bool = False
    grace_s: float = GRACE_S

    def hear(self, planned: bool, now: float) -> None:
        """Take in whether a fault is provoked at this moment."""
        if self.now_on and not planned:
            self.ended_at = now
        self.now_on = planned

    def covers(self, now: float) -> bool:
        """Whether what begins now counts as provoked."""
        return self.now_on or now - self.ended_at < self.grace_s

    def excuses(self, now: float) -> bool:
        """Whether what was provoked may still be there."""
        return self.now_on or now - self.ended_at < PATIENCE_S


@dataclass
class _Going:
    condition: Condition
    group: str
    since: float
    told: float
    planned: bool


class Conditions:
    """All conditions that hold now; times are session seconds."""

    def __init__(self) -> None:
        self._going: dict[Key, _Going] = {}
        self._events: set[Condition] = set()

    def judge(
        self, group: str, found: Iterable[Condition], now: float, provocation: Provocation
    ) -> list[Sighting]:
        """Take in everything that one judge finds now, and return what is to be told of it."""
        there = {condition.key: condition for condition in found}
        told = [
            sighting
            for condition in there.values()
            if (sighting := self._see(group, condition, now, provocation)) is not None
        ]
        gone = [key for key, one in self._going.items() if one.group == group and key not in there]
        return [*told, *(self._over(self._going.pop(key), now) for key in gone)]

    def once(
        self, found: Iterable[Condition], now: float, provocation: Provocation
    ) -> list[Sighting]:
        """Take in what happened and is no state; the same again is not told again."""
        new = [condition for condition in found if condition not in self._events]
        self._events.update(new)
        return [Sighting(one, Phase.BEGAN, provocation.covers(now)) for one in new]

    def _see(
        self, group: str, condition: Condition, now: float, provocation: Provocation
    ) -> Sighting | None:
        one = self._going.get(condition.key)
        if one is None or (one.planned and not provocation.excuses(now)):
            planned = one is None and provocation.covers(now)
            self._going[condition.key] = _Going(condition, group, now, now, planned)
            return Sighting(condition, Phase.BEGAN, planned)
        if now - one.told < REPEAT_S:
            return None
        one.told = now
        return Sighting(condition, Phase.STILL, one.planned)

    def _over(self, one: _Going, now: float) -> Sighting:
        note = f"Over after {now - one.since:.0f} s."
        return Sighting(one.condition, Phase.OVER, one.planned, note)
