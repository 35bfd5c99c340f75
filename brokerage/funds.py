"""Compare cash and realised profit with what executions have made of them since the start. Pure.

Amounts are US dollars. The start is what the account had without the executions of that day, so
that it can be taken in the middle of one; executions of others move the account as well.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import inf
from typing import Any

from brokerage.comparison import NOTHING, Difference, FillRow, Kind
from brokerage.executions import standing

# The gateway tells account values at a change of position, or else every three minutes: until
# then, a figure that does not fit may be from before the last execution. Session seconds.
VALUES_LAG_S = 180.0
# The requirements name no tolerance: two rounded figures are compared, and the broker rounds the
# amount of each execution once.
CENT = 0.01
CURRENCY = "USD"
CASH, REALIZED = "cash", "realized"
KINDS = {CASH: Kind.CASH, REALIZED: Kind.REALIZED}
SUBJECTS = {CASH: "the account's cash", REALIZED: "the day's realised profit"}


class Verdict(StrEnum):
    """What a comparison of one figure says."""

    AGREES = "AGREES"
    DIFFERS = "DIFFERS"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True)
class Moved:
    """What so many executions of a day, the last one `age_s` session seconds ago, come to."""

    amounts: Mapping[str, float]
    executions: int = 0
    age_s: float = inf


@dataclass(frozen=True)
class Now:
    """What the gateway tells on a day of the broker's, and what its executions come to so far.

    `told` lacks a figure that the gateway does not tell; `moved` is None while an execution or its
    commission is not settled.
    """

    day: str
    told: Mapping[str, float]
    moved: Moved | None


@dataclass(frozen=True)
class Start:
    """What the account had without the executions of the day; `settled` if surely up to date."""

    day: str
    amounts: Mapping[str, float]
    settled: bool

    def content(self) -> dict[str, Any]:
        """Return it as JSON values, as the run on record keeps them."""
        return {"day": self.day, "amounts": dict(self.amounts), "settled": self.settled}


@dataclass(frozen=True)
class Compared:
    """One figure: expected by the executions, told by the gateway; `wait_s` until it is sure."""

    name: str
    expected: float | None
    told: float | None
    verdict: Verdict
    why: str = ""
    wait_s: float = 0.0

    def content(self) -> dict[str, Any]:
        """Return it as JSON values, to a hundredth of a cent."""
        amounts = {"expected": self.expected, "told": self.told}
        rounded = {key: None if one is None else round(one, 4) for key, one in amounts.items()}
        return {"name": self.name, **rounded, "verdict": self.verdict.value, "why": self.why}


@dataclass(frozen=True)
class Account:
    """What a run knows of an account: its start, if any run could tell, and both figures."""

    start: Start | None
    compared: tuple[Compared, ...]

    @property
    def wait_s(self) -> float:
        """Session seconds until figures that do not fit are surely no older ones."""
        return max((one.wait_s for one in self.compared), default=0.0)

    @property
    def unknown(self) -> tuple[Compared, ...]:
        """What could not be compared."""
        return tuple(one for one in self.compared if one.verdict is Verdict.UNKNOWN)

    def content(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Return the start and the figures as JSON values."""
        start = self.start.content() if self.start else {}
        return start, [one.content() for one in self.compared]


def moved(
    own: Iterable[FillRow], broker: Iterable[FillRow], ours: Callable[[str], bool], at: datetime
) -> Moved | None:
    """Add up own executions on record, and others' as the broker lists them, up to `at`.

    None while a commission is not known, or where another currency was paid.
    """
    listed = standing(broker)
    units = {fill.con_id: fill.multiplier for fill in listed}
    fills = [*standing(own), *(fill for fill in listed if not ours(fill.ref))]
    cash = profit = 0.0
    for fill in fills:
        if fill.commission is None or fill.currency != CURRENCY:
            return None
        worth = fill.quantity * fill.price * units.get(fill.con_id, fill.multiplier)
        cash -= worth + fill.commission
        profit += fill.realized or 0.0
    ages = [(at - fill.at).total_seconds() for fill in fills if fill.at is not None]
    return Moved({CASH: cash, REALIZED: profit}, len(fills), min(ages, default=inf))


def start(now: Now) -> Start | None:
    """Return what the account had before the day's executions; None while that is not known."""
    if now.moved is None or not now.told:
        return None
    amounts = {name: amount - now.moved.amounts[name] for name, amount in now.told.items()}
    return Start(now.day, amounts, now.moved.age_s >= VALUES_LAG_S)


def compare_funds(
    begun: Start | None, now: Now, explained: Mapping[str, float]
) -> tuple[Compared, ...]:
    """Compare both figures; `explained` amounts are known to have come on top of executions."""
    return tuple(_compare(name, begun, now, explained.get(name, 0.0)) for name in KINDS)


def _compare(name: str, begun: Start | None, now: Now, explained: float) -> Compared:
    told = now.told.get(name)
    if told is None:
        return Compared(name, None, None, Verdict.UNKNOWN, "The gateway does not tell it in USD.")
    if now.moved is None:
        why = "Executions or their commissions are not settled."
        return Compared(name, None, told, Verdict.UNKNOWN, why)
    if begun is None or name not in begun.amounts:
        return Compared(name, None, told, Verdict.UNKNOWN, "It was not known at the start.")
    if begun.day != now.day:
        why = "The broker's day has changed since the start."
        return Compared(name, None, told, Verdict.UNKNOWN, why)
    expected = begun.amounts[name] + now.moved.amounts[name] + explained
    why, wait_s = _doubt(begun, now.moved)
    if abs(told - expected) <= CENT * (2 + now.moved.executions):
        return Compared(name, expected, told, Verdict.AGREES)
    verdict = Verdict.UNKNOWN if why else Verdict.DIFFERS
    return Compared(name, expected, told, verdict, why, wait_s)


def _doubt(begun: Start, by_now: Moved) -> tuple[str, float]:
    """Say why a figure that does not fit may be told too early, and how long that may be so."""
    if not begun.settled:
        return "The start was read less than three minutes after an execution.", 0.0
    if by_now.age_s < VALUES_LAG_S:
        why = "The gateway's figure may be from before the last execution."
        return why, VALUES_LAG_S - by_now.age_s
    return "", 0.0


def differences(compared: Iterable[Compared]) -> list[Difference]:
    """Return the figures that differ; the gap is the gateway's amount less ours."""
    return [
        Difference(
            KINDS[one.name],
            SUBJECTS[one.name],
            f"{one.expected:.2f} by executions",
            NOTHING,
            f"{one.told:.2f}",
            gap=round(one.told - one.expected, 4),
        )
        for one in compared
        if one.verdict is Verdict.DIFFERS and one.told is not None and one.expected is not None
    ]
