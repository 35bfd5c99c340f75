"""The tape of one instrument: top of book and trades for each tick, made up when asked for."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from brokerage.simulator.holidays import new_york_date, session
from brokerage.simulator.listings import CENTS, PROFILES, Listing
from brokerage.simulator.market.events import Events
from brokerage.simulator.market.hours import BLOCK
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

CENT = 100.0
# Ticks after which a trade happens at the latest: a quote's age is reckoned from its last trade.
SHARE_PAUSE, OPTION_PAUSE = 8, 12
WIDE_SHARE = 0.12  # how often a share is quoted two cents wide
OPTION_ACTIVITY = 0.02
OPTION_SPREAD = 0.04  # of the value, at least two cents and at most twenty
DOLLARS_3, NICKEL = 300, 5  # cents: from three dollars on, unless the rule says cents
LARGE = 51  # of 256 trades in a share are round lots; the others are odd
# How much of that in each half-hour of a session: the day's volume has the shape of a U.
SHAPE = (2.2, 1.5, 1.2, 1.0, 0.9, 0.8, 0.7, 0.7, 0.75, 0.85, 1.0, 1.3, 2.4)
OFF_HOURS = 0.5
KEPT_LEVELS, KEPT_TRADES = 64, 32  # blocks in memory per instrument: 4 MB and 8 MB at most


@dataclass(frozen=True)
class Top:
    """Best prices (nan where nobody quotes) and displayed sizes at some ticks."""

    bid: Floats
    ask: Floats
    bid_size: Floats
    ask_size: Floats


@dataclass(frozen=True)
class Deals:
    """The trades of one block in order."""

    index: Ints
    price: Floats
    size: Floats


@dataclass(frozen=True)
class Trades(Deals):
    """The same with the running volume, high and low since the block began."""

    volume: Floats
    high: Floats
    low: Floats


@dataclass(frozen=True)
class Summary:
    """One block of trades in a few numbers; nan prices where there was none."""

    open: float
    high: float
    low: float
    close: float
    volume: float
    turnover: float
    count: int


Row = tuple[float, float, float, float]  # open, high, low, close

NO_TRADES = Summary(math.nan, -math.inf, math.inf, math.nan, 0.0, 0.0, 0)


class Tape(ABC):
    """What is the same for shares and options; subclasses quote and pace the trades.

    A block begins with a trade unless a halt forbids it.
    """

    pause: int
    activity: float
    quoted = True  # whether there are bids and asks

    def __init__(self, seed: int, con_id: int, *events: Events) -> None:
        keys = [stream_key(seed, con_id, 100 + purpose) for purpose in range(4)]
        self.deal_key, self.bid_key, self.ask_key, self.spread_key = keys
        self._events = events
        self._summaries: dict[int, Summary] = {}
        self.rows: dict[tuple[str, int], Row] = {}  # of a kind of quotes in whole blocks
        self.trades = lru_cache(KEPT_TRADES)(self._trades)

    @abstractmethod
    def levels(self, index: Ints) -> Floats:
        """The undisturbed price of the underlying at ticks of one block."""

    @abstractmethod
    def prices(self, index: Ints) -> tuple[Floats, Floats]:
        """Best bid (nan where there is none) and ask at ticks of one block."""

    @abstractmethod
    def quotes(self, index: Ints) -> Top:
        """Best prices and sizes at ticks of one block."""

    @abstractmethod
    def sizes(self, bits: Hashes, block: int) -> Ints:
        """Sizes of trades."""

    def deals(self, block: int) -> Deals:
        """The trades of a block, made from one hash for each tick."""
        index = np.arange(block * BLOCK, (block + 1) * BLOCK, dtype=np.int64)
        bits = hashes(self.deal_key, index)
        happens = bits & np.uint64(0xFFFF) < np.uint64(int(self.activity * 0x10000))
        happens[:: self.pause] = True
        for events in self._events:
            happens = events.trading(index, happens)
        chosen = np.flatnonzero(happens)  # far quicker than two choices by truth
        index, bits = index[chosen], bits[chosen]
        if not len(index):
            return Deals(index, np.empty(0), np.empty(0))
        return Deals(index, self.paid(index, bits), self.sizes(bits, block).astype(np.float64))

    def paid(self, index: Ints, bits: Hashes) -> Floats:
        """What is paid at ticks of one block at which there is a trade: the ask or the bid."""
        bid, ask = self.prices(index)
        lifted = (bits >> np.uint64(16) & np.uint64(1)).astype(bool) | np.isnan(bid)
        return np.where(lifted, ask, bid)

    def _trades(self, block: int) -> Trades:
        deals = self.deals(block)
        return Trades(
            deals.index,
            deals.price,
            deals.size,
            volume=np.cumsum(deals.size),
            high=np.maximum.accumulate(deals.price),
            low=np.minimum.accumulate(deals.price),
        )

    def summary(self, block: int) -> Summary:
        """A whole block in a few numbers."""
        if block not in self._summaries:
            deals = self.deals(block)
            self._summaries[block] = _summary(deals) if len(deals.index) else NO_TRADES
        return self._summaries[block]

    def last_before(self, block: int) -> tuple[int, float, float]:
        """Tick, price and size of the last trade before a block that a halt has left without."""
        while True:
            block -= 1
            deals = self.deals(block)
            if len(deals.index):
                return int(deals.index[-1]), float(deals.price[-1]), float(deals.size[-1])


def _summary(deals: Deals) -> Summary:
    price, size = deals.price, deals.size
    return Summary(
        open=float(price[0]),
        high=float(price.max()),
        low=float(price.min()),
        close=float(price[-1]),
        volume=float(size.sum()),
        turnover=float(price @ size),
        count=len(price),
    )


def share_of_volume(block: int) -> float:
    """How busy a half-hour is: the shape of the regular session, and little outside it."""
    at = block * BLOCK * TICK
    hours = session(new_york_date(at))
    place = int((at - hours[0]) // (BLOCK * TICK)) if hours else -1
    return SHAPE[place] if 0 <= place < len(SHAPE) else OFF_HOURS


class PathTape(Tape):
    """What has a path of its own, and is not derived from another instrument."""

    def __init__(
        self, seed: int, con_id: int, events: Events, reference: float, volatility: float
    ) -> None:
        """`volatility`, per year, is that of the path around the `reference` level."""
        super().__init__(seed, con_id, events)
        self._reference, self._own = reference, events
        self._path = Path(seed, con_id, volatility)
        self._block_levels = lru_cache(KEPT_LEVELS)(self._levels)

    def _levels(self, block: int) -> Floats:
        path = self._path.between(block * BLOCK, (block + 1) * BLOCK)
        path += 1.0
        path *= self._reference
        return self._own.moved(block * BLOCK, path)

    def levels(self, index: Ints) -> Floats:
        """The undisturbed price at ticks of one block."""
        block = int(index[0]) // BLOCK
        return self._block_levels(block)[index - block * BLOCK]


class ShareTape(PathTape):
    """A share: one or two cents wide, trading several times a second."""

    pause = SHARE_PAUSE

    def __init__(self, seed: int, listing: Listing, events: Events) -> None:
        profile = PROFILES[listing.symbol]
        super().__init__(seed, listing.con_id, events, profile.price, profile.realized)
        self.activity = profile.activity

    def prices(self, index: Ints) -> tuple[Floats, Floats]:
        """Best bid and ask; the width holds for two seconds."""
        places = index >> 3
        first = places[0]
        stretch = np.arange(first, places[-1] + 1)
        wide = (uniform(self.spread_key, stretch) < WIDE_SHARE)[places - first]
        bid = np.floor(self.levels(index) * CENT - 0.5 * wide)
        return bid / CENT, (bid + 1.0 + wide) / CENT

    def quotes(self, index: Ints) -> Top:
        """Best prices and sizes; the sizes hold for half a second."""
        bid, ask = self.prices(index)
        return Top(
            bid=bid,
            ask=ask,
            bid_size=100.0 * whole(self.bid_key, index >> 1, 1, 20),
            ask_size=100.0 * whole(self.ask_key, index >> 1, 1, 20),
        )

    def sizes(self, bits: Hashes, block: int) -> Ints:
        """Four trades in five are odd lots, the fifth is up to 2,000 shares."""
        large = bits >> np.uint64(49) & np.uint64(0xFF)
        return np.where(
            large < np.uint64(int(LARGE * share_of_volume(block))),
            _scaled(bits, 33, 20) * 100,
            _scaled(bits, 17, 100),
        )


def _scaled(bits: Hashes, shift: int, top: int) -> Ints:
    """A whole number from 1 to `top` from sixteen of the bits."""
    part = bits >> np.uint64(shift) & np.uint64(0xFFFF)
    part *= np.uint64(top)
    part >>= np.uint64(16)
    return part.view(np.int64) + 1


class OptionTape(Tape):
    """An option: quoted around its Black-Scholes value, traded every few seconds.

    Its time to expiry never falls below `least_seconds`: the value of a moment, not of none.
    """

    pause, activity = OPTION_PAUSE, OPTION_ACTIVITY

    def __init__(
        self,
        seed: int,
        listing: Listing,
        share: ShareTape,
        expires: float,
        least_seconds: float,
        *events: Events,
    ) -> None:
        super().__init__(seed, listing.con_id, *events)
        self._listing, self._share = listing, share
        self._expires, self._least = expires, least_seconds
        self._coarse = listing.rule != CENTS
        self.vol = PROFILES[listing.symbol].implied

    def levels(self, index: Ints) -> Floats:
        """The undisturbed price of the underlying at ticks of one block."""
        return self._share.levels(index)

    def seconds_left(self, index: Ints) -> Floats:
        """Seconds to expiry that the model reckons with."""
        left: Floats = np.maximum(self._expires - index * TICK, self._least)
        return left

    def prices(self, index: Ints) -> tuple[Floats, Floats]:
        """Best prices in the increments of its rule; no bid for what is worth less than a cent."""
        terms, levels = self._listing, self.levels(index)
        left = self.seconds_left(index)
        value = CENT * fair_values(levels, terms.strike, terms.right, self.vol, left)
        width = np.clip(np.round(value * OPTION_SPREAD), 2.0, 20.0)
        bid = np.floor(value - width / 2 + 0.5)
        ask = np.maximum(bid + width, 1.0)
        if self._coarse:
            bid = np.where(bid < DOLLARS_3, bid, np.floor(bid / NICKEL) * NICKEL)
            ask = np.where(ask < DOLLARS_3, ask, np.ceil(ask / NICKEL) * NICKEL)
        return np.where(bid >= 1.0, bid / CENT, np.nan), ask / CENT

    def quotes(self, index: Ints) -> Top:
        """Best prices and sizes; sizes hold four seconds."""
        bid, ask = self.prices(index)
        shown = whole(self.bid_key, index >> 4, 3, 80)
        return Top(
            bid=bid,
            ask=ask,
            bid_size=np.where(np.isnan(bid), 0, shown).astype(np.float64),
            ask_size=whole(self.ask_key, index >> 4, 3, 80).astype(np.float64),
        )

    def sizes(self, bits: Hashes, block: int) -> Ints:
        """One to ten contracts."""
        return _scaled(bits, 33, 10)
