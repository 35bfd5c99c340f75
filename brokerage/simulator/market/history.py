"""Historical bars, cut from the same tape that the stream is."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

import numpy as np

from brokerage.simulator.holidays import new_york_date
from brokerage.simulator.market.hours import (
    AlwaysOpen,
    ByCalendar,
    last_full_session,
    last_opened_session,
    regular,
    sessions_back,
)
from brokerage.simulator.market.noise import TICK, Floats, Ints
from brokerage.simulator.market.shapes import Bar, BarRequestError
from brokerage.simulator.market.tape import BLOCK, Tape

DAILY = 86400
MINUTE, HOUR = 60, 3600
BAR_SECONDS = (
    {f"{n} secs": n for n in (1, 5, 10, 15, 30)}
    | {f"{n} mins": n * MINUTE for n in (2, 3, 5, 10, 15, 20, 30)}
    | {f"{n} hours": n * HOUR for n in (2, 3, 4, 8)}
    | {"1 sec": 1, "1 min": MINUTE, "1 hour": HOUR, "1 day": DAILY}
)
CALENDAR_DAYS = {"W": 7, "M": 30, "Y": 365}
KINDS = ("TRADES", "MIDPOINT", "BID", "ASK", "BID_ASK")
MOST_BARS = 20_000
LONGEST = {"S": 86_400, "D": 365, "W": 52, "M": 12, "Y": 1}

Window = tuple[float, float]


@dataclass(frozen=True)
class Request:
    """A checked bar request; `end` in epoch seconds, never later than now."""

    end: float
    amount: int
    unit: str  # S, D, W, M, Y
    size: int  # seconds
    what: str
    rth: bool

    @classmethod
    def parse(cls, end: float, duration: str, bar_size: str, what: str, rth: bool) -> "Request":
        """Raises BarRequestError for what a gateway does not serve."""
        amount, _, unit = duration.strip().partition(" ")
        size = BAR_SECONDS.get(bar_size.strip())
        if unit not in LONGEST or not amount.isdigit() or not 0 < int(amount) <= LONGEST[unit]:
            raise BarRequestError(f"Invalid duration: {duration}")
        if size is None or (size == DAILY and unit == "S"):
            raise BarRequestError(f"Invalid bar size: {bar_size} for {duration}")
        if what not in KINDS:
            raise BarRequestError(f"Invalid kind of data: {what}")
        return cls(end, int(amount), unit, size, what, rth)


def bars(tape: Tape, hours: AlwaysOpen, request: Request) -> list[Bar]:
    """Bars in ascending order; raises BarRequestError when there would be too many."""
    spans = list(windows(hours, request))
    expected = sum((end - start) / request.size for start, end in spans)
    if expected > MOST_BARS:
        raise BarRequestError("Duration is too long for this bar size")
    return [bar for start, end in spans for bar in _cut(tape, request, start, end)]


def windows(hours: AlwaysOpen, request: Request) -> Iterator[Window]:
    """The stretches of time that a request covers, ascending."""
    if request.unit == "S":
        yield from _seconds(hours, request)
        return
    extended = not request.rth
    if isinstance(hours, ByCalendar):
        newest = last_opened_session(request.end)
    else:  # around the clock there is no session under way: the last whole one counts
        newest = last_full_session(request.end, extended=extended)
    if request.unit == "D":
        days = list(islice(sessions_back(newest), request.amount))
    else:
        back = timedelta(days=request.amount * CALENDAR_DAYS[request.unit])
        oldest = new_york_date(request.end) - back
        days = [day for day in islice(sessions_back(newest), back.days) if day > oldest]
    for day in reversed(days):
        start, end = regular(day, extended=extended)
        yield start, min(end, request.end)


def _seconds(hours: AlwaysOpen, request: Request) -> Iterator[Window]:
    """The last so many seconds of trading, in whole bars."""
    last = (hours.tick(request.end) + 1) * TICK
    end = min(request.end, last) if hours.is_open(request.end) else last
    start = (end - request.amount) // request.size * request.size
    if isinstance(hours, ByCalendar):
        start = max(start, hours.day_start(request.end))
    whole = end // request.size * request.size
    yield start, whole if whole > start else end


def _starts(request: Request, start: float, end: float) -> list[float]:
    """Bars begin where the stretch does and then at multiples of their size."""
    if request.size == DAILY:
        return [start]
    first = (start // request.size + 1) * request.size
    return [start, *np.arange(first, end, request.size).tolist()]


def _cut(tape: Tape, request: Request, start: float, end: float) -> Iterator[Bar]:
    """The bars of one stretch; one without a trade repeats the close before it."""
    if end <= start:
        return
    if request.what == "TRADES":
        series = _traded(tape, start, end)
    else:
        series = _quoted(tape, request.what, start, end)
    starts = _starts(request, start, end)
    edges = [*np.searchsorted(series.index * TICK, starts).tolist(), len(series.index)]
    date = new_york_date(start).strftime("%Y%m%d") if request.size == DAILY else ""
    close = float("nan")
    for at, lower, upper in zip(starts, edges[:-1], edges[1:], strict=True):
        if lower < upper:
            bar = series.bar(at, date, slice(lower, upper))
        else:
            bar = Bar(at, date, close, close, close, close, 0.0, close, 0)
        close = bar.close
        if not math.isnan(close):
            yield bar


@dataclass(frozen=True)
class Series:
    """Prices by tick; `low` and `high` differ for bid-and-ask bars alone; sizes of trades."""

    index: Ints
    low: Floats
    high: Floats
    sizes: Floats | None

    def bar(self, at: float, date: str, part: slice) -> Bar:
        """One bar from a part that is not empty."""
        low, high = self.low[part], self.high[part]
        first, last = float(low[0]), float(high[-1])
        if self.low is not self.high:  # bid and ask: the averages of both
            first, last = float(low.mean()), float(high.mean())
        bottom, top = float(low.min()), float(high.max())
        if self.sizes is None:
            return Bar(at, date, first, top, bottom, last, -1.0, -1.0, -1)
        sizes = self.sizes[part]
        volume = float(sizes.sum())
        wap = round(float(low @ sizes) / volume, 4)
        return Bar(at, date, first, top, bottom, last, volume, wap, len(sizes))


def _blocks(start: float, end: float) -> Iterator[Ints]:
    """The ticks in [start, end), one block after the other."""
    first, stop = math.ceil(start / TICK), math.ceil(end / TICK)
    for block in range(first // BLOCK, (stop - 1) // BLOCK + 1):
        low, high = max(first, block * BLOCK), min(stop, (block + 1) * BLOCK)
        yield np.arange(low, high, dtype=np.int64)


def _traded(tape: Tape, start: float, end: float) -> Series:
    parts = [tape.trades(int(index[0]) // BLOCK) for index in _blocks(start, end)]
    index = np.concatenate([part.index for part in parts])
    inside = (index * TICK >= start) & (index * TICK < end)
    price = np.concatenate([part.price for part in parts])[inside]
    sizes = np.concatenate([part.size for part in parts])[inside]
    return Series(index[inside], price, price, sizes)


def _quoted(tape: Tape, what: str, start: float, end: float) -> Series:
    indexes = list(_blocks(start, end))
    tops = [tape.quotes(index) for index in indexes]
    bid = np.nan_to_num(np.concatenate([top.bid for top in tops]))
    ask = np.concatenate([top.ask for top in tops])
    low, high = {
        "BID": (bid, bid),
        "ASK": (ask, ask),
        "BID_ASK": (bid, ask),
        "MIDPOINT": ((middle := (bid + ask) / 2), middle),
    }[what]
    return Series(np.concatenate(indexes), low, high, None)
