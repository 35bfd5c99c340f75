"""Historical bars, cut from the same tape that the stream is."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain, groupby, islice

import numpy as np

from brokerage.simulator.holidays import new_york_date
from brokerage.simulator.market.hours import (
    BLOCK,
    AlwaysOpen,
    Phase,
    block_at,
    regular,
    sessions_back,
)
from brokerage.simulator.market.noise import TICK, Floats, Ints
from brokerage.simulator.market.requests import DAILY, MONTHLY, Request
from brokerage.simulator.market.shapes import Bar
from brokerage.simulator.market.tape import Row, Summary, Tape

CALENDAR_DAYS = {"W": 7, "M": 30, "Y": 365}
BLOCK_SECONDS = BLOCK * TICK

Window = tuple[float, float]


def parts(tape: Tape, hours: AlwaysOpen, request: Request, since: float) -> Iterator[list[Bar]]:
    """Bars in ascending order, a stretch of trading at a time, none before `since`.

    For each half-hour that was looked through on the way there comes an empty list.
    """
    listed = ((start, end) for start, end in windows(hours, request) if start >= since)
    if request.size <= DAILY:
        for start, end in listed:
            yield from cutting(tape, request.what, request.size, start, end)
        return
    for _, period in groupby(listed, lambda window: _period(request.size, window)):
        daily: list[Bar] = []
        for part in chain.from_iterable(cutting(tape, request.what, DAILY, *day) for day in period):
            daily += part
            yield []
        if daily:
            yield [_merged(daily)]


def windows(hours: AlwaysOpen, request: Request) -> Iterator[Window]:
    """The stretches of trading that a request covers, ascending."""
    if request.unit == "S":
        yield from reversed(list(_seconds(hours, request)))
        return
    newest = hours.newest(request.end)
    if request.unit == "D":
        days = list(islice(sessions_back(newest), request.amount))
    else:
        back = timedelta(days=request.amount * CALENDAR_DAYS[request.unit])
        oldest = new_york_date(request.end) - back
        days = [day for day in islice(sessions_back(newest), back.days) if day > oldest]
    for day in reversed(days):
        start, end = regular(day, extended=hours.extended)
        yield start, min(end, request.end)
    if request.live and request.size < DAILY:
        yield from hours.since(newest, request.end)


def _seconds(hours: AlwaysOpen, request: Request) -> Iterator[Window]:
    """The last so many seconds of trading in whole bars, newest stretch first."""
    size, newest = request.size, True
    for start, end in hours.stretches(request.end, request.amount):
        low = start // size * size
        if hours.phase(low) is Phase.CLOSED:
            low = start
        whole = end // size * size if newest else end
        yield low, whole if whole > low else end
        newest = False


def _period(size: int, window: Window) -> date | tuple[int, int]:
    """Which week or month a session belongs to."""
    day = new_york_date(window[0])
    return (day.year, day.month) if size == MONTHLY else day - timedelta(days=day.weekday())


def _merged(daily: list[Bar]) -> Bar:
    """One bar for the days of a week or month, dated like the last of them."""
    volume = sum(bar.volume for bar in daily) if daily[0].volume >= 0 else -1.0
    turnover = sum(bar.volume * bar.wap for bar in daily)
    return Bar(
        daily[0].time,
        daily[-1].date,
        daily[0].open,
        max(bar.high for bar in daily),
        min(bar.low for bar in daily),
        daily[-1].close,
        volume,
        round(turnover / max(volume, 1.0), 4) if volume >= 0 else -1.0,
        sum(bar.count for bar in daily) if volume >= 0 else -1,
    )


def cut(tape: Tape, what: str, size: int, start: float, end: float) -> list[Bar]:
    """The bars of one stretch; one without a trade repeats the close before it.

    An index has none but those of its levels, which stand for trades.
    """
    return list(chain.from_iterable(cutting(tape, what, size, start, end)))


def cutting(tape: Tape, what: str, size: int, start: float, end: float) -> Iterator[list[Bar]]:
    """The same in the end; before that an empty list for each half-hour looked through."""
    if end <= start or (what != "TRADES" and not tape.quoted):
        return
    whole = not start % BLOCK_SECONDS and not end % BLOCK_SECONDS
    if size == DAILY and what == "TRADES" and whole:
        yield from _day(tape, start, end)
        return
    found: list[Series] = []
    for index in _blocks(start, end):
        found.append(_traded(tape, index) if what == "TRADES" else _quoted(tape, what, index))
        yield []
    if found:
        yield _bars(_joined(found), size, start, end)


def _bars(series: "Series", size: int, start: float, end: float) -> list[Bar]:
    if not len(series.index):
        return []
    starts = _starts(size, start, end)
    edges = np.searchsorted(series.index * TICK, starts)
    counts = np.diff([*edges, len(series.index)])
    filled = counts > 0
    rows = iter(series.bars(edges[filled], counts[filled]))
    date_text = new_york_date(start).strftime("%Y%m%d") if size == DAILY else ""
    return list(_filled(starts, filled.tolist(), rows, date_text))


def running(tape: Tape, what: str, size: int, start: float, until: float) -> Bar | None:
    """The one bar from its start up to a time, as `cut` makes it; None if there is none.

    A bar that is asked for every five seconds looks through a half-hour of bids and asks once.
    """
    if what == "TRADES" or not tape.quoted:
        return next(iter(cut(tape, what, size, start, until)), None)
    rows = [_row(tape, what, index) for index in _blocks(start, until)]
    if not rows:
        return None
    firsts, tops, bottoms, lasts = zip(*rows, strict=True)
    day = new_york_date(start).strftime("%Y%m%d") if size == DAILY else ""
    prices = firsts[0], max(tops), min(bottoms), lasts[-1]
    return Bar(start, day, *prices, volume=-1.0, wap=-1.0, count=-1)


def _row(tape: Tape, what: str, index: Ints) -> Row:
    """Open, high, low and close of bids or asks, or between them, at these ticks of one block."""
    key = what, int(index[0]) // BLOCK
    if len(index) == BLOCK and key in tape.rows:
        return tape.rows[key]
    series = _quoted(tape, what, index)
    first, top, bottom, last, *_ = series.bars(np.array([0]), np.array([len(index)]))[0]
    if len(index) == BLOCK:
        tape.rows[key] = first, top, bottom, last
    return first, top, bottom, last


def bar_start(hours: AlwaysOpen, size: int, at: float) -> float | None:
    """Where the bar begins that a time lies in; None when nothing is traded then."""
    if hours.phase(at) is Phase.CLOSED:
        return None
    opening = hours.opening(at)
    return opening if size >= DAILY else max(opening, at // size * size)


def quiet(last: float, start: float, size: int) -> Bar | None:
    """A bar in which nothing was traded; none if nothing ever was."""
    day = new_york_date(start).strftime("%Y%m%d") if size >= DAILY else ""
    return None if math.isnan(last) else Bar(start, day, last, last, last, last, 0.0, last, 0)


def _filled(
    starts: list[float], filled: list[bool], rows: Iterator[tuple[float, ...]], day: str
) -> Iterator[Bar]:
    """Bars in order; the ones before the first trade are left out."""
    close = math.nan
    for at, there in zip(starts, filled, strict=True):
        if there:
            first, top, bottom, close, volume, wap, count = next(rows)
            yield Bar(at, day, first, top, bottom, close, volume, wap, int(count))
        elif not math.isnan(close):
            yield Bar(at, day, close, close, close, close, 0.0, close, 0)


def _day(tape: Tape, start: float, end: float) -> Iterator[list[Bar]]:
    """The bar of a whole session, from its half-hours; none if nothing was traded."""
    found: list[Summary] = []
    for block in range(block_at(start), block_at(end)):
        found.append(tape.summary(block))
        yield []
    traded = [part for part in found if part.count]
    yield [_folded(start, traded)] if traded else []


def _folded(start: float, found: list[Summary]) -> Bar:
    volume = sum(part.volume for part in found)
    return Bar(
        start,
        new_york_date(start).strftime("%Y%m%d"),
        found[0].open,
        max(part.high for part in found),
        min(part.low for part in found),
        found[-1].close,
        volume,
        round(sum(part.turnover for part in found) / max(volume, 1.0), 4),
        sum(part.count for part in found),
    )


def _starts(size: int, start: float, end: float) -> list[float]:
    """Bars begin where the stretch does and then at multiples of their size."""
    if size == DAILY:
        return [start]
    first = (start // size + 1) * size
    return [start, *np.arange(first, end, size).tolist()]


@dataclass(frozen=True)
class Series:
    """Prices by tick; `low` and `high` differ for bid-and-ask bars alone; sizes of trades."""

    index: Ints
    low: Floats
    high: Floats
    sizes: Floats | None

    def bars(self, edges: Ints, counts: Ints) -> list[tuple[float, ...]]:
        """Open, high, low, close, volume, wap and count of the parts that begin at `edges`."""
        first, last = self.low[edges], self.high[edges + counts - 1]
        if self.low is not self.high:  # bid and ask: the averages of both
            first = np.add.reduceat(self.low, edges) / counts
            last = np.add.reduceat(self.high, edges) / counts
        bottom, top = np.minimum.reduceat(self.low, edges), np.maximum.reduceat(self.high, edges)
        if self.sizes is None:
            none = np.full(len(edges), -1.0)
            columns = (first, top, bottom, last, none, none, none)
        else:
            volume = np.add.reduceat(self.sizes, edges)
            turnover = np.add.reduceat(self.low * self.sizes, edges)
            wap = np.round(turnover / np.maximum(volume, 1.0), 4)  # an index has no volume: 0
            columns = (first, top, bottom, last, volume, wap, counts)
        return list(zip(*(column.tolist() for column in columns), strict=True))


def _blocks(start: float, end: float) -> Iterator[Ints]:
    """The ticks in [start, end), one block after the other."""
    first, stop = math.ceil(start / TICK), math.ceil(end / TICK)
    for block in range(first // BLOCK, (stop - 1) // BLOCK + 1):
        low, high = max(first, block * BLOCK), min(stop, (block + 1) * BLOCK)
        if low < high:
            yield np.arange(low, high, dtype=np.int64)


def _joined(parts: list[Series]) -> Series:
    """The parts, ascending, as one."""
    low = np.concatenate([part.low for part in parts])
    both = parts[0].low is parts[0].high
    return Series(
        np.concatenate([part.index for part in parts]),
        low,
        low if both else np.concatenate([part.high for part in parts]),
        None if parts[0].sizes is None else np.concatenate([part.sizes for part in parts]),
    )


def _traded(tape: Tape, index: Ints) -> Series:
    """The trades at these ticks of one block."""
    deals = tape.trades(int(index[0]) // BLOCK)
    first, stop = np.searchsorted(deals.index, (index[0], index[-1] + 1))
    price = deals.price[first:stop]
    return Series(deals.index[first:stop], price, price, deals.size[first:stop])


def _quoted(tape: Tape, what: str, index: Ints) -> Series:
    """Bids, asks or both at these ticks of one block."""
    bid, ask = tape.prices(index)
    bid = np.nan_to_num(bid)
    low, high = {
        "BID": (bid, bid),
        "ASK": (ask, ask),
        "BID_ASK": (bid, ask),
        "MIDPOINT": ((middle := (bid + ask) / 2), middle),
    }[what]
    return Series(index, low, high, None)
