"""What somebody did to an instrument while the market ran: price moves and halts."""

import math

import numpy as np
from numpy.typing import NDArray

from brokerage.simulator.market.noise import Floats, Ints


class Events:
    """Moves and halts of one instrument, each from a tick on; the past before it never changes."""

    def __init__(self) -> None:
        self._moves: list[tuple[int, float]] = []  # first tick, factor since then
        self._halts: list[tuple[int, float]] = []  # first tick without trades, first with them

    def move(self, tick: int, ratio: float) -> None:
        """From this tick on prices are `ratio` times what they would have been."""
        before = self._moves[-1][1] if self._moves else 1.0
        self._moves.append((tick, before * ratio))

    def halt(self, tick: int) -> None:
        """No trades from this tick on; nothing happens if there are none anyway."""
        if not self.halted:
            self._halts.append((tick, math.inf))

    def resume(self, tick: int) -> None:
        """Trades again from this tick on."""
        if self.halted:
            first, _ = self._halts.pop()
            self._halts.append((first, tick))

    @property
    def halted(self) -> bool:
        """Whether a halt has not been lifted."""
        return bool(self._halts) and self._halts[-1][1] == math.inf

    def moved(self, first: int, levels: Floats) -> Floats:
        """Prices at the ticks from `first` on as the moves make them."""
        if not self._moves or first + len(levels) <= self._moves[0][0]:
            return levels
        ticks, factors = zip(*self._moves, strict=True)
        index = np.arange(first, first + len(levels))
        position = np.searchsorted(np.array(ticks), index, side="right")
        moved: Floats = levels * np.array([1.0, *factors])[position]
        return moved

    def trading(self, index: Ints, happens: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """At which of the ticks there may be a trade."""
        for first, stop in self._halts:
            happens = happens & ~((index >= first) & (index < stop))
        return happens
