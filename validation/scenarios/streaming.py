"""What a managed stream is judged by: gaps, silence, movement, both sides, order, kind of data."""

import asyncio
import math
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from brokerage.errors import GatewayError
from brokerage.gateway import Contract, Stream, Tick
from brokerage.terms import DATA_TYPES, LIVE_DATA
from validation.scenarios.figures import longest_gap, longest_standstill
from validation.scenarios.steps import allowance
from validation.scenarios.trial import Trial

SIDES = ("bid", "ask")
MOVES_WITHIN_S = 30.0
DISTINCT_PRICES = 3
CROSSED_SHARE = 0.05


@dataclass
class Heard:
    """What came over a stream since `began` (gateway's time), and why it ended, if it did."""

    stream: Stream
    began: datetime
    ticks: list[Tick] = field(default_factory=list)
    ended: str = ""
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def go_on(self, trial: Trial, seconds: float) -> None:
        """Let so many session seconds pass, fewer when the stream ends before."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.over.wait(), seconds / trial.clock.speed)

    def happened(self, tick: Tick) -> float:
        """When the update happened, in session seconds since the stream began."""
        if tick.exchange_time is None:
            return tick.at_session_s
        return (tick.exchange_time - self.began).total_seconds()


@asynccontextmanager
async def listening(trial: Trial, contract: Contract) -> AsyncIterator[Heard]:
    """Open the managed stream of a contract and take down what comes inside the block.

    Its end before the block's, and more open subscriptions afterwards than before, fail checks.
    """
    lines, bound = trial.desk.lines, trial.config.thresholds.stream_buffer_bound
    async with trial.desk.stream(contract, bound=bound) as stream:
        heard = Heard(stream, trial.desk.now())
        task = asyncio.create_task(_take_down(heard))
        try:
            yield heard
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
    trial.check("stream stays open", "to the end", heard.ended or "to the end")
    trial.check("open subscriptions afterwards", lines, trial.desk.lines)


async def _take_down(heard: Heard) -> None:
    try:
        async for tick in heard.stream:
            heard.ticks.append(tick)
    except GatewayError as error:
        heard.ended = str(error)
        heard.over.set()


def check_buffer(trial: Trial, heard: Heard) -> None:
    """Check that the buffer kept to its bound and lost nothing."""
    stream, bound = heard.stream, trial.config.thresholds.stream_buffer_bound
    trial.measure("buffer_peak", stream.peak)
    within = stream.peak <= bound and stream.dropped == 0
    expected, actual = f"at most {bound}, none dropped", f"{stream.peak}, {stream.dropped} dropped"
    trial.check("buffer", expected, actual, passed=within)


def check_gaps(trial: Trial, heard: Heard, seconds: float, limit: float) -> None:
    """Check the longest gap between updates by the exchange's time, and by when they arrived.

    Updates that are held back and come all at once leave no gap by their own times.
    """
    allowed = limit + allowance(trial)
    for name, metric, stamps in (
        ("longest gap", "max_gap_s", [heard.happened(tick) for tick in heard.ticks]),
        ("longest silence", "max_silence_s", [tick.at_session_s for tick in heard.ticks]),
    ):
        gap = longest_gap(stamps, seconds)
        trial.measure(metric, gap, "s")
        trial.check(name, f"at most {limit:g} s", f"{gap:.1f} s", passed=gap <= allowed)


def check_content(trial: Trial, heard: Heard, seconds: float) -> None:
    """Check what the updates say: moving prices, both sides, live data, trades in their order."""
    _check_movement(trial, heard.ticks)
    _check_sides(trial, heard.ticks, seconds)
    _check_kind(trial, heard.stream.data_types)
    backward = heard.stream.backward
    trial.check("trades in the order of their times", "none steps back", _count(backward))


def _check_movement(trial: Trial, ticks: Sequence[Tick]) -> None:
    """A feed may send on and on what it knew when it froze; of four quotes a second some differ."""
    most = max((len(set(prices)) for prices in _prices(ticks).values()), default=0)
    trial.measure("distinct_prices", most)
    least, moved = f"at least {DISTINCT_PRICES}", most >= DISTINCT_PRICES
    trial.check("distinct prices of one side", least, most, passed=moved)
    quotes = _both_sides(ticks)
    still = longest_standstill([(at, (bid, ask)) for at, bid, ask in quotes])
    trial.measure("max_standstill_s", still, "s")
    moving = still <= MOVES_WITHIN_S + allowance(trial)
    expected = f"at most {MOVES_WITHIN_S:g} s"
    trial.check("longest standstill of the quote", expected, f"{still:.1f} s", passed=moving)


def _prices(ticks: Iterable[Tick]) -> dict[str, list[float]]:
    prices: dict[str, list[float]] = {}
    for tick in ticks:
        prices.setdefault(tick.kind, []).append(tick.price)
    return prices


def _both_sides(ticks: Iterable[Tick]) -> list[tuple[float, float, float]]:
    """Return (second, bid, ask) after each update, from when both sides are known."""
    sides = dict.fromkeys(SIDES, math.nan)
    quotes = []
    for tick in ticks:
        if tick.kind in sides:
            sides[tick.kind] = tick.price
        if not math.isnan(sides["bid"] + sides["ask"]):
            quotes.append((tick.at_session_s, sides["bid"], sides["ask"]))
    return quotes


def _check_sides(trial: Trial, ticks: Sequence[Tick], seconds: float) -> None:
    missing = [kind for kind in (*SIDES, "last") if kind not in _prices(ticks)]
    actual = f"no {', no '.join(missing)}" if missing else "all"
    trial.check("bid, ask and last are told", "all", actual)
    share = crossed_share(_both_sides(ticks), seconds)
    trial.measure("crossed_share", share)
    within, expected = share <= CROSSED_SHARE, f"at most {CROSSED_SHARE:.0%} of the time"
    trial.check("bid above ask", expected, f"{share:.0%}", passed=within)


def crossed_share(quotes: Sequence[tuple[float, float, float]], seconds: float) -> float:
    """Return the share of the time in which the bid stood above the ask.

    The two sides of one change come in messages of their own: for a moment they may cross.
    """
    edges = [*quotes, (seconds, 0.0, 0.0)]
    spans = ((later[0] - at, bid > ask) for (at, bid, ask), later in pairwise(edges))
    return sum(max(span, 0.0) for span, crossed in spans if crossed) / seconds


def _check_kind(trial: Trial, data_types: set[int]) -> None:
    told = [DATA_TYPES.get(kind, f"type {kind}") for kind in sorted(data_types)]
    live = data_types == {LIVE_DATA}
    actual = " and ".join(told) or "nothing came"
    trial.check("kind of data throughout", DATA_TYPES[LIVE_DATA], actual, passed=live)


def _count(number: int) -> str:
    return f"{number} do" if number else "none steps back"
