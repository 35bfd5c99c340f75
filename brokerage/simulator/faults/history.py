"""Faults of historical bars: never sent, refused, missing, doubled, late or wrong."""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import ClassVar

from brokerage.simulator.faults.fault import Fault, Incident
from brokerage.simulator.faults.projects import ASYNC, INSYNC, LEAN, LEAN_IB, NAUTILUS
from brokerage.simulator.history_pacing import VIOLATION
from brokerage.simulator.venue_bars import LOST
from brokerage.simulator.venue_floor import Session
from brokerage.simulator.venue_history import SERVICE
from brokerage.simulator.venue_terms import NO_DEFINITION
from brokerage.tws.messages import (
    Error,
    HistoricalData,
    HistoricalDataUpdate,
    ReqHistoricalData,
    WireBar,
)
from brokerage.tws.table import Message


@dataclass
class HistoryNeverAnswered(Fault):
    """A request for historical bars is never answered: no bars, no end, no error."""

    incidents: ClassVar = (
        Incident(LEAN_IB, 201, "no response; the algorithm ran into its ten minutes"),
        Incident(INSYNC, 687, "timeouts for contracts that had no data, whatever the limit"),
        Incident(ASYNC, 88, "nothing until TWS was restarted; the cancel was answered 366"),
        Incident("joshuaulrich/IBrokers", 25, "the request just hangs"),
    )
    signal: ClassVar = "No answer within a limit: cancel the request and ask again later."

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """Drops the answer."""
        return () if isinstance(message, HistoricalData) else (message,)


@dataclass
class HistoryNoData(Fault):
    """Error 162: the query returned no data, although there are bars."""

    incidents: ClassVar[tuple[Incident, ...]] = (
        Incident(LEAN, 4344, "162 for a period that began before the listing"),
        Incident("wrighter/ib-scripts", 17, "162 in the middle of a download"),
    )
    signal: ClassVar = "Code 162, no data: an empty answer of one moment, no proof of no trading."

    def incoming(self, session: Session, message: Message) -> Iterable[Message]:
        """Refuses the request."""
        if not isinstance(message, ReqHistoricalData):
            return (message,)
        self.deliver(session, Error(message.req_id, *self.refusal(message)))
        return ()

    def refusal(self, message: ReqHistoricalData) -> tuple[int, str]:
        """What the gateway says, and its code."""
        contract, what = message.contract, message.what.title()
        exchange = contract.exchange or "SMART"
        return 162, f"{SERVICE}HMDS query returned no data: {contract.symbol}@{exchange} {what}"


@dataclass
class HistoryPacing(HistoryNoData):
    """Error 162: pacing violation, for whoever else has asked too often."""

    incidents: ClassVar = (
        Incident(LEAN, 607, "pacing violations among requests of several symbols"),
        Incident(LEAN, 1837, "pacing violation at the start; the data were then missing"),
    )
    signal: ClassVar = "Code 162 with `pacing violation`: wait, at least fifteen seconds."

    def refusal(self, message: ReqHistoricalData) -> tuple[int, str]:
        """What the gateway says, and its code."""
        return 162, f"{SERVICE}{VIOLATION}"


@dataclass
class HistoryUnknownSymbol(HistoryNoData):
    """Error 200, "no security definition", for a symbol that exists: the servers are down."""

    incidents: ClassVar = (
        Incident(INSYNC, 330, "200 for a known symbol in the nightly maintenance"),
    )
    signal: ClassVar = "Code 200 for a contract that was qualified before: ask again later."

    def refusal(self, message: ReqHistoricalData) -> tuple[int, str]:
        """What the gateway says, and its code."""
        return NO_DEFINITION


@dataclass
class HistoryFault(Fault):
    """Changes the bars of an answer."""

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """Hands the bars to `bars`."""
        if not isinstance(message, HistoricalData) or not message.bars:
            return (message,)
        return (replace(message, bars=tuple(self.bars(list(message.bars)))),)

    def bars(self, bars: list[WireBar]) -> list[WireBar]:
        """The bars that the client gets."""
        return bars


@dataclass
class HistoryBarsMissing(HistoryFault):
    """Some bars, `count` of them, chosen by the seed, are left out; the answer ends properly."""

    count: int = 1
    seed: int = 1
    _random: random.Random = field(init=False, repr=False)

    incidents: ClassVar = (
        Incident(INSYNC, 333, "stretches of bars missing, without an error"),
        Incident("softwarespartan/IB4m", 94, "bars of the stream and of history that differ"),
    )
    signal: ClassVar = "Gaps between bars that the calendar does not explain."

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311

    def bars(self, bars: list[WireBar]) -> list[WireBar]:
        """Leaves some out, never the first or the last."""
        inner = range(1, len(bars) - 1)
        gone = set(self._random.sample(inner, min(self.count, len(inner))))
        return [bar for place, bar in enumerate(bars) if place not in gone]


@dataclass
class HistoryBarsDuplicated(HistoryFault):
    """The last `count` bars come twice."""

    count: int = 1

    incidents: ClassVar = (
        Incident("deephaven-examples/deephaven-ib", 113, "duplicates, one with more volume"),
    )
    signal: ClassVar = "Two bars of one time."

    def bars(self, bars: list[WireBar]) -> list[WireBar]:
        """Repeats each of the last."""
        rest = bars[: -self.count or None]
        return rest + [bar for bar in bars[len(rest) :] for _ in range(2)]


@dataclass
class HistoryBarsLate(HistoryFault):
    """The newest `count` bars are not there yet, though their time is over."""

    count: int = 1

    incidents: ClassVar = (
        Incident("softwarespartan/IB4m", 94, "up to two seconds before a bar was final"),
    )
    signal: ClassVar = "The last bar is older than one bar's length."

    def bars(self, bars: list[WireBar]) -> list[WireBar]:
        """Cuts the end off."""
        return bars[: -self.count or None]


@dataclass
class HistoryLastBarWrong(HistoryFault):
    """The prices of the last bar are `ratio` times what they are."""

    ratio: float = 1.007

    incidents: ClassVar = (
        Incident(INSYNC, 391, "the latest bar around 4511 while the market was at 4480"),
    )
    signal: ClassVar = "A last bar away from the quote, or one that the next request corrects."

    def bars(self, bars: list[WireBar]) -> list[WireBar]:
        """Moves the last."""
        names = ("open", "high", "low", "close", "wap")
        moved = {name: round(getattr(bars[-1], name) * self.ratio, 4) for name in names}
        return [*bars[:-1], replace(bars[-1], **moved)]


@dataclass
class HistoryUpdatesStop(Fault):
    """Bars that were to be kept up to date stop: error 10182, then nothing more."""

    after: int = 1
    _left: dict[tuple[Session, int], int] = field(init=False, repr=False, default_factory=dict)

    incidents: ClassVar = (
        Incident(INSYNC, 670, "10182: requesting live updates failed, connection dropped"),
        Incident(NAUTILUS, 4412, "10182 for one subscription at night"),
        Incident(INSYNC, 333, "updates missing for periods, later without any error"),
    )
    signal: ClassVar = "Code 10182, or no update for longer than one bar: ask again."

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """Counts updates down to the error."""
        if not isinstance(message, HistoricalDataUpdate):
            return (message,)
        line = (session, message.req_id)
        left = self._left.pop(line, self.after)
        if left > 0:
            self._left[line] = left - 1
            return (message,)
        self.gateway.venue.bars.end(*line)
        return (Error(message.req_id, 10182, LOST),)
