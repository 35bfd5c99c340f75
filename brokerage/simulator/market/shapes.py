"""What the market hands out: quotes, bars, greeks and the refusal of a bar request."""

from dataclasses import dataclass
from math import nan


@dataclass(frozen=True)
class Quote:
    """The market in one instrument at one moment; a missing price is nan with size 0.

    Prices in dollars, sizes and volume in shares or contracts, times in epoch seconds.
    `open`, `high`, `low` and `volume` are those of the running day, `close` that of the last
    full session before it. `time` is this update's, `last_time` the last trade's.
    """

    con_id: int
    bid: float = nan
    ask: float = nan
    bid_size: float = 0.0
    ask_size: float = 0.0
    last: float = nan
    last_size: float = 0.0
    volume: float = 0.0
    open: float = nan
    high: float = nan
    low: float = nan
    close: float = nan
    time: float = 0.0
    last_time: float = 0.0

    @property
    def mid(self) -> float:
        """Half-way between bid and ask; where a side is missing, the other, or the last trade."""
        both = [price for price in (self.bid, self.ask) if price == price]
        return sum(both) / len(both) if both else self.last

    def opposite(self, side: str) -> float:
        """The price that an order of this side (BUY, SELL) meets; nan where nobody quotes."""
        return self.ask if side == "BUY" else self.bid


@dataclass(frozen=True)
class Bar:
    """One bar; `time` is its start in epoch seconds. A daily bar is written as its `date`."""

    time: float
    date: str  # YYYYMMDD in New York, set on daily bars only
    open: float
    high: float
    low: float
    close: float
    volume: float  # -1 where there is none (midpoint, bid, ask)
    wap: float
    count: int


@dataclass(frozen=True)
class Greeks:
    """Black-Scholes figures per share; theta per day, vega per point of volatility."""

    iv: float
    delta: float
    price: float
    pv_dividend: float
    gamma: float
    vega: float
    theta: float
    und_price: float


class BarRequestError(ValueError):
    """A bar size, duration or kind of data that a gateway refuses, with its code."""

    def __init__(self, text: str, code: int = 321) -> None:
        super().__init__(text)
        self.code = code
