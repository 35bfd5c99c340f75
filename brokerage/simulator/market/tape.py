"""The tape of one instrument: top of book and trades for each tick, made up when asked for."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from brokerage.simulator.listings import PROFILES, Listing
from brokerage.simulator.market.noise import (
    TICK,
    Floats,
    Hashes,
    Ints,
    Path,
    hashes,
    stream_key,
    uniform,
    whole,
)
from brokerage.simulator.market.pricing import fair_values

BLOCK = 7200  # ticks; half an hour, so that sessions and days begin and end with a block
CENT = 100.0
# Ticks after which a trade happens at the latest: a quote's age is reckoned from its last trade.
SHARE_PAUSE, OPTION_PAUSE = 8, 12
WIDE_SHARE = 0.12  # how often a share is quoted two cents wide
OPTION_ACTIVITY = 0.02
OPTION_SPREAD = 0.04  # of the value, at least two cents and at most twenty
KEPT_PATHS, KEPT_TRADES = 512, 64  # blocks in memory per instrument: 30 MB and 25 MB at most


@dataclass(frozen=True)
class Top:
    """Best prices (nan where nobody quotes) and displayed sizes at some ticks."""

    bid: Floats
    ask: Floats
    bid_size: Floats
    ask_size: Floats


@dataclass(frozen=True)
class Trades:
    """Trades of one block in order, with the running volume, high and low since it began."""

    index: Ints
    price: Floats
    size: Floats
    volume: Floats
    high: Floats
    low: Floats


@dataclass(frozen=True)
class Summary:
    """One block of trades in five numbers."""

    open: float
    high: float
    low: float
    close: float
    volume: float


class Tape(ABC):
    """What is the same for shares and options; subclasses quote and pace the trades."""

    pause: int
    activity: float

    def __init__(self, seed: int, con_id: int) -> None:
        keys = [stream_key(seed, con_id, 100 + purpose) for purpose in range(6)]
        self.trade_key, self.side_key, self.size_key = keys[:3]
        self.bid_key, self.ask_key, self.spread_key = keys[3:]
        self._summaries: dict[int, Summary] = {}
        self.trades = lru_cache(KEPT_TRADES)(self._trades)

    @abstractmethod
    def levels(self, index: Ints) -> Floats:
        """The undisturbed price of the underlying at ticks of one block."""

    @abstractmethod
    def top(self, index: Ints, levels: Floats) -> Top:
        """Best prices and sizes at these ticks."""

    @abstractmethod
    def sizes(self, bits: Hashes) -> Ints:
        """Sizes of trades."""

    def quotes(self, index: Ints) -> Top:
        """Best prices and sizes at ticks of one block."""
        return self.top(index, self.levels(index))

    def _trades(self, block: int) -> Trades:
        index = np.arange(block * BLOCK, (block + 1) * BLOCK, dtype=np.int64)
        happens = (uniform(self.trade_key, index) < self.activity) | (index % self.pause == 0)
        index = index[happens]
        top = self.quotes(index)
        lifted = (hashes(self.side_key, index) & np.uint64(1)).astype(bool) | np.isnan(top.bid)
        price = np.where(lifted, top.ask, top.bid)
        size = self.sizes(hashes(self.size_key, index)).astype(np.float64)
        return Trades(
            index=index,
            price=price,
            size=size,
            volume=np.cumsum(size),
            high=np.maximum.accumulate(price),
            low=np.minimum.accumulate(price),
        )

    def summary(self, block: int) -> Summary:
        """A whole block in five numbers."""
        if block not in self._summaries:
            trades = self.trades(block)
            self._summaries[block] = Summary(
                open=float(trades.price[0]),
                high=float(trades.high[-1]),
                low=float(trades.low[-1]),
                close=float(trades.price[-1]),
                volume=float(trades.volume[-1]),
            )
        return self._summaries[block]


class ShareTape(Tape):
    """A share: one or two cents wide, trading several times a second."""

    pause = SHARE_PAUSE

    def __init__(self, seed: int, listing: Listing) -> None:
        super().__init__(seed, listing.con_id)
        profile = PROFILES[listing.symbol]
        self.activity, self._reference = profile.activity, profile.price
        self._path = Path(seed, listing.con_id, profile.realized)
        self._block_levels = lru_cache(KEPT_PATHS)(self._levels)

    def _levels(self, block: int) -> Floats:
        path = self._path.between(block * BLOCK, (block + 1) * BLOCK)
        return self._reference * (1.0 + path)

    def levels(self, index: Ints) -> Floats:
        """The undisturbed price at ticks of one block."""
        block = int(index[0]) // BLOCK
        return self._block_levels(block)[index - block * BLOCK]

    def top(self, index: Ints, levels: Floats) -> Top:
        """Best prices and sizes; the width holds for two seconds, the sizes for half a second."""
        width = 1 + (uniform(self.spread_key, index >> 3) < WIDE_SHARE).astype(np.int64)
        bid = np.floor(levels * CENT - (width - 1) / 2)
        return Top(
            bid=bid / CENT,
            ask=(bid + width) / CENT,
            bid_size=100.0 * whole(self.bid_key, index >> 1, 1, 20),
            ask_size=100.0 * whole(self.ask_key, index >> 1, 1, 20),
        )

    def sizes(self, bits: Hashes) -> Ints:
        """Four trades in five are odd lots, the fifth is up to 2,000 shares."""
        small = (bits >> np.uint64(8)) % np.uint64(100) + np.uint64(1)
        large = (bits >> np.uint64(24)) % np.uint64(20) * np.uint64(100) + np.uint64(100)
        return np.where(bits % np.uint64(5) == 0, large, small).astype(np.int64)


class OptionTape(Tape):
    """An option: quoted around its Black-Scholes value, traded every few seconds.

    Its time to expiry never falls below `least_seconds`: the value of a moment, not of none.
    """

    pause, activity = OPTION_PAUSE, OPTION_ACTIVITY

    def __init__(
        self, seed: int, listing: Listing, share: ShareTape, expires: float, least_seconds: float
    ) -> None:
        super().__init__(seed, listing.con_id)
        self._listing, self._share = listing, share
        self._expires, self._least = expires, least_seconds
        self.vol = PROFILES[listing.symbol].implied

    def levels(self, index: Ints) -> Floats:
        """The undisturbed price of the underlying at ticks of one block."""
        return self._share.levels(index)

    def seconds_left(self, index: Ints) -> Floats:
        """Seconds to expiry that the model reckons with."""
        left: Floats = np.maximum(self._expires - index * TICK, self._least)
        return left

    def top(self, index: Ints, levels: Floats) -> Top:
        """Best prices and sizes; no bid for what is worth less than a cent, sizes hold 4 s."""
        terms = self._listing
        value = CENT * fair_values(
            levels, terms.strike, terms.right, self.vol, self.seconds_left(index)
        )
        width = np.clip(np.round(value * OPTION_SPREAD), 2.0, 20.0)
        bid = np.floor(value - width / 2 + 0.5)
        quoted = bid >= 1.0
        return Top(
            bid=np.where(quoted, bid / CENT, np.nan),
            ask=np.where(quoted, bid + width, np.maximum(bid + width, 1.0)) / CENT,
            bid_size=np.where(quoted, whole(self.bid_key, index >> 4, 3, 80), 0).astype(np.float64),
            ask_size=whole(self.ask_key, index >> 4, 3, 80).astype(np.float64),
        )

    def sizes(self, bits: Hashes) -> Ints:
        """One to ten contracts."""
        return (bits % np.uint64(10)).astype(np.int64) + 1
