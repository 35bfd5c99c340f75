"""Procedure: what a quote is worth when the exchange is closed."""

import math
from dataclasses import replace

from brokerage.errors import GatewayError, OrderRefused
from brokerage.gateway import Contract, Intent, Quote
from brokerage.safety import hours_problem
from brokerage.terms import LIVE_DATA, usable
from validation.scenarios.catalogue import Category, scenario
from validation.scenarios.steps import age_limit, market_open, objection, spy
from validation.scenarios.trading import drill_door
from validation.scenarios.trial import Trial

STALE, HOURS = "STALE_QUOTE", "HOURS"
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
    skipped. Takes a snapshot of SPY and offers it to the order decision, as it came and with its
    last price on both sides, so that nothing but its age is against it. Then asks the door about an
    order, on a connection that could send it and under a grant of its own; nothing is sent.

    Passes when

    - the snapshot brings the last close with an old time, or no tick at all;
    - the decision refuses it as it came, and for its age alone as stale;
    - no order could open a position: the door refuses it, for the hours.
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
    await _check_door(trial, contract)


def _check_old(trial: Trial, quote: Quote | None, age: float) -> None:
    if math.isfinite(age):
        trial.measure("quote_age_s", age, "s")
    last = "no tick" if quote is None or not usable(quote.last) else f"last {quote.last:g}"
    actual = f"{last}, {'of no time' if math.isinf(age) else f'{age:.0f} s old'}"
    old = age >= age_limit(trial)
    trial.check("snapshot", "old, or no tick", actual, passed=old)


def _check_refused(trial: Trial, quote: Quote | None) -> None:
    now = trial.desk.now()
    problem = objection(trial, quote, now)
    actual = "accepted" if problem is None else f"{problem.reason}: {problem.text}"
    trial.note(f"Decision on it: {actual}")
    trial.check("decision", "refused", actual, passed=problem is not None)
    stale = objection(trial, _aged_alone(quote), now)
    actual = "accepted" if stale is None else f"{stale.reason}: {stale.text}"
    is_stale = stale is not None and stale.reason == STALE
    trial.measure("stale_detected", is_stale)
    trial.check("class by its age", STALE, actual, passed=is_stale)


def _aged_alone(quote: Quote | None) -> Quote | None:
    """The same quote as if it were whole and live; no quote where there is no last price."""
    if quote is None or not usable(quote.last):
        return None
    return replace(quote, bid=quote.last, ask=quote.last, data_type=LIVE_DATA)


async def _check_door(trial: Trial, contract: Contract) -> None:
    """Ask for a permit that nobody uses: only the hours are against it."""
    problem = hours_problem(trial.target, trial.desk.now())
    trial.check("hours", HOURS, "open" if problem is None else problem.reason)
    intent = Intent("", contract, "BUY", 1, limit_price=1.0, ref=trial.ref)
    async with (
        trial.connect(purpose="the question to the door", readonly=False) as desk,
        drill_door(trial, desk.clock, trial.target.endpoint_id) as (door, _),
    ):
        try:
            await door.check(intent, desk)
            actual = "was let out"
        except OrderRefused as refusal:
            actual = refusal.reason
    trial.check("order", HOURS, actual)
