"""Steps that several scenarios share: contracts of the configuration, fresh quotes, waits."""

import math
from collections.abc import Sequence
from datetime import datetime

from brokerage.calendar import is_regular_hours
from brokerage.errors import ErrorClass, GatewayError, OrderRefused
from brokerage.gateway import Contract, ContractSpec, Desk, Quote
from brokerage.models import OrderRecord
from brokerage.safety import QUOTE_AHEAD_SECONDS, quote_problem
from validation.scenarios.trial import Trial

# Waits shrink with a gateway's speed, the machine's own delays don't: allowed for on top.
SCHEDULING_WALL_S = 0.5
WAIT_TOLERANCE = 0.2
LATEST_BARS = ("1800 S", "1 min")  # duration and size
AGREES_WITH_BARS = 0.005  # of the price: well above the noise of a minute


def allowance(trial: Trial) -> float:
    """Return the session seconds that the machine may lose on its own; none at real speed."""
    return 0.0 if trial.target.speed == 1 else SCHEDULING_WALL_S * trial.target.speed


def spy(trial: Trial) -> ContractSpec:
    """Return the configured stock to quote."""
    stock = trial.config.test_contracts.spy
    return ContractSpec(
        stock.symbol, sec_type=stock.sec_type, exchange=stock.exchange, currency=stock.currency
    )


def age_limit(trial: Trial) -> float:
    """Return below which age, in session seconds, a live quote counts as fresh here."""
    return trial.config.thresholds.quote_freshness_seconds + allowance(trial)


def objection(trial: Trial, quote: Quote | None, now: datetime) -> OrderRefused | None:
    """Return why the order decision turns this quote down now, if it does; nothing is sent."""
    ahead = QUOTE_AHEAD_SECONDS + trial.clock.doubt + allowance(trial)
    return quote_problem(quote, now, age_limit(trial), ahead)


def unfresh(trial: Trial, quote: Quote, now: datetime) -> str:
    """Say why nobody may act on this quote now; empty when it is complete and fresh."""
    problem = objection(trial, quote, now)
    return "" if problem is None else problem.text


def market_open(trial: Trial, desk: Desk | None = None) -> bool:
    """Say whether the exchange trades now, by the gateway's time."""
    return trial.target.always_open or is_regular_hours((desk or trial.desk).now())


async def intents(trial: Trial) -> int:
    """Return how many orders stand on record for this scenario, those that never left included."""
    return await OrderRecord.objects.filter(ref__startswith=trial.ref).acount()


async def snapshot(trial: Trial, contract: Contract) -> Quote | None:
    """Take a snapshot, whatever its quality; None, with a failed check, when it does not come."""
    limit = trial.config.thresholds.snapshot_timeout_seconds
    name, expected = f"{contract.symbol} quote arrives", f"within {limit:g} s"
    try:
        quote = await trial.desk.quote(contract, limit=limit)
    except GatewayError as error:
        trial.check(name, expected, str(error), passed=False)
        return None
    trial.check(name, expected, f"after {quote.snapshot_ms:.0f} ms", passed=True)
    return quote


async def check_by_bars(
    trial: Trial, name: str, quote: Quote, within: float = AGREES_WITH_BARS
) -> bool:
    """Check that the newest historical bar of a contract tells the same price as its quote."""
    limit = trial.config.thresholds.historical_timeout_seconds
    expected = f"within {within:.1%} of the newest bar"
    try:
        bars = await trial.desk.bars(quote.contract, *LATEST_BARS, limit=limit)
    except GatewayError as error:
        return trial.check(name, expected, str(error), passed=False)
    close = bars[-1].close if bars else math.nan
    agrees = abs(quote.last / close - 1) <= within
    return trial.check(name, expected, f"{quote.last:g}, newest bar {close:g}", passed=agrees)


async def fresh_quote(trial: Trial, contract: Contract, desk: Desk | None = None) -> Quote | None:
    """Take a snapshot to act on; None, with a failed check, when it is not fit for that."""
    limit, desk = trial.config.thresholds.snapshot_timeout_seconds, desk or trial.desk
    quote = None
    try:
        quote = await desk.quote(contract, limit=limit)
        why = unfresh(trial, quote, desk.now())
    except GatewayError as error:
        why = str(error)
    name = f"fresh quote of {contract.label}"
    return quote if trial.check(name, "complete and fresh", why or "yes", passed=not why) else None


def check_waits(trial: Trial, what: str, wanted: Sequence[float], waits: Sequence[float]) -> None:
    """Measure the waits between attempts and hold them against the agreed ones, within 20 %."""
    for number, wait in enumerate(waits, start=1):
        trial.measure(f"backoff_gap_{number}_s", wait, "s")
    passed = len(waits) == len(wanted) and all(
        due * (1 - WAIT_TOLERANCE) <= wait <= due * (1 + WAIT_TOLERANCE) + allowance(trial)
        for wait, due in zip(waits, wanted, strict=True)
    )
    expected, actual = (
        " / ".join(f"{wait:.3g}" for wait in series) + " s" for series in (wanted, waits)
    )
    trial.check(f"{what}: waits", expected, actual, passed=passed)


def check_complaints(trial: Trial, name: str, heard: int) -> None:
    """Check that none of the gateway's messages, from number `heard` on, is about our rate."""
    complaints = [
        f"{message.code} {message.text}"
        for message in list(trial.desk.messages)[heard:]
        if message.cls is ErrorClass.RATE_LIMIT
    ]
    trial.check(name, "none", "; ".join(complaints) or "none", passed=not complaints)


async def check_connection(trial: Trial, name: str = "connection") -> bool:
    """Check that the connection still works: by an answer, not by what the socket says."""
    try:
        await trial.desk.server_time()
        actual = "answers" if trial.desk.connected else "lost"
    except GatewayError as error:
        actual = str(error)
    return trial.check(name, "answers", actual)
