"""Faults of what quotes say: old, delayed, missing, impossible, or in the wrong order."""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from brokerage.simulator.faults.fault import Fault, Incident
from brokerage.simulator.faults.kinds import MARKET_BROKEN, MARKET_OK, STREAM_REQUESTS
from brokerage.simulator.faults.projects import ASYNC, INSYNC, LEAN, LEAN_IB, NAUTILUS
from brokerage.simulator.faults.quote_fault import (
    ASK_SIZES,
    ASKS,
    BID_SIZES,
    BIDS,
    LAST_SIZES,
    LASTS,
    RT_VOLUMES,
    TRADE_TIMES,
    VOLUMES,
    QuoteFault,
    past,
)
from brokerage.simulator.venue_floor import Session
from brokerage.tws.messages import TickPrice, TickSize, TickString
from brokerage.tws.table import Message

if TYPE_CHECKING:
    from brokerage.simulator.server import Gateway

SIDES = {"bid": BIDS, "ask": ASKS, "both": BIDS | ASKS}
EMPTY_SIZES = {"bid": BID_SIZES, "ask": ASK_SIZES, "both": BID_SIZES | ASK_SIZES}


@dataclass
class FrozenPrices(QuoteFault):
    """Ticks go on coming, and every price is the one that stood when the freeze began.

    With `times_run_on` even the time of the last trade moves on.
    """

    times_run_on: bool = True
    _prices: dict[tuple[str, int, int], float] = field(init=False, repr=False, default_factory=dict)

    incidents: ClassVar = (
        Incident(INSYNC, 680, "the same price round after round, stamped with the new time"),
        Incident(ASYNC, 223, "a quote thirty minutes old, read as new"),
        Incident("vnpy/vnpy", 3006, "after the restart the data stood where they had been"),
    )
    signal: ClassVar = "Prices that never move while volume does, or that bars contradict."

    def streamed(self, session: Session, message: Message) -> Iterable[Message]:
        """Puts the first price of its kind in the place of each later one."""
        if isinstance(message, TickPrice):
            key = (str(session.client_id), message.req_id, message.kind)
            return (replace(message, price=self._prices.setdefault(key, message.price)),)
        if not self.times_run_on and isinstance(message, TickString):
            return ()
        return (message,)


@dataclass
class DelayedInsteadOfLive(Fault):
    """Lines opened from now on are delayed by fifteen minutes: warning 10167, type 3, own ticks.

    The subscription had lapsed, or another user held it. Delayed ticks have kinds of their own,
    so a client that knows the live ones alone sees no quote at all.
    """

    incidents: ClassVar = (
        Incident(NAUTILUS, 4679, "delayed ticks came, no quote was ever made of them"),
        Incident(LEAN, 2582, "no ticks for delayed data"),
        Incident(INSYNC, 439, "another market data type than the one asked for"),
    )
    signal: ClassVar = "Code 10167 or market data type 3 or 4 where live data are required."

    def on(self, gateway: "Gateway") -> None:
        """Delays new lines."""
        gateway.levers.delayed_data = True

    def off(self, gateway: "Gateway") -> None:
        """New lines are live again."""
        gateway.levers.delayed_data = False


@dataclass
class StaleAfterReconnect(QuoteFault):
    """Whoever connects again gets, for `seconds`, the last prices from before, as if new."""

    seconds: float = 60.0
    _last: dict[tuple[str, int], float] = field(init=False, repr=False, default_factory=dict)
    _old: dict[Session, bool] = field(init=False, repr=False, default_factory=dict)
    _since: dict[Session, float] = field(init=False, repr=False, default_factory=dict)

    incidents: ClassVar = (
        Incident("vnpy/vnpy", 3006, "connected again, and the data stuck at before"),
        Incident("IbcAlpha/IBC", 143, "no fresh data after the nightly reset until a restart"),
        Incident(ASYNC, 223, "fields of an earlier snapshot read as the new one"),
    )
    signal: ClassVar = "The first quotes after a reconnect equal the last before it: wait for news."

    def on(self, gateway: "Gateway") -> None:
        """Those who are connected now have fresh prices, which the transcript has."""
        super().on(gateway)
        self._old = dict.fromkeys(gateway.sessions(), True)
        for session, message in past(gateway):
            if isinstance(message, TickPrice):
                self._last[self.line_of(session, message.req_id), message.kind] = message.price

    def streamed(self, session: Session, message: Message) -> Iterable[Message]:
        """Remembers prices for the connected, repeats them to the newly connected."""
        if not isinstance(message, TickPrice):
            return (message,)
        now = self.gateway.clock.time()
        key = (self.line_of(session, message.req_id), message.kind)
        fresh = session in self._old or now - self._since.setdefault(session, now) > self.seconds
        if fresh or key not in self._last:
            self._last[key] = message.price
            return (message,)
        return (replace(message, price=self._last[key]),)


@dataclass
class NoQuote(QuoteFault):
    """A side (bid, ask or both) has no quote: `price`, −1 or 0, and size 0.

    IBKR writes −1 for "no price": at the close of extended hours every quote turns into it.
    """

    side: str = "both"
    price: float = -1.0

    incidents: ClassVar = (
        Incident(INSYNC, 471, "at 20:00 every bid and ask becomes −1 until the next morning"),
        Incident(NAUTILUS, 710, "a price of −1 broke the client"),
    )
    signed: ClassVar = frozenset({"price"})
    signal: ClassVar = "A price of −1 or 0, or a size of 0: no market, never a price to trade on."

    def __post_init__(self) -> None:
        if self.side not in SIDES:
            raise ValueError(f"side must be one of {', '.join(SIDES)}")

    def streamed(self, session: Session, message: Message) -> Iterable[Message]:
        """Empties the side."""
        kinds = SIDES[self.side]
        if isinstance(message, TickPrice) and message.kind in kinds:
            return (replace(message, price=self.price, size=0.0),)
        gone = EMPTY_SIZES[self.side]
        if isinstance(message, TickSize) and message.kind in gone:
            return (replace(message, size=0.0),)
        return (message,)


@dataclass
class CrossedQuotes(QuoteFault):
    """The ask stands `by` below the bid; 0: they are equal, the market is locked.

    Prices of the two sides come in messages of their own and need not fit each other.
    """

    by: float = 0.05

    incidents: ClassVar = (
        Incident(LEAN, 3699, "quotes with the bid at or above the ask were passed on"),
    )
    signal: ClassVar = "Bid at or above ask: no mid price, no order, until both sides are new."

    def streamed(self, session: Session, message: Message) -> Iterable[Message]:
        """Lets the ask follow the bid."""
        if not isinstance(message, TickPrice) or message.price <= 0:
            return (message,)
        if message.kind in BIDS:
            price = round(message.price - self.by, 4)
            return (message, replace(message, kind=message.kind + 1, price=price))
        return () if message.kind in ASKS else (message,)


@dataclass
class NoTrades(QuoteFault):
    """Neither a last price nor sizes of trades nor the volume is ever sent; they stay NaN."""

    incidents: ClassVar = (
        Incident(INSYNC, 154, "last price and volume NaN, everything else there"),
        Incident(INSYNC, 451, "NaN in quotes that had worked for months"),
    )
    signal: ClassVar = "Fields still NaN after the first image: test with isnan."

    def streamed(self, session: Session, message: Message) -> Iterable[Message]:
        """Drops what tells of trades."""
        if isinstance(message, TickPrice):
            return () if message.kind in LASTS else (message,)
        if isinstance(message, TickSize):
            return () if message.kind in LAST_SIZES | VOLUMES else (message,)
        return () if isinstance(message, TickString) else (message,)


@dataclass
class FractionalSizes(QuoteFault):
    """Trades come with sizes below one share, and volumes with fractions.

    Odd lots from dark pools and fractional shares of other brokers are on the tape.
    """

    size: float = 0.37

    incidents: ClassVar = (
        Incident(NAUTILUS, 3951, "sizes below 1 raised; the feed stalled without a word"),
    )
    signal: ClassVar = "Sizes are no whole numbers: parse them as decimals."

    def streamed(self, session: Session, message: Message) -> Iterable[Message]:
        """Makes a fraction of every trade's size."""
        if isinstance(message, TickPrice) and message.kind in LASTS:
            return (replace(message, size=self.size),)
        if isinstance(message, TickSize) and message.kind in LAST_SIZES:
            return (replace(message, size=self.size),)
        if isinstance(message, TickSize) and message.kind in VOLUMES:
            return (replace(message, size=message.size + self.size),)
        if isinstance(message, TickString) and message.kind in RT_VOLUMES:
            price, _, *rest = message.value.split(";")
            return (replace(message, value=";".join((price, str(self.size), *rest))),)
        return (message,)


@dataclass
class TicksOutOfOrder(QuoteFault):
    """A part of the price ticks, `share` of them, comes `seconds` late, behind newer ones."""

    share: float = 0.3
    seconds: float = 3.0
    seed: int = 1
    _random: random.Random = field(init=False, repr=False)

    incidents: ClassVar = (
        Incident(INSYNC, 275, "times of ticks that go forth and back"),
        Incident(INSYNC, 494, "ticks stamped on arrival: their own times disagree"),
    )
    signal: ClassVar = "A price that comes back for a moment; times of trades that decrease."

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311

    def streamed(self, session: Session, message: Message) -> Iterable[Message]:
        """Holds some ticks back."""
        late = isinstance(message, TickPrice) or _trade_time(message)
        if not late or self._random.random() >= self.share:
            return (message,)
        return self.put_off(self.seconds, session, message)


def _trade_time(message: Message) -> bool:
    return isinstance(message, TickString) and message.kind in TRADE_TIMES


@dataclass
class FarmSwitch(QuoteFault):
    """2103, and `seconds` later 2104 from another farm; lines opened before stay dead.

    Account and orders go on, so nothing but the missing ticks shows it.
    """

    seconds: float = 3.0
    _alive: set[tuple[Session, int]] = field(init=False, repr=False, default_factory=set)

    incidents: ClassVar = (
        Incident(NAUTILUS, 3968, "three seconds of 2103, then bars dead for eight hours"),
        Incident(LEAN_IB, 80, "one index got no data until the algorithm was started again"),
        Incident("IbcAlpha/IBC", 261, "one farm missing: no futures data until a restart"),
    )
    signal: ClassVar = "No tick for a while after 2104: subscribe again, silence is not calm."

    def on(self, gateway: "Gateway") -> None:
        """Breaks one farm and brings up another."""
        super().on(gateway)
        self.tell(*MARKET_BROKEN)
        self.later(self.seconds, self._other)

    def _other(self) -> None:
        code, text = MARKET_OK
        self.tell(code, f"{text}.nj")

    def incoming(self, session: Session, message: Message) -> Iterable[Message]:
        """A line opened from now on lives."""
        if isinstance(message, STREAM_REQUESTS):
            self._alive.add((session, message.req_id))
        return super().incoming(session, message)

    def streamed(self, session: Session, message: Message) -> Iterable[Message]:
        """Drops what dead lines would get."""
        return (message,) if (session, message.req_id) in self._alive else ()
