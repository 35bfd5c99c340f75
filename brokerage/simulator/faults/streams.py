"""Faults of bars that stream: real-time bars and the updates of historical ones."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar

from brokerage.simulator.faults.fault import Incident
from brokerage.simulator.faults.projects import ASYNC, INSYNC
from brokerage.simulator.faults.quote_fault import QuoteFault
from brokerage.simulator.venue_floor import Session
from brokerage.tws.messages import Error, RealTimeBar
from brokerage.tws.table import Message

BUST = (
    "Bust event occurred, current subscription is deactivated. "
    "Please resubscribe real-time bars immediately."
)


@dataclass
class BarFault(QuoteFault):
    """Strikes each `every`-th bar of a line."""

    every: int = 3
    _counts: dict[tuple[Session, int], int] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ValueError("every must be at least 1")

    def streamed(self, session: Session, message: Message) -> Iterable[Message]:
        """Hands the struck bars to `bar`."""
        if not isinstance(message, RealTimeBar):
            return (message,)
        line = (session, message.req_id)
        self._counts[line] = count = self._counts.get(line, 0) + 1
        return (message,) if count % self.every else self.bar(session, message)

    def bar(self, session: Session, message: RealTimeBar) -> Iterable[Message]:
        """What the client gets of a struck bar."""
        return (message,)


@dataclass
class BarsMissing(BarFault):
    """Single five-second bars never come."""

    incidents: ClassVar = (
        Incident(INSYNC, 333, "stretches of bars missing, without an error"),
        Incident("ranaroussi/qtpylib", 111, "bars made from an incomplete stream"),
    )
    signal: ClassVar = "Times of bars more than five seconds apart during trading."

    def bar(self, session: Session, message: RealTimeBar) -> Iterable[Message]:
        """Drops it."""
        return ()


@dataclass
class BarsLate(BarFault):
    """Single bars come `seconds` late, behind those that followed them."""

    seconds: float = 12.0

    incidents: ClassVar = (
        Incident("softwarespartan/IB4m", 94, "bars that were complete only seconds later"),
    )
    signal: ClassVar = "Times of bars that decrease, or a bar older than ten seconds on arrival."

    def bar(self, session: Session, message: RealTimeBar) -> Iterable[Message]:
        """Holds it back."""
        return self.put_off(self.seconds, session, message)


@dataclass
class BarsDuplicated(BarFault):
    """Single bars come twice."""

    incidents: ClassVar = (
        Incident("deephaven-examples/deephaven-ib", 113, "TWS sent duplicates of bar updates"),
    )
    signal: ClassVar = "Two bars of one time: the later replaces the earlier, volume adds no more."

    def bar(self, session: Session, message: RealTimeBar) -> Iterable[Message]:
        """Repeats it."""
        return (message, message)


@dataclass
class BarsBusted(QuoteFault):
    """Error 10225 after some bars, and the subscription is dead until it is made anew."""

    after: int = 2
    _left: dict[tuple[Session, int], int] = field(init=False, repr=False, default_factory=dict)

    incidents: ClassVar = (
        Incident(INSYNC, 478, "10225 bust event: the subscription is deactivated"),
        Incident(ASYNC, 118, "real-time bars fell silent from one day to the next"),
    )
    signal: ClassVar = "Code 10225: subscribe again at once."

    def streamed(self, session: Session, message: Message) -> Iterable[Message]:
        """Counts bars down to the error."""
        if not isinstance(message, RealTimeBar):
            return (message,)
        line = (session, message.req_id)
        left = self._left.pop(line, self.after)
        if left > 0:
            self._left[line] = left - 1
            return (message,)
        self.gateway.venue.bars.bust(*line)
        return (Error(message.req_id, 10225, BUST),)
