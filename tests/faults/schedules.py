"""Schedules: which faults strike which session when, drawn from a seed."""

import random
from dataclasses import dataclass

from tests.faults import faults_gateway, faults_processes, faults_servers
from tests.faults.fault import FAULTS

__all__ = ["Blow", "Schedule", "drawn", "faults_gateway", "faults_processes", "faults_servers"]
SUITES = (
    ("OE-01", "OE-03"), ("OE-03",), ("OE-01", "OE-02"), ("OE-04",), ("OE-03", "OE-04"),
    ("BC-01", "OE-01"),
)  # fmt: skip
TWO_OF = 4  # every so many schedules have a second fault, on average
# Two of these at a time would undo each other: they take the same process or line away.
CLASHES = {"worker", "clock", "messages"}


@dataclass(frozen=True)
class Blow:
    """One fault and its moment."""

    fault: str
    moment: str


@dataclass(frozen=True)
class Schedule:
    """A session and the faults that strike it, one after the other; drawn from `seed`."""

    seed: int
    scenarios: tuple[str, ...]
    blows: tuple[Blow, ...]

    def __str__(self) -> str:
        blows = ", then ".join(f"{blow.fault} ({blow.moment})" for blow in self.blows)
        return f"#{self.seed} {'+'.join(self.scenarios)}: {blows}"


def drawn(seed: int, count: int) -> list[Schedule]:
    """Return so many schedules: every fault comes about as often as any other."""
    chance = random.Random(seed)
    pool: list[str] = []
    made = []
    for number in range(count):
        if not pool:
            pool = sorted(FAULTS)
            chance.shuffle(pool)
        made.append(_schedule(seed * 100_000 + number, pool.pop()))
    return made


def _schedule(seed: int, first: str) -> Schedule:
    chance = random.Random(seed)
    names = [first]
    others = sorted(name for name in FAULTS if _goes_with(name, first))
    if others and chance.randrange(TWO_OF) == 0:
        names.append(chance.choice(others))
    blows = tuple(Blow(name, chance.choice(FAULTS[name].moments)) for name in names)
    return Schedule(seed, chance.choice(SUITES), blows)


def _goes_with(name: str, first: str) -> bool:
    one, other = FAULTS[name].family, FAULTS[first].family
    return one != other and not {one, other} <= CLASHES and "web" not in {one, other}
