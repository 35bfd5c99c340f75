"""The policy of snapshots: data stream through the managed subscription alone, within bounds."""

import time
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median

import brokerage
import validation
from brokerage import gateway
from brokerage.errors import LinesExhaustedError, StreamingForbiddenError
from brokerage.gateway import MOST_LINES, Contract, Desk, Simulated, Stream, Tick
from validation.memory import resident_mb
from validation.scenarios.catalogue import Category, scenario
from validation.scenarios.source_scan import streaming_calls
from validation.scenarios.steps import spy
from validation.scenarios.trial import Trial, TrialListener

# The gateway's own side of the wire is not a client of it.
OTHER_SIDE = frozenset({"simulator", "tws", "relay", "rig"})
# The managed subscription itself, its guard, and the question whether the guard is there.
MANAGED = frozenset(
    {
        "market.py _Line.subscribe",
        "market.py unmanaged",
        "policy.py ManagedClient.reqMktData",
        "policy.py ManagedClient.reqHistoricalData",
    }
)
FLOOD, PARTS = 10_000, 10  # a push that blocks is slow in most parts, a busy machine in few
GROWTH_MB, WALL_S = 10.0, 1.0
REQUEST = "ReqMktData"


@scenario(
    id="MD-06",
    slug="snapshot-policy-guard",
    title="Guard of the snapshot policy",
    category=Category.MD,
    timeout=30,
    severity="S-CRIT",
    cases=(17,),
    waivable=False,
    own_connection=True,
)
async def snapshot_policy_guard(trial: Trial) -> None:
    """No way leads to streaming data but the managed subscription, and that one is bounded.

    Reads the product's own source; asks, as careless code would, for a stream beside the managed
    subscription; opens more streams than are allowed; and feeds 10,000 ticks to a stream that
    nobody reads. The gateway is a private simulated one: the real one is not needed.

    Passes when

    - no function of the source but the managed subscription asks for data that stream;
    - the stream beside it is refused, and nothing was sent;
    - one stream more than the limit (20) is refused before anything is sent;
    - the flood does not block, memory grows by less than 10 MB, and the oldest ticks are dropped
      and counted.
    """
    _scan(trial)
    speed, listener = trial.target.speed, TrialListener(trial)
    async with (
        gateway.simulation(speed=speed) as counterpart,
        gateway.connect(counterpart.target, listener=listener) as desk,
    ):
        contract = await desk.qualify(spy(trial))
        await _careless(trial, counterpart, desk, contract)
        await _one_too_many(trial, counterpart, desk, contract)
    await _flood(trial, contract)


def _scan(trial: Trial) -> None:
    violations = []
    for package in (brokerage, validation):
        root = Path(package.__path__[0])
        for path in sorted(root.rglob("*.py")):
            if not OTHER_SIDE & set(path.relative_to(root).parts):
                violations += [
                    f"{path.name}:{line} {call}"
                    for function, line, call in streaming_calls(path.read_text())
                    if f"{path.name} {function}" not in MANAGED
                ]
    trial.measure("violations", len(violations))
    actual = "; ".join(violations) or "none"
    trial.check("streams beside the managed subscription", "none", actual, passed=not violations)


def _requests(counterpart: Simulated) -> int:
    return sum(frame.name == REQUEST for frame in counterpart.transcript)


async def _careless(trial: Trial, counterpart: Simulated, desk: Desk, contract: Contract) -> None:
    name, expected = "stream that nobody manages", StreamingForbiddenError.__name__
    try:
        await desk.unmanaged_stream(contract)
        actual = "was requested"
    except StreamingForbiddenError as error:
        actual = type(error).__name__
    await desk.server_time()
    sent = _requests(counterpart)
    trial.check(name, expected, actual)
    trial.check(f"{name}: requests sent", 0, sent)


async def _one_too_many(
    trial: Trial, counterpart: Simulated, desk: Desk, contract: Contract
) -> None:
    name, expected = "one stream too many", LinesExhaustedError.__name__
    before = _requests(counterpart)
    async with AsyncExitStack() as stack:
        for _ in range(MOST_LINES):
            await stack.enter_async_context(desk.stream(contract))
        try:
            await stack.enter_async_context(desk.stream(contract))
            actual = f"stream {desk.lines} was opened"
        except LinesExhaustedError as error:
            actual = type(error).__name__
        await desk.server_time()
        sent = _requests(counterpart) - before
    trial.check(name, expected, actual)
    trial.check(f"{name}: requests sent", MOST_LINES, sent)
    trial.check("streams open afterwards", 0, desk.lines)


async def _flood(trial: Trial, contract: Contract) -> None:
    """Feed a stream that nobody reads, then read what is left of it."""
    bound = trial.config.thresholds.stream_buffer_bound
    stream, before = Stream(contract, bound), resident_mb()
    took = PARTS * median(_feed(stream, part) for part in range(PARTS))
    grown = resident_mb() - before
    stream.end()
    kept = [tick.at_session_s async for tick in stream]
    trial.measure("dropped_ticks", stream.dropped)
    trial.measure("mem_delta_mb", grown, "MB")
    small = grown < GROWTH_MB
    trial.check("memory", f"grows by less than {GROWTH_MB:g} MB", f"{grown:.1f} MB", passed=small)
    most = min(bound, FLOOD)
    trial.check("ticks dropped and counted", FLOOD - most, stream.dropped)
    newest = [float(number) for number in range(FLOOD - most, FLOOD)]
    trial.check("ticks kept", f"the newest {most}", _kept(kept, newest))
    fast = took < WALL_S
    trial.check("feeding", f"never blocks: below {WALL_S:g} s", f"{took:.2f} s", passed=fast)


def _feed(stream: Stream, part: int) -> float:
    """Push one part of the flood; return the seconds that it took."""
    began = time.perf_counter()
    for number in range(part * FLOOD // PARTS, (part + 1) * FLOOD // PARTS):
        stream.push(Tick(float(number), None, 1.0))
    return time.perf_counter() - began


def _kept(kept: list[float], newest: list[float]) -> str:
    return f"the newest {len(kept)}" if kept == newest else f"{len(kept)} others"
