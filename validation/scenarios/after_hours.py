"""Procedure: what a quote is worth when the exchange is closed."""

import math

from brokerage.errors import GatewayError, OrderRefused
from brokerage.gateway import Door, Intent, Quote
from brokerage.safety import hours_problem
from brokerage.terms import usable
from validation.scenarios.catalogue import Category, scenario
from validation.scenarios.steps import age_limit, market_open, objection, spy
from validation.scenarios.trial import Trial

TRADED_LATE = (
    "{} is still traded outside regular hours, and its quotes are fresh: run this procedure when "
    "that has ended (after 20:00 New York time, or at the weekend)."
)


@scenario(
    id="X-05",
    slug="after-hours-staleness",
    title="Stale data after hours",
    category=Category.X,
    timeout=45,
    severity="S-MED",
    cases=(4,),
)
async def after_hours_staleness(trial: Trial) -> None:
    """When the exchange is closed, its last prices are recognised as old and nothing is ordered.

    To be run after 20:00 New York time, at the weekend or on a holiday; at other times it is
    skipped. Takes a snapshot of SPY and offers it to the order decision; then asks the door to let
    an order out.

    Passes when

    - the snapshot brings the last close with an old time, or no tick at all;
    - it is classed as stale, and the decision refuses it;
    - no order could open a position: the door refuses it, for the hours alone.
    """
    if market_open(trial):
        trial.skip("The exchange is open: this procedure looks at what happens when it is closed.")
    contract = await trial.desk.qualify(spy(trial))
    limit = trial.config.thresholds.snapshot_timeout_seconds
    try:
        quote: Quote | None = await trial.desk.quote(contract, limit=limit)
    except GatewayError as error:
        trial.note(f"No snapshot: {error}", level="WARNING")
        quote = None
    age = math.inf if quote is None else quote.age(trial.desk.now())
    if quote is not None and age < age_limit(trial) and quote.quality == "OK":
        trial.skip(TRADED_LATE.format(contract.symbol))
    _check_old(trial, quote, age)
    _check_refused(trial, quote)
    await _check_door(trial, Intent("", contract, "BUY", 1, limit_price=1.0, ref=trial.ref))


def _check_old(trial: Trial, quote: Quote | None, age: float) -> None:
    if math.isfinite(age):
        trial.measure("quote_age_s", age, "s")
    last = "no tick" if quote is None or not usable(quote.last) else f"last {quote.last:g}"
    actual = f"{last}, {'of no time' if math.isinf(age) else f'{age:.0f} s old'}"
    old = age >= age_limit(trial)
    trial.check("snapshot", "old, or no tick", actual, passed=old)


def _check_refused(trial: Trial, quote: Quote | None) -> None:
    problem = objection(trial, quote, trial.desk.now())
    actual = "accepted" if problem is None else f"{problem.reason}: {problem.text}"
    trial.note(f"Decision on it: {actual}")
    trial.measure("stale_detected", problem is not None)
    trial.check("decision", "refused", actual, passed=problem is not None)


async def _check_door(trial: Trial, intent: Intent) -> None:
    """Ask for a permit that nobody would use; the hours must be among the reasons against it."""
    problem = hours_problem(trial.target, trial.desk.now())
    actual = "open" if problem is None else problem.reason
    trial.check("hours", "HOURS", actual)
    try:
        await Door(None, trial.clock).check(intent, trial.desk)
        actual = "was let out"
    except OrderRefused as refusal:
        actual = f"refused: {refusal.reason}"
    trial.check("order", "refused", actual, passed=actual != "was let out")
