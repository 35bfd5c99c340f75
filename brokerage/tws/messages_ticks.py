"""Streams and tapes of single ticks and five-second bars: the requests and their answers."""

from dataclasses import dataclass
from typing import ClassVar

from brokerage.tws.fields import Size
from brokerage.tws.layout import Item, when
from brokerage.tws.messages_client import CLIENT, CONTRACT, Cancellation, ContractRequest
from brokerage.tws.messages_server import SERVER


@CLIENT.row(50, "3 req_id", *CONTRACT, "bar_size what use_rth options")
@dataclass(frozen=True)
class ReqRealTimeBars(ContractRequest):
    """Bars of five seconds, from now on; `what` is TRADES, MIDPOINT, BID or ASK."""

    bar_size: int = 5
    what: str = ""
    use_rth: bool = True
    options: str = ""


@CLIENT.row(51, "1 req_id")
@dataclass(frozen=True)
class CancelRealTimeBars(Cancellation):
    """No more of them."""


@CLIENT.row(
    96, "req_id", *CONTRACT, "include_expired start end count what use_rth ignore_size options"
)
@dataclass(frozen=True)
class ReqHistoricalTicks(ContractRequest):
    """Up to `count` ticks after `start` or before `end`; `what` is TRADES, MIDPOINT or BID_ASK."""

    include_expired: bool = False
    start: str = ""
    end: str = ""
    count: int = 0
    what: str = ""
    use_rth: bool = True
    ignore_size: bool = False
    options: str = ""


@CLIENT.row(97, "req_id", *CONTRACT, "tick_type count ignore_size")
@dataclass(frozen=True)
class ReqTickByTick(ContractRequest):
    """Every tick: `count` past ones, then live; Last, AllLast, BidAsk or MidPoint."""

    tick_type: str = ""
    count: int = 0
    ignore_size: bool = False


@CLIENT.row(98, "req_id")
@dataclass(frozen=True)
class CancelTickByTick(Cancellation):
    """No more ticks."""


@SERVER.row(50, "3 req_id epoch open high low close volume wap count")
@dataclass(frozen=True)
class RealTimeBar:
    """Five seconds that began at `epoch`; volume, wap and count are −1 for other than TRADES."""

    req_id: int = 0
    epoch: int = 0
    open: float = 0.0
    high: float = 0.0
    low: float = 0.0
    close: float = 0.0
    volume: Size = 0.0
    wap: float = 0.0
    count: int = 0


@dataclass(frozen=True)
class PastMidpoint:
    """A midpoint of the past; `epoch` in seconds."""

    epoch: int = 0
    price: float = 0.0
    size: Size = 0.0

    wire: ClassVar[tuple[Item, ...]] = ("epoch 0 price size",)


@SERVER.row(96, "req_id ticks* done")
@dataclass(frozen=True)
class HistoricalTicks:
    """Midpoints; `done` on the last message of the request."""

    req_id: int = 0
    ticks: tuple[PastMidpoint, ...] = ()
    done: bool = True


@dataclass(frozen=True)
class PastQuote:
    """A quote of the past; bit 0 of the mask: ask past high, bit 1: bid past low."""

    epoch: int = 0
    mask: int = 0
    bid: float = 0.0
    ask: float = 0.0
    bid_size: Size = 0.0
    ask_size: Size = 0.0


@SERVER.row(97, "req_id ticks* done")
@dataclass(frozen=True)
class HistoricalTicksBidAsk:
    """Quotes; `done` on the last message of the request."""

    req_id: int = 0
    ticks: tuple[PastQuote, ...] = ()
    done: bool = True


@dataclass(frozen=True)
class PastTrade:
    """A trade of the past; bit 0 of the mask: past limit, bit 1: unreported."""

    epoch: int = 0
    mask: int = 0
    price: float = 0.0
    size: Size = 0.0
    exchange: str = ""
    conditions: str = ""


@SERVER.row(98, "req_id ticks* done")
@dataclass(frozen=True)
class HistoricalTicksLast:
    """Trades; `done` on the last message of the request."""

    req_id: int = 0
    ticks: tuple[PastTrade, ...] = ()
    done: bool = True


TICK_LAST, TICK_BID_ASK, TICK_MIDPOINT = frozenset({1, 2}), 3, 4


@SERVER.row(
    99,
    "req_id kind epoch",
    when("kind", "price size mask exchange conditions", test=lambda kind: kind in TICK_LAST),
    when("kind", "bid ask bid_size ask_size mask", test=lambda kind: kind == TICK_BID_ASK),
    when("kind", "price", test=lambda kind: kind == TICK_MIDPOINT),
)
@dataclass(frozen=True)
class TickByTick:
    """One tick: 1 last, 2 all last, 3 bid and ask, 4 midpoint.

    Mask of a trade: bit 0 past limit, bit 1 unreported; of a quote: bit 0 bid past low, bit 1 ask
    past high (the other way round than in a quote of the past).
    """

    req_id: int = 0
    kind: int = 1
    epoch: int = 0
    price: float = 0.0
    size: Size = 0.0
    mask: int = 0
    exchange: str = ""
    conditions: str = ""
    bid: float = 0.0
    ask: float = 0.0
    bid_size: Size = 0.0
    ask_size: Size = 0.0
