"""Stability: a connection for a minute, and a session with a stream for five minutes."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from brokerage.errors import LINK_LOST, GatewayError, unrecovered
from brokerage.gateway import Position
from validation.memory import resident_mb
from validation.scenarios.catalogue import MARKET_HOURS, Category, scenario
from validation.scenarios.figures import nearest_rank, slope
from validation.scenarios.steps import SCHEDULING_WALL_S, allowance, check_by_bars, snapshot, spy
from validation.scenarios.streaming import Heard, check_content, check_gaps, listening
from validation.scenarios.trial import Trial

EVERY_S, TIMES = 1.0, 60  # BC-06: how often, and how many times
ANSWER_LIMIT_S = 5.0
MISSED = 1  # answers that may be missing of the minute's
MIDDLE, HIGH = 50, 95  # percentiles

LONG_S = 300.0
TIME_EVERY_S, POSITIONS_EVERY_S, MEMORY_EVERY_S = 5.0, 60.0, 5.0
ANSWERED_SHARE = 0.95
GROWTH_MB, SLOPE_MB = 10.0, 2.0  # of resident memory after the first minute, per minute
WARM_S, MINUTE_S = 60.0, 60.0
FARM_BROKEN, FARM_BREAKS = 2103, 2


@dataclass
class Answers:
    """What became of requests that were made by a timetable; round trips in real ms."""

    asked: int = 0
    rtts: list[float] = field(default_factory=list)
    why: str = ""

    @property
    def share(self) -> float:
        """The share of requests that were answered."""
        return len(self.rtts) / self.asked if self.asked else 0.0


async def timetable(
    trial: Trial, every: float, times: int, ask: Callable[[], Awaitable[object]], keep: str = ""
) -> Answers:
    """Ask so many times, at fixed moments `every` session seconds apart.

    With `keep`, the kind of a raw sample, every round trip is kept, one without an answer, too.

    A round trip counts from the moment at which it was due: a late answer delays the requests
    after it. What is not sent by the timetable's end, or for a lost connection, is not answered.
    """
    answers, clock = Answers(asked=times), trial.clock
    began = clock.elapsed()
    over = began + times * every + allowance(trial)
    for due in (began + number * every for number in range(times)):
        if clock.elapsed() > over or not trial.desk.connected:
            break
        await clock.sleep(due - clock.elapsed())
        answered = True
        try:
            await ask()
        except GatewayError as error:
            answers.why, answered = str(error), False
        took = (clock.elapsed() - due) / clock.speed * 1000
        if answered:
            answers.rtts.append(took)
        if keep:
            trial.sample(keep, took, censored=not answered)
    return answers


@scenario(
    id="BC-06",
    slug="gateway-connection-stability",
    title="Gateway connection stability",
    category=Category.BC,
    timeout=150,
    expected=EVERY_S * TIMES,
    severity="S-HIGH",
)
async def gateway_connection_stability(trial: Trial) -> None:
    """A connection that is used lightly stays up for a minute and answers promptly.

    Asks for the server's time once a second for 60 seconds.

    Passes when

    - the connection is not lost, and the gateway does not report that it has lost the broker's
      servers (codes 1100, 1300, 2110);
    - at least 59 of the 60 requests are answered;
    - 95 % of the answers come within the configured time (500 ms), and on average within the
      configured latency (100 ms); a simulated gateway whose clock runs fast is allowed half a
      second more.
    """
    heard = len(trial.desk.messages)
    answers = await timetable(trial, EVERY_S, TIMES, _time(trial), "CONNECTION")
    _check_link(trial, heard)
    least = TIMES - MISSED
    trial.measure("answers", len(answers.rtts))
    actual = f"{len(answers.rtts)} of {TIMES}. {answers.why}".strip(". ")
    enough = len(answers.rtts) >= least
    trial.check("answers", f"at least {least} of {TIMES}", actual, passed=enough)
    if answers.rtts:
        _check_round_trips(trial, answers.rtts)


def _check_link(trial: Trial, heard: int) -> None:
    """Check that neither the connection nor the gateway's own link was lost since `heard`."""
    losses = trial.losses
    trial.measure("disconnects", len(losses))
    trial.check("unplanned disconnects", "none", "; ".join(losses) or "none", passed=not losses)
    codes = [message.code for message in trial.desk.messages[heard:] if message.code in LINK_LOST]
    told = ", ".join(map(str, codes)) or "none"
    expected = "none of " + ", ".join(map(str, sorted(LINK_LOST)))
    trial.check("codes of a lost link", expected, told, passed=not codes)


def _check_round_trips(trial: Trial, rtts: Sequence[float]) -> None:
    average, p95 = sum(rtts) / len(rtts), nearest_rank(rtts, HIGH)
    trial.measure("rtt_avg", average, "ms")
    trial.measure("rtt_p50", nearest_rank(rtts, MIDDLE), "ms")
    trial.measure("rtt_p95", p95, "ms")
    trial.measure("rtt_max", max(rtts), "ms")
    limits = trial.config.thresholds
    more = 0.0 if trial.target.speed == 1 else SCHEDULING_WALL_S * 1000
    for name, value, limit in (
        ("average round trip", average, limits.connection_latency_ms),
        ("95 % of the round trips", p95, limits.connection_p95_ms),
    ):
        expected, actual = f"below {limit:g} ms", f"{value:.1f} ms"
        trial.check(name, expected, actual, passed=value < limit + more)


@scenario(
    id="RS-05",
    slug="extended-session-stability",
    title="Extended session stability",
    category=Category.RS,
    timeout=660,
    expected=LONG_S,
    severity="S-HIGH",
    needs=[MARKET_HOURS],
    cases=(16,),
)
async def extended_session_stability(trial: Trial) -> None:
    """A session with a stream runs for five minutes without a loss, a gap or a leak.

    For 300 seconds keeps the managed stream of SPY open, asks for the server's time each 5 seconds
    and for the positions each 60, and takes a sample of this process's memory each 5 seconds.

    Passes when

    - the connection is not lost; no code tells of a link or a data farm that broke and did not
      recover, and the market data farm does not break again and again;
    - at least 95 % of the requests are answered, and the positions stay what they were;
    - resident memory stays below the configured limit (500 MB), and after the first minute it
      grows by less than 10 MB and its slope (least squares) is below 2 MB a minute;
    - no gap between updates is longer than configured (10 seconds), the prices move, and at the
      end the quote agrees with the newest bar.
    """
    contract = await trial.desk.qualify(spy(trial))
    heard = len(trial.desk.messages)
    seen: list[list[Position]] = []
    async with listening(trial, contract) as stream:
        times, positions, memory = await asyncio.gather(
            timetable(
                trial, TIME_EVERY_S, round(LONG_S / TIME_EVERY_S), _time(trial), "CONNECTION"
            ),
            timetable(
                trial, POSITIONS_EVERY_S, round(LONG_S / POSITIONS_EVERY_S), _positions(trial, seen)
            ),
            _sample_memory(trial, stream),
        )
    _check_link(trial, heard)
    _check_farms(trial, heard)
    _check_answers(trial, times, positions)
    _check_positions(trial, seen)
    _check_memory(trial, memory)
    check_gaps(trial, stream, LONG_S, trial.config.thresholds.session_max_gap_seconds)
    check_content(trial, stream, LONG_S)
    if quote := await snapshot(trial, contract):
        await check_by_bars(trial, "quote agrees with the newest bar", quote)


def _time(trial: Trial) -> Callable[[], Awaitable[object]]:
    return lambda: trial.desk.server_time(ANSWER_LIMIT_S)


def _positions(trial: Trial, seen: list[list[Position]]) -> Callable[[], Awaitable[None]]:
    async def ask() -> None:
        seen.append(await trial.desk.positions())

    return ask


async def _sample_memory(trial: Trial, stream: Heard) -> list[tuple[float, float]]:
    """Return (second, resident MB) to the end, or until the stream ends before it."""
    began, series = trial.clock.elapsed(), [(0.0, resident_mb())]
    while series[-1][0] < LONG_S and not stream.over.is_set():
        await stream.go_on(trial, MEMORY_EVERY_S)
        series.append((trial.clock.elapsed() - began, resident_mb()))
    return series


def _check_farms(trial: Trial, heard: int) -> None:
    codes = [message.code for message in trial.desk.messages[heard:]]
    broken = ", ".join(map(str, unrecovered(codes)))
    name = "links and data farms that did not recover"
    trial.check(name, "none", broken or "none", passed=not broken)
    breaks = codes.count(FARM_BROKEN)
    few = breaks <= FARM_BREAKS
    trial.check("breaks of the market data farm", f"at most {FARM_BREAKS}", breaks, passed=few)


def _check_answers(trial: Trial, times: Answers, positions: Answers) -> None:
    if times.rtts:
        trial.measure("rtt_p95", nearest_rank(times.rtts, HIGH), "ms")
    for name, answers in (("times", times), ("positions", positions)):
        actual = f"{len(answers.rtts)} of {answers.asked}. {answers.why}".strip(". ")
        expected, enough = f"at least {ANSWERED_SHARE:.0%}", answers.share >= ANSWERED_SHARE
        trial.check(f"answers with {name}", expected, actual, passed=enough)


def _check_positions(trial: Trial, seen: Sequence[list[Position]]) -> None:
    """Nothing is ordered here, so nothing may change: if it does, somebody else trades."""
    tables = [{row.con_id: row.quantity for row in rows} for rows in seen]
    changed = [table for table in tables[1:] if table != tables[0]]
    actual = f"{tables[0]}, later {changed[0]}" if changed else "unchanged"
    trial.check("positions", "unchanged", actual)


def _check_memory(trial: Trial, series: Sequence[tuple[float, float]]) -> None:
    """Judge the resident memory, in MB, and its growth once everything is loaded."""
    warm = [(at, used) for at, used in series if at >= WARM_S] or list(series[-1:])
    peak, growth = max(used for _, used in series), warm[-1][1] - warm[0][1]
    per_minute = slope([(at / MINUTE_S, used) for at, used in warm])
    trial.measure("mem_start", series[0][1], "MB")
    trial.measure("mem_peak", peak, "MB")
    trial.measure("mem_slope", per_minute, "MB/min")
    for name, value, limit, unit in (
        ("resident memory", peak, trial.config.thresholds.max_memory_mb, "MB"),
        ("growth of memory after the first minute", growth, GROWTH_MB, "MB"),
        ("slope of memory", per_minute, SLOPE_MB, "MB a minute"),
    ):
        expected, actual = f"below {limit:g} {unit}", f"{value:.1f} {unit}"
        trial.check(name, expected, actual, passed=math.isfinite(value) and value < limit)
