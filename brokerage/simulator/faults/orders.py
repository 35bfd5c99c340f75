"""Faults of orders on their way in: not acknowledged, late, stuck, or refused in odd ways."""

import math
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar

from brokerage.simulator.faults.fault import Incident
from brokerage.simulator.faults.order_fault import OrderFault, held_back, key_of
from brokerage.simulator.faults.projects import ASYNC, INSYNC, LEAN, LEAN_IB, NAUTILUS
from brokerage.simulator.orders import Key
from brokerage.simulator.venue_floor import Session
from brokerage.simulator.venue_records import CANCELLED
from brokerage.tws.messages import CancelOrder, Error, OrderStatus, PlaceOrder
from brokerage.tws.table import Message

MARGIN = (
    "Order rejected - reason:YOUR ORDER IS NOT ACCEPTED. IN ORDER TO OBTAIN THE DESIRED POSITION "
    "YOUR EQUITY WITH LOAN VALUE [1000.00 USD] MUST EXCEED THE INITIAL MARGIN [2000.00 USD]"
)


@dataclass
class OrderWithoutCallback(OrderFault):
    """The order vanishes: no status, no execution, no error, ever; nothing lists it.

    IBKR's paper server dropped single placements of a batch, whose other orders filled within
    three seconds; orders written just before the nightly restart were never seen either.
    """

    incidents: ClassVar = (
        Incident(LEAN_IB, 93, "some orders of a batch received zero callbacks, ever"),
        Incident(LEAN_IB, 242, "orders sent in the second of the restart were lost"),
        Incident(ASYNC, 66, "an order got lost and stayed in PendingSubmit"),
    )
    signal: ClassVar = "No acknowledgement within a limit; reqOpenOrders does not list the order."

    def placed(self, session: Session, message: PlaceOrder) -> Iterable[Message]:
        """Nothing reaches the venue."""
        return ()

    changed = placed


@dataclass
class PendingSubmitForever(OrderFault):
    """The gateway takes the order, says PendingSubmit, and never sends it on.

    Neither a fill nor a rejection follows, and a cancel is not answered.
    """

    incidents: ClassVar[tuple[Incident, ...]] = (
        Incident(INSYNC, 623, "orders always ended up with PendingSubmit"),
        Incident(LEAN_IB, 240, "a dialog in the gateway held orders until somebody confirmed it"),
    )
    signal: ClassVar = "A status that is still PendingSubmit after a limit."
    status: ClassVar = "PendingSubmit"

    def placed(self, session: Session, message: PlaceOrder) -> Iterable[Message]:
        """The venue keeps the order without working it."""
        key = key_of(session, message)
        self.later(0.0, lambda: self.announce(session, key, self.status))
        return (held_back(message),)

    def changed(self, session: Session, message: PlaceOrder) -> Iterable[Message]:
        """A change is not answered either."""
        return ()

    def cancelled(self, session: Session, message: CancelOrder) -> Iterable[Message]:
        """Nor is a cancel."""
        return ()


@dataclass
class InactiveWithoutError(PendingSubmitForever):
    """The order becomes Inactive and no error says why; a cancel of it is not answered.

    For options this was typically a margin rejection that went unnoticed.
    """

    incidents: ClassVar = (
        Incident(NAUTILUS, 3723, "Inactive alone; the strategy could not cancel or react"),
        Incident(INSYNC, 363, "a cancel of an Inactive order sometimes gets no answer"),
        Incident(INSYNC, 559, "Inactive, later Cancelled, without the reason"),
    )
    signal: ClassVar = "The status Inactive: neither done for the client nor working at the broker."
    status: ClassVar = "Inactive"


@dataclass
class SlowAcknowledgements(OrderFault):
    """Everything about an order comes late, each order by a time of its own.

    The delays follow a log-normal distribution: half of them are longer than `median` seconds,
    `sigma` is the deviation of their logarithm, none is longer than `most`.
    """

    median: float = 2.0
    sigma: float = 1.0
    most: float = 60.0
    seed: int = 1
    _delays: dict[Key, float] = field(init=False, repr=False, default_factory=dict)
    _random: random.Random = field(init=False, repr=False)

    incidents: ClassVar = (
        Incident(INSYNC, 421, "0 to 60 s until the callback for a modification"),
        Incident("IbcAlpha/IBC", 172, "two or three minutes to a trade confirmation"),
    )
    signal: ClassVar = "Acknowledgements beyond the limit, seen when every order is timed."

    def __post_init__(self) -> None:
        if self.median <= 0 or self.sigma < 0 or self.most <= 0:
            raise ValueError("median and most must be above 0, sigma not below it")
        self._random = random.Random(self.seed)  # noqa: S311

    def reported(self, session: Session, key: Key, message: Message) -> Iterable[Message]:
        """Holds the message back, in its order."""
        if self.asked(session, message):
            return (message,)
        return self.put_off(self.delay(key), session, message)

    def delay(self, key: Key) -> float:
        """The seconds by which an order's messages are late."""
        if key not in self._delays:
            drawn = self.median * math.exp(self.sigma * self._random.gauss(0.0, 1.0))
            self._delays[key] = min(drawn, self.most)
        return self._delays[key]


@dataclass
class RejectedSilently(OrderFault):
    """The order is acknowledged, and `seconds` later it exists no more; nobody says so."""

    seconds: float = 1.0
    _gone: set[Key] = field(init=False, repr=False, default_factory=set)

    incidents: ClassVar[tuple[Incident, ...]] = (
        Incident(LEAN_IB, 249, "an order that IBKR cancelled in a 1100 window: no event for it"),
        Incident(INSYNC, 416, "open orders that no request listed any more"),
    )
    signal: ClassVar = "An order the client thinks open, missing from reqAllOpenOrders."

    def reported(self, session: Session, key: Key, message: Message) -> Iterable[Message]:
        """Lets the acknowledgement pass and drops what comes after the end."""
        if key in self._gone:
            return ()
        works = isinstance(message, OrderStatus) and message.status in {"PreSubmitted", "Submitted"}
        if works and session.client_id == key[0]:  # others hear of it when they list all orders
            self.later(self.seconds, lambda: self._kill(session, key))
        return (message,)

    def _kill(self, session: Session, key: Key) -> None:
        record = self.record(key)
        if record is not None and record.open and key not in self._gone:
            self._gone.add(key)
            self.gateway.venue.orders.cancel(session, CancelOrder(key[1]))
            self.dead(session, key)

    def dead(self, session: Session, key: Key) -> None:
        """The order has just ended."""


@dataclass
class RejectedAfterAcknowledgement(RejectedSilently):
    """The order is acknowledged, and `seconds` later refused with 201; its status is Inactive.

    The risk check of the servers comes after the gateway's own: PreSubmitted, then error 201,
    then openOrder and orderStatus with Inactive.
    """

    text: str = MARGIN

    incidents: ClassVar = (
        Incident(INSYNC, 554, "201 after PreSubmitted, then openOrder and orderStatus Inactive"),
        Incident("brndnmtthws/thetagang", 709, "rejected within a second of PendingSubmit"),
        Incident(INSYNC, 245, "201 for margin: nobody listening on the status heard of it"),
    )
    signal: ClassVar = "Error 201 with the order's id; an acknowledged order is not yet a safe one."

    def dead(self, session: Session, key: Key) -> None:
        """Says why, then how it stands."""
        self.deliver(session, Error(key[1], 201, self.text))
        self.announce(session, key, "Inactive")


@dataclass
class PresetNotice(OrderFault):
    """Notice 10349, "Order TIF was set to DAY", comes with the id of an order that lives on.

    Clients that take every unknown code for a rejection call the order cancelled; it fills.
    """

    _told: set[Key] = field(init=False, repr=False, default_factory=set)

    incidents: ClassVar = (
        Incident(ASYNC, 191, "10349: logged as cancelled, lived on and filled"),
        Incident(ASYNC, 217, "an override by the preset, taken for a cancellation"),
        Incident("pst-group/pysystemtrade", 1580, "fifteen orders 'cancelled', all filled"),
    )
    signal: ClassVar = "Code 10349 is no rejection: ask reqAllOpenOrders before believing it."

    def reported(self, session: Session, key: Key, message: Message) -> Iterable[Message]:
        """Adds the notice behind the first status."""
        if not isinstance(message, OrderStatus) or key in self._told:
            return (message,)
        self._told.add(key)
        text = "Order TIF was set to DAY based on order preset."
        return (message, Error(key[1], 10349, text))


@dataclass
class HeldForLocate(OrderFault):
    """Warning 404: the order is held while shares to borrow are looked for, then it works.

    It stands at PreSubmitted with `locate` as the reason and may execute at any moment.
    """

    seconds: float = 20.0
    _held: dict[Key, PlaceOrder] = field(init=False, repr=False, default_factory=dict)

    incidents: ClassVar = (
        Incident(INSYNC, 328, "404: called cancelled by the library, open in TWS"),
        Incident(LEAN, 1026, "404 made the order invalid though it was held"),
        Incident(NAUTILUS, 3723, "whyHeld locate: the order stays active"),
    )
    signal: ClassVar = "WhyHeld is `locate`: the order is alive and unfilled for no price reason."

    def placed(self, session: Session, message: PlaceOrder) -> Iterable[Message]:
        """The venue keeps the order until it is released."""
        key = key_of(session, message)
        self._held[key] = message
        self.later(0.0, lambda: self._tell(session, key))
        self.later(self.seconds, lambda: self._release(session, key))
        return (held_back(message),)

    def _tell(self, session: Session, key: Key) -> None:
        if self.record(key) is not None:
            text = "Order held while securities are located."
            self.deliver(session, Error(key[1], 404, text))
            self.announce(session, key, "PreSubmitted", "locate")

    def _release(self, session: Session, key: Key) -> None:
        message = self._held.pop(key, None)
        if message is not None:
            self.receive(session, message)

    def cancelled(self, session: Session, message: CancelOrder) -> Iterable[Message]:
        """A held order ends at once."""
        key = key_of(session, message)
        if self._held.pop(key, None) is None:
            return (message,)
        self.announce(session, key, "Cancelled")
        self.deliver(session, Error(key[1], *CANCELLED))
        return ()
