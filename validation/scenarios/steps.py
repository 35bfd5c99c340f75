"""Steps that several scenarios share: contracts of the configuration, fresh quotes, waits."""

from collections.abc import Sequence
from datetime import datetime

from brokerage.errors import ErrorClass, GatewayError
from brokerage.gateway import Contract, ContractSpec, Desk, Quote
from brokerage.safety import quote_problem
from validation.scenarios.trial import Trial

# Waits shrink with a gateway's speed, the machine's own delays don't: allowed for on top.
SCHEDULING_WALL_S = 0.5
WAIT_TOLERANCE = 0.2


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


def unfresh(trial: Trial, quote: Quote, now: datetime) -> str:
    """Say why nobody may act on this quote now; empty when it is complete and fresh."""
    problem = quote_problem(quote, now, age_limit(trial))
    return "" if problem is None else problem.text


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
