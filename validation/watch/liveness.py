"""Judge whether data live: ages against the calendar, prices that stand still, clocks. Pure."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from brokerage.calendar import ET, CalendarNotCoveredError, is_regular_hours, session_hours
from brokerage.terms import DATA_TYPES
from validation.models.watching import LaneState, Severity
from validation.watch.conditions import Condition

COMPETING = 10197
DELAYED_SHOWN = 10167
# Session seconds without a tick that are too many, in regular and in extended hours.
SILENT_S = 15.0
SILENT_EXTENDED_S = 300.0
# Looks in a row, with an answer between them: one alone may come before what is on its way.
SURE_AFTER = 3
# Prices stand still: so many ticks over so many session seconds, and none has another price.
FROZEN_S, FROZEN_TICKS = 30.0, 20
# Seconds by which the gateway's clock may run away from ours during a session.
DRIFT_S = 2.0
# Session seconds without an answer after which a gateway is mute.
MUTE_S = 10.0
EXTENDED_FROM, EXTENDED_AFTER = timedelta(hours=5, minutes=30), timedelta(hours=4)


class Hours(StrEnum):
    """What the calendar lets one expect of a share's line."""

    REGULAR = "regular"
    EXTENDED = "extended"
    CLOSED = "closed"


def hours(at: datetime, *, always_open: bool) -> Hours:
    """Return the hours at a moment of the gateway's time; a day without a calendar is closed."""
    try:
        if always_open or is_regular_hours(at):
            return Hours.REGULAR
        day = session_hours(at.astimezone(ET).date())
    except CalendarNotCoveredError:
        return Hours.CLOSED
    if day is not None and day[0] - EXTENDED_FROM <= at < day[1] + EXTENDED_AFTER:
        return Hours.EXTENDED
    return Hours.CLOSED


@dataclass
class Line:
    """What is known of one stream of the watch; times are session seconds.

    `standing` counts the ticks since a price last moved, `moved_at` is when that was; `floor` is
    the least number of seconds that a silence may last, however fast the session's clock.
    """

    symbol: str
    opened_at: float
    ticks: int = 0
    last_at: float | None = None
    moved_at: float = 0.0
    standing: int = 0
    data_type: int = 1
    halted: bool = False
    floor: float = 0.0
    looks: int = 0
    refused: tuple[int, str] | None = None
    before: dict[str, float] = field(default_factory=dict)
    _prices: dict[str, float] = field(default_factory=dict)

    def tick(self, kind: str, price: float, at: float) -> None:
        """Take a tick in; the first of each kind moves nothing but after a reconnection."""
        self.ticks, self.last_at, self.refused = self.ticks + 1, at, None
        known = self._prices.get(kind, self.before.get(kind))
        if known is None or known != price:
            self.moved_at, self.standing = at, 0
        else:
            self.standing += 1
        self._prices[kind] = price

    @property
    def prices(self) -> dict[str, float]:
        """The latest price of each kind."""
        return {**self.before, **self._prices}

    def age(self, now: float) -> float:
        """Seconds since the last tick, or since the line was opened."""
        return now - (self.opened_at if self.last_at is None else self.last_at)

    def rate(self, now: float) -> float | None:
        """Ticks in a minute since it was opened; None before a minute has passed."""
        minutes = (now - self.opened_at) / 60
        return self.ticks / minutes if minutes >= 1 else None

    def condition(
        self, now: float, at: Hours, restored: tuple[int, float] | None = None
    ) -> Condition | None:
        """What is wrong with the line; `restored` is the last notice that all is well again."""
        if self.refused is not None:
            return _refused(self.symbol, *self.refused)
        if at is Hours.CLOSED or self.halted:
            return None
        if self.data_type != 1 and at is Hours.REGULAR:
            return _not_live(self.symbol, DATA_TYPES.get(self.data_type, "unknown"))
        limit = SILENT_S if at is Hours.REGULAR else SILENT_EXTENDED_S
        self.looks = self.looks + 1 if self.age(now) > max(limit, self.floor) else 0
        if self.looks >= SURE_AFTER:
            return self._silent(now, at, restored)
        stands = now - max(self.moved_at, self.opened_at)
        if at is Hours.REGULAR and stands > FROZEN_S and self.standing >= FROZEN_TICKS:
            return self._frozen(stands)
        return None

    def shown(self, condition: Condition | None) -> tuple[LaneState, str]:
        """Return how the line is, and why: up only with ticks that nothing speaks against."""
        if condition is None:
            up = bool(self.ticks)
            return (LaneState.UP, "") if up else (LaneState.UNKNOWN, "No tick has come yet.")
        silent = condition.kind.startswith("silent")
        return LaneState.SILENT if silent else LaneState.UNKNOWN, condition.text

    def _silent(self, now: float, at: Hours, restored: tuple[int, float] | None) -> Condition:
        kind, why = "silent_line", ""
        since = self.opened_at if self.last_at is None else self.last_at
        if restored is not None and since <= restored[1] + 1.0:
            kind = {1101: "silent_after_1101", 1102: "silent_after_1102"}.get(
                restored[0], "silent_after_2104"
            )
            why = f" The gateway reported {restored[0]}, that all is well, and nothing came since."
        text = f"No tick of {self.symbol} for {self.age(now):.0f} s in {at} hours.{why}"
        do = "Subscribe again; trade on no price that is older than the silence."
        return Condition(kind, self.symbol, Severity.ERROR, text, do)

    def _frozen(self, stands: float) -> Condition:
        text = (
            f"{self.standing} ticks of {self.symbol} in {stands:.0f} s, and no price moved: "
            f"{', '.join(f'{kind} {price:g}' for kind, price in sorted(self.prices.items()))}."
        )
        do = "Compare with another source; the gateway repeats old prices as new ones."
        return Condition("frozen_prices", self.symbol, Severity.ERROR, text, do)


def _refused(symbol: str, code: int, words: str) -> Condition:
    if code == COMPETING:
        text = f"{code} on {symbol}: another session of the same user holds the market data."
        do = "Log the other session out; trade on no price until ticks come again."
        return Condition("competing_session", symbol, Severity.ERROR, text, do)
    do = "Read the code's meaning; no price of this line can be trusted."
    return Condition("line_refused", symbol, Severity.ERROR, f"{code} on {symbol}: {words}", do)


def _not_live(symbol: str, kind: str) -> Condition:
    text = f"The data of {symbol} are {kind}, not live."
    do = "Check the market-data subscription, and whether another session uses it."
    return Condition("data_not_live", symbol, Severity.ERROR, text, do)


@dataclass
class Answers:
    """The answers to the watch's periodic request for the time; latencies in real ms."""

    answered: int = 0
    missed: int = 0
    missed_since: float | None = None
    latencies: list[float] = field(default_factory=list)

    def hear(self, ms: float) -> None:
        """An answer came."""
        self.answered, self.missed_since = self.answered + 1, None
        self.latencies.append(ms)

    def miss(self, asked_at: float) -> None:
        """No answer came within its limit to what was asked then."""
        self.missed += 1
        if self.missed_since is None:
            self.missed_since = asked_at

    def condition(self, now: float) -> Condition | None:
        """Say that the gateway is mute once it has been silent for too long."""
        if self.missed_since is None or now - self.missed_since < MUTE_S:
            return None
        text = (
            f"The socket stands, and the time was not answered for {now - self.missed_since:.0f} s."
        )
        do = "Half-open or mute: connect anew; restart the gateway if that does not help."
        return Condition("no_answer", "gateway", Severity.CRITICAL, text, do)


@dataclass
class Drift:
    """How far the gateway's clock has run from ours since the first answer, in seconds.

    Answers are whole seconds, so that each gives an interval in which the offset lies.
    """

    first: tuple[float, float] | None = None
    latest: float = 0.0

    def hear(self, reported: datetime, asked_at: float, answered_at: float) -> None:
        """Take an answer in, with our session time at the request and at the answer."""
        low, high = reported.timestamp() - answered_at, reported.timestamp() + 1 - asked_at
        if self.first is None:
            self.first = low, high
        before, after = self.first
        self.latest = low - after if low > after else high - before if high < before else 0.0

    def condition(self) -> Condition | None:
        """Say when it has run away too far."""
        if abs(self.latest) <= DRIFT_S:
            return None
        text = f"The gateway's clock has moved by {self.latest:+.0f} s or more against ours."
        do = "Synchronise both hosts; ages of quotes and bars are wrong by as much."
        return Condition("clock_drift", "gateway", Severity.WARNING, text, do)
