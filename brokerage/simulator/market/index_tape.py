"""The tape of an index: a level that is calculated four times a minute, and that nobody quotes."""

import numpy as np

from brokerage.simulator.market.events import Events
from brokerage.simulator.market.noise import Floats, Hashes, Ints, whole
from brokerage.simulator.market.tape import CENT, PathTape, Top

LEVEL, VOLATILITY = 18.0, 0.30  # of the VIX: from 16 to 20 nearly always
JITTER = 3  # hundredths
EVERY = 60  # ticks; the VIX is published every fifteen seconds


class IndexTape(PathTape):
    """An index: its "trades" are its levels, of no size."""

    pause, activity, quoted = EVERY, 0.0, False

    def __init__(self, seed: int, con_id: int, events: Events) -> None:
        super().__init__(seed, con_id, events, LEVEL, VOLATILITY)

    def prices(self, index: Ints) -> tuple[Floats, Floats]:
        """Neither bid nor ask."""
        return np.full(len(index), np.nan), np.full(len(index), np.nan)

    def quotes(self, index: Ints) -> Top:
        """Neither prices nor sizes."""
        nothing = np.zeros(len(index))
        return Top(*self.prices(index), nothing, nothing)

    def paid(self, index: Ints, bits: Hashes) -> Floats:
        """The levels at these ticks, in hundredths; each is a few off the path."""
        off = whole(self.bid_key, index, -JITTER, JITTER)
        return np.asarray((np.round(self.levels(index) * CENT) + off) / CENT)

    def sizes(self, bits: Hashes, block: int) -> Ints:
        """Nothing is traded."""
        return np.zeros(len(bits), dtype=np.int64)
