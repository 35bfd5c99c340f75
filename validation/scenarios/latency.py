"""Procedure: how long the gateway takes to acknowledge orders, held against an earlier run."""

from collections.abc import Sequence
from contextlib import suppress

from asgiref.sync import sync_to_async

from brokerage.errors import GatewayTimeout
from brokerage.gateway import OrderState
from brokerage.models import OrderGrant
from validation.models import MetricPlan, SampleKind, Session
from validation.samples import Samples
from validation.scenarios.catalogue import MARKET_HOURS, ORDERS, Category, scenario
from validation.scenarios.steps import spy
from validation.scenarios.trading import Trade, Trader
from validation.scenarios.trial import Trial
from validation.statistics import Timed, p95_ratio_interval, percentile, percentile_interval

ORDERS_PLACED = 50
FAR = 0.5  # of the bid: such an order rests until it is cancelled
RANKS = (50, 95, 99)
JUDGED = 95
NAME = "X-12"
MORE = f"Put a configuration with limits.max_orders of at least {ORDERS_PLACED} in force for more."


@scenario(
    id=NAME,
    slug="latency-benchmark",
    title="Latency benchmark",
    category=Category.X,
    timeout=540,
    expected=240,
    severity="S-MED",
    needs=[MARKET_HOURS, ORDERS],
)
async def latency_benchmark(trial: Trial) -> None:
    """Fifty orders are timed from sending to acknowledgement, and compared with an earlier run.

    Places one share of SPY far below the market, waits for the acknowledgement, cancels it, and so
    on, fifty times. Only the way from here to the gateway and back is measured: how soon a paper
    engine would fill is not the broker's latency. The raw times are kept with the orders.

    Where the session may send fewer orders (`limits.max_orders`), it times those and warns that
    they are INSUFFICIENT: such a run becomes nobody's baseline. Without any it is skipped.

    Passes when

    - every order is acknowledged and cancelled, and none is filled;
    - against the session's baseline, the 95th percentile is slower by less than the configured
      share (0.5); the first run at a gateway becomes the baseline.

    Whether fifty samples prove that much is a warning of its own: the bootstrap interval of the
    ratio must lie below the limit as a whole.
    """
    left = await _orders_left(trial)
    if not left:
        trial.skip(f"The session has no orders left. {MORE}")
    samples = await _samples(trial, min(left, ORDERS_PLACED))
    if samples:
        _check_enough(trial, samples)
        _measure(trial, samples)
        await _compare(trial, samples)


async def _orders_left(trial: Trial) -> int:
    """Return how many orders the session's grant still lets out."""
    grant = await OrderGrant.objects.aget(pk=trial.door.grant_id or 0)
    return max(grant.max_orders - await sync_to_async(grant.orders_used)(), 0)


def _check_enough(trial: Trial, samples: Sequence[Timed]) -> None:
    """Warn of samples that are too few to be a baseline, and of a rank that they can't bound."""
    found = len(samples)
    enough = found >= ORDERS_PLACED
    actual = f"{found}" if enough else f"INSUFFICIENT: {found}. {MORE}"
    expected = f"at least {ORDERS_PLACED}"
    trial.check("samples", expected, actual, passed=enough, required=False)
    unbounded = [rank for rank in RANKS if percentile_interval(samples, rank).high is None]
    for rank in unbounded:
        trial.note(f"{found} samples are insufficient for p{rank}: it has no upper bound.")


async def _samples(trial: Trial, orders: int) -> list[Timed]:
    """Return the time to the acknowledgement of each order, in real ms; empty after a failure."""
    trader = Trader(trial, await trial.desk.qualify(spy(trial)))
    quote = await trader.quote()
    if quote is None:
        return []
    samples, trades = [], []
    for number in range(1, orders + 1):
        trade = await trader.place(f"order {number}", "BUY", quote.bid * FAR, quote, aim="REST")
        if trade is None:
            return []
        trades.append(trade)
        samples.append(await _timed(trial, trade))
        if not await trader.withdraw(trade):
            # One that can't be taken back is enough; the clean-up sees to it.
            break
    _check_orders(trial, trades, samples, orders)
    return samples


async def _timed(trial: Trial, trade: Trade) -> Timed:
    limit = trial.config.thresholds.order_ack_seconds
    with suppress(GatewayTimeout):
        await trade.ticket.acked(limit)
    ms = trade.ticket.acked_ms
    return Timed(trial.clock.wall(limit) * 1000, censored=True) if ms is None else Timed(ms)


def _check_orders(
    trial: Trial, trades: Sequence[Trade], samples: Sequence[Timed], orders: int
) -> None:
    answered = sum(not sample.censored for sample in samples)
    trial.measure("samples", answered)
    trial.check("orders acknowledged", orders, answered)
    cancelled = sum(trade.ticket.status is OrderState.CANCELLED for trade in trades)
    trial.check("orders cancelled", orders, cancelled)
    filled = sum(trade.ticket.filled for trade in trades)
    trial.check("shares bought", "0", f"{filled:g}")


def _measure(trial: Trial, samples: Sequence[Timed]) -> None:
    trial.measure("place_to_ack_max_ms", percentile(samples, 100).value, "ms")
    for rank in RANKS:
        sample = percentile(samples, rank)
        trial.measure(f"place_to_ack_p{rank}_ms", sample.value, "ms")
        if sample.censored:
            trial.note(f"p{rank} falls on an order that was never acknowledged", level="WARNING")


async def _compare(trial: Trial, samples: Sequence[Timed]) -> None:
    """Hold the 95th percentile, and the bootstrap interval of the ratio, against the baseline's."""
    number, earlier = await sync_to_async(baseline)(trial.ref.partition("/")[0])
    if not earlier:
        trial.note("No earlier benchmark to compare with: this run can be the baseline.")
        return
    limit = trial.config.thresholds.latency_delta
    ratio = percentile(samples, JUDGED).value / percentile(earlier, JUDGED).value
    trial.measure("latency_delta", ratio - 1)
    name, expected = f"slower than {number}", f"by less than {limit:.0%}"
    trial.check(name, expected, f"{ratio - 1:+.0%}", passed=ratio - 1 < limit)
    run, before = ({NAME: [one.value for one in series]} for series in (samples, earlier))
    bounds = p95_ratio_interval(run, before)
    low, high = (bounds.low or 0.0) - 1, (bounds.high or 0.0) - 1
    sure, told = high < limit, f"{low:+.0%} to {high:+.0%}"
    trial.check(f"{name}, by its interval", expected, told, passed=sure, required=False)


def baseline(scope: str) -> tuple[str, list[Timed]]:
    """Return the baseline that a session's plan of metrics names, and its acknowledgements."""
    plan = MetricPlan.objects.filter(session__number=scope).first()
    number = str(plan.content.get("baseline") or "") if plan else ""
    session = Session.objects.filter(number=number).first()
    if session is None:
        return "", []
    samples = Samples(session).of(SampleKind.PLACE)
    return number, [one.timed for one in samples if one.scenario == NAME and not one.planned]
