"""Procedure: how long the gateway takes to acknowledge orders, held against an earlier run."""

from collections.abc import Sequence
from contextlib import suppress

from asgiref.sync import sync_to_async

from brokerage.errors import GatewayTimeout
from brokerage.gateway import OrderState
from validation.models import MetricPlan, SampleKind, Session
from validation.samples import Samples
from validation.scenarios.catalogue import MARKET_HOURS, ORDERS, Category, scenario
from validation.scenarios.steps import spy
from validation.scenarios.trading import Trade, Trader
from validation.scenarios.trial import Trial
from validation.statistics import Timed, p95_ratio_interval, percentile

ORDERS_PLACED = 50
FAR = 0.5  # of the bid: such an order rests until it is cancelled
RANKS = (50, 95, 99)
JUDGED = 95
NAME = "X-12"


@scenario(
    id=NAME,
    slug="latency-benchmark",
    title="Latency benchmark",
    category=Category.X,
    timeout=540,
    severity="S-MED",
    needs=[MARKET_HOURS, ORDERS],
)
async def latency_benchmark(trial: Trial) -> None:
    """Fifty orders are timed from sending to acknowledgement, and compared with an earlier run.

    Places one share of SPY far below the market, waits for the acknowledgement, cancels it, and so
    on, fifty times. Only the way from here to the gateway and back is measured: how soon a paper
    engine would fill is not the broker's latency. The configuration must allow that many orders of
    a session (`limits.max_orders`), else the procedure is skipped.

    Passes when

    - every order is acknowledged and cancelled, and none is filled;
    - against the session's baseline, the 95th percentile is slower by less than the configured
      share (0.5); the first run at a gateway becomes the baseline.

    Whether fifty samples prove that much is a warning of its own: the bootstrap interval of the
    ratio must lie below the limit as a whole.
    """
    allowed = trial.config.limits.max_orders
    if allowed < ORDERS_PLACED:
        trial.skip(
            f"The configuration allows {allowed} orders a session and the benchmark places "
            f"{ORDERS_PLACED}: activate a revision with a higher limits.max_orders first."
        )
    samples = await _samples(trial)
    if samples:
        _measure(trial, samples)
        await _compare(trial, samples)


async def _samples(trial: Trial) -> list[Timed]:
    """Return the time to the acknowledgement of each order, in real ms; empty after a failure."""
    trader = Trader(trial, await trial.desk.qualify(spy(trial)))
    quote = await trader.quote()
    if quote is None:
        return []
    samples, trades = [], []
    for number in range(1, ORDERS_PLACED + 1):
        trade = await trader.place(f"order {number}", "BUY", quote.bid * FAR, quote, aim="REST")
        if trade is None:
            return []
        trades.append(trade)
        samples.append(await _timed(trial, trade))
        if not await trader.withdraw(trade):
            # One that can't be taken back is enough; the clean-up sees to it.
            break
    _check_orders(trial, trades, samples)
    return samples


async def _timed(trial: Trial, trade: Trade) -> Timed:
    limit = trial.config.thresholds.order_ack_seconds
    with suppress(GatewayTimeout):
        await trade.ticket.acked(limit)
    ms = trade.ticket.acked_ms
    return Timed(trial.clock.wall(limit) * 1000, censored=True) if ms is None else Timed(ms)


def _check_orders(trial: Trial, trades: Sequence[Trade], samples: Sequence[Timed]) -> None:
    answered = sum(not sample.censored for sample in samples)
    trial.measure("samples", answered)
    trial.check("orders acknowledged", ORDERS_PLACED, answered)
    cancelled = sum(trade.ticket.status is OrderState.CANCELLED for trade in trades)
    trial.check("orders cancelled", ORDERS_PLACED, cancelled)
    filled = sum(trade.ticket.filled for trade in trades)
    trial.check("shares bought", "0", f"{filled:g}")


def _measure(trial: Trial, samples: Sequence[Timed]) -> None:
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
