"""Resilience: network time-outs, the message rate, stale quotes, recovery from errors."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

from brokerage import gateway
from brokerage.errors import (
    ContractNotFoundError,
    GatewayError,
    GatewayTimeout,
    RateLimitError,
)
from brokerage.gateway import Contract, Quote, Remark
from brokerage.safety import quote_problem
from brokerage.terms import usable
from validation.scenarios.catalogue import MARKET_HOURS, Category, scenario
from validation.scenarios.steps import (
    WAIT_TOLERANCE,
    allowance,
    check_by_bars,
    check_complaints,
    check_connection,
    check_waits,
    fresh_quote,
    intents,
    objection,
    spy,
)
from validation.scenarios.trial import Trial, TrialListener

UNMEETABLE_S = 0.05
NOTICED_MS = 1000.0  # how late the time-out may be noticed
UNBLOCKED_MS = 2000.0  # how long another request may take meanwhile
CANCEL_CODES = (162, 366)  # the query was cancelled; it had been answered just before
CANCELLED_S, LOOK_S = 5.0, 0.25
OTHER_DURATION = "2 D"  # not the identical request, which would have to wait 15 seconds

SNAPSHOTS = 20
CHEAP_REQUESTS = 200
SPREAD_OVER_S = 3.5
BACKOFF_S = (2.0, 4.0, 8.0)
IDENTICAL_S, SAME_CONTRACT_S = 15.0, 2.0
SIX_SIZES = ("1 min", "2 mins", "3 mins", "10 mins", "15 mins", "30 mins")
INVALID_SYMBOL = "INVALID_SYMBOL_XYZ"


@scenario(
    id="RS-01",
    slug="network-timeout-handling",
    title="Network time-out handling",
    category=Category.RS,
    timeout=75,
    severity="S-HIGH",
    cases=(6,),
)
async def network_timeout_handling(trial: Trial) -> None:
    """A request that takes too long is given up, and nothing else waits for it.

    Asks for historical bars with a limit of 50 milliseconds, which no gateway can meet, and for
    the server's time while they are pending. Then asks for bars again with the normal limit.

    Passes when

    - the first request ends in a time-out error within 1 second after its limit, with one line of
      ours in the log, and is cancelled: the gateway says so, or that it knows of it no more;
    - the server's time arrives within 2 seconds meanwhile, and the connection stays up;
    - the last request brings bars.
    """
    contract = await trial.desk.qualify(spy(trial))
    heard = len(trial.desk.messages)
    await asyncio.gather(_impatient(trial, contract), _meanwhile(trial))
    if await check_connection(trial):
        await _check_cancelled(trial, heard)
        await _patient(trial, contract)


async def _impatient(trial: Trial, contract: Contract) -> None:
    limit_ms = UNMEETABLE_S * 1000
    name, expected = "impatient request", f"time-out error within 1 s after {limit_ms:.0f} ms"
    asked = trial.clock.wall_ms()
    try:
        bars = await trial.desk.bars(contract, limit=UNMEETABLE_S)
    except GatewayTimeout as error:
        took = trial.clock.wall_ms() - asked
        trial.note(f"Request given up after {took:.0f} ms: {error}")
        trial.measure("timeout_detect_ms", took, "ms")
        actual, prompt = f"time-out error after {took:.0f} ms", took <= limit_ms + NOTICED_MS
        trial.check(name, expected, actual, passed=prompt)
        lines = [line for line in trial.remarks(Remark.GIVEN_UP) if line == error.what]
        trial.check("impatient request: lines in the log", 1, len(lines))
    except GatewayError as error:
        trial.check(name, expected, str(error), passed=False)
    else:
        trial.check(name, expected, f"{len(bars)} bars", passed=False)


async def _check_cancelled(trial: Trial, heard: int) -> None:
    """Wait for the gateway's word on the cancel, among its messages from number `heard` on."""
    began, told = trial.clock.elapsed(), ""
    while not told and trial.clock.elapsed() - began < CANCELLED_S + allowance(trial):
        await trial.clock.sleep(LOOK_S)
        said = [message for message in trial.desk.messages[heard:] if message.code in CANCEL_CODES]
        told = "; ".join(f"{message.code} {message.text}" for message in said)
    expected = " or ".join(map(str, CANCEL_CODES))
    trial.check("impatient request: cancelled", expected, told or "no word of it", bool(told))


async def _meanwhile(trial: Trial) -> None:
    name, expected = "request beside it", f"answered within {UNBLOCKED_MS / 1000:g} s"
    # While the other one is pending: asked before it, this would show nothing.
    await asyncio.sleep(UNMEETABLE_S / 2)
    asked = trial.clock.wall_ms()
    try:
        await trial.desk.server_time()
    except GatewayError as error:
        trial.check(name, expected, str(error), passed=False)
        return
    took = trial.clock.wall_ms() - asked
    trial.measure("concurrent_rtt_ms", took, "ms")
    trial.check(name, expected, f"after {took:.0f} ms", passed=took < UNBLOCKED_MS)


async def _patient(trial: Trial, contract: Contract) -> None:
    limit = trial.config.thresholds.historical_timeout_seconds
    name, expected = "patient request", f"bars within {limit:g} s"
    try:
        bars = await trial.desk.bars(contract, duration=OTHER_DURATION, limit=limit)
    except GatewayError as error:
        trial.check(name, expected, str(error), passed=False)
        return
    trial.check(name, expected, f"{len(bars)} bars", passed=bool(bars))


@scenario(
    id="RS-02",
    slug="api-rate-limit-handling",
    title="Rate limit handling",
    category=Category.RS,
    timeout=120,
    severity="S-MED",
    cases=(14,),
)
async def api_rate_limit_handling(trial: Trial) -> None:
    """The broker's limits are kept on our side, and a refusal for the rate is waited out.

    Four legs: 20 snapshots at once; 200 cheap requests as fast as they are let go; a request that
    a private simulated gateway refuses three times with "maximum rate exceeded"; and historical
    requests that would break the broker's rules (the same one again within 15 seconds, a sixth
    for one contract within 2 seconds).

    Passes when

    - at least one snapshot succeeds and the connection stays up;
    - no second holds more than 50 messages, the 200 take at least 3.5 seconds, and the gateway
      never complains about the rate;
    - the refused request is repeated after 2, 4 and 8 seconds (within 20 %), our side writes each
      wait into the log, and then it is answered; refused a fourth time it is given up: no wait is
      longer than 8 seconds;
    - the historical requests are held back on our side and then answered.

    Lines about pacing in the gateway's log are expected during this scenario only.
    """
    with trial.planned_fault("requests at the limits of the broker's rates"):
        contract = await trial.desk.qualify(spy(trial))
        if not await _many_snapshots(trial, contract):
            return
        await _many_cheap(trial)
        await _refused_for_rate(trial)
        await _held_back(trial, contract)
    await check_connection(trial, "connection at the end")


async def _many_snapshots(trial: Trial, contract: Contract) -> bool:
    limit = trial.config.thresholds.snapshot_timeout_seconds
    requests = (trial.desk.quote(contract, limit=limit) for _ in range(SNAPSHOTS))
    answers = await asyncio.gather(*requests, return_exceptions=True)
    successes = sum(isinstance(answer, Quote) for answer in answers)
    trial.measure("successes", successes)
    trial.check("snapshots that succeed", "at least 1", successes, passed=successes > 0)
    return await check_connection(trial, "connection after the snapshots")


async def _many_cheap(trial: Trial) -> None:
    report = await trial.desk.burst(CHEAP_REQUESTS)
    trial.measure("max_msgs_per_s", report.max_in_second)
    trial.measure("rate_limit_events", report.rate_errors)
    most = trial.config.thresholds.max_messages_per_second
    expected, within = f"at most {most}", report.max_in_second <= most
    trial.check("messages in the fullest second", expected, report.max_in_second, passed=within)
    expected, slow = f"at least {SPREAD_OVER_S:g} s", report.total_s >= SPREAD_OVER_S
    name = f"time for {CHEAP_REQUESTS} requests"
    trial.check(name, expected, f"{report.total_s:.1f} s", passed=slow)
    trial.check("requests answered", report.sent, report.answered)
    trial.check("complaints about the rate", 0, report.rate_errors)


async def _refused_for_rate(trial: Trial) -> None:
    """Ask a private simulated gateway that refuses the first requests for their rate."""
    speed, listener = trial.target.speed, TrialListener(trial)
    async with (
        gateway.simulation(speed=speed) as counterpart,
        gateway.connect(counterpart.target, listener=listener) as desk,
    ):
        for refusals in (len(BACKOFF_S), len(BACKOFF_S) + 1):
            told, before = len(trial.remarks(Remark.RATE_WAIT)), len(desk.backoffs)
            counterpart.levers.rate_refusals = refusals
            try:
                await desk.server_time()
                ending = "answered"
            except GatewayError as error:
                ending = type(error).__name__
            lines = len(trial.remarks(Remark.RATE_WAIT)) - told
            _check_refused_for_rate(trial, refusals, ending, desk.backoffs[before:], lines)


def _check_refused_for_rate(
    trial: Trial, refusals: int, ending: str, waits: list[float], lines: int
) -> None:
    few, name = refusals == len(BACKOFF_S), f"request after {refusals} refusals"
    trial.check(name, "answered" if few else RateLimitError.__name__, ending)
    trial.check(f"{name}: lines in the log", len(BACKOFF_S), lines)
    if few:
        check_waits(trial, "refused for the rate", BACKOFF_S, waits)
        return
    longest, most = max(waits, default=0.0), BACKOFF_S[-1]
    capped = longest <= most * (1 + WAIT_TOLERANCE) + allowance(trial)
    trial.check("longest wait", f"about {most:g} s", f"{longest:.1f} s", passed=capped)


async def _held_back(trial: Trial, contract: Contract) -> None:
    """Break the rules for historical requests on purpose: our side must wait instead."""
    heard, started = len(trial.desk.messages), trial.clock.elapsed()
    try:
        await _bars(trial, contract)
        await _bars(trial, contract)
        repeated = trial.clock.elapsed()
        await asyncio.gather(*(_bars(trial, contract, size) for size in SIX_SIZES))
        ended = trial.clock.elapsed()
    except GatewayError as error:
        trial.check("historical requests", "held back, then answered", str(error), passed=False)
        return
    _check_hold(trial, "identical request", IDENTICAL_S, repeated - started)
    _check_hold(trial, "sixth request for one contract", SAME_CONTRACT_S, ended - repeated)
    check_complaints(trial, "complaints about historical requests", heard)


async def _bars(trial: Trial, contract: Contract, size: str = "5 mins") -> None:
    limit = trial.config.thresholds.historical_timeout_seconds
    await trial.desk.bars(contract, bar_size=size, limit=limit)


def _check_hold(trial: Trial, what: str, least: float, took: float) -> None:
    expected, actual = f"answered after {least:g} s or more", f"after {took:.1f} s"
    trial.check(f"{what} is held back", expected, actual, passed=took >= least)


@scenario(
    id="RS-03",
    slug="market-data-staleness-detection",
    title="Detection of stale market data",
    category=Category.RS,
    timeout=45,
    severity="S-HIGH",
    needs=[MARKET_HOURS],
    cases=(4,),
)
async def market_data_staleness_detection(trial: Trial) -> None:
    """A stale quote is recognised and never leads to a decision.

    Takes a fresh quote and offers it to the order decision, then the same quote with its time
    moved back 6 and 45 seconds and to exactly the limit, and then no quote at all. Nothing is
    sent: only the decision is made.

    Passes when

    - the live quote is younger than the configured limit (5 seconds) and is accepted, and its
      price agrees with the newest bar (within 0.5 %): one that is frozen may carry a fresh time;
    - the aged quotes, also the one of exactly the limit, and the missing one are refused as
      stale, each with its reason in the log;
    - not one of those leads to an order.
    """
    contract = await trial.desk.qualify(spy(trial))
    quote = await fresh_quote(trial, contract)
    if quote is None:
        return
    now, limit = trial.desk.now(), trial.config.thresholds.quote_freshness_seconds
    trial.measure("quote_age_s", quote.age(now), "s")
    problem = objection(trial, quote, now)
    actual = "accepted" if problem is None else str(problem)
    trial.check("live quote", "accepted", actual, passed=problem is None)
    await check_by_bars(trial, "live quote agrees with the newest bar", quote)
    offers: dict[str, Quote | None] = {
        f"quote of {age:g} s": _aged(quote, now, age) for age in (limit, limit + 1, limit * 9)
    }
    offers["no quote"] = None
    refusals = [_check_refused(trial, name, offer, now) for name, offer in offers.items()]
    trial.measure("stale_detected", sum(refusals))
    taken = len(refusals) - sum(refusals)
    trial.check("orders from stale quotes", 0, taken + await intents(trial))


def _aged(quote: Quote, now: datetime, seconds: float) -> Quote:
    at = now - timedelta(seconds=seconds)
    return replace(quote, exchange_time=at, received_at=at)


def _check_refused(trial: Trial, name: str, offer: Quote | None, now: datetime) -> bool:
    limit = trial.config.thresholds.quote_freshness_seconds
    problem = quote_problem(offer, now, limit)
    actual = "accepted" if problem is None else f"{problem.reason}: {problem.text}"
    trial.note(f"Decision on {name}: {actual}")
    stale = problem is not None and problem.reason == "STALE_QUOTE"
    return trial.check(f"{name} is refused", "STALE_QUOTE", actual, passed=stale)


@scenario(
    id="RS-04",
    slug="gateway-error-recovery",
    title="Recovery from a gateway error",
    category=Category.RS,
    timeout=45,
    severity="S-HIGH",
    needs=[MARKET_HOURS],
    cases=(7,),
)
async def gateway_error_recovery(trial: Trial) -> None:
    """An unknown symbol is skipped with a clear error, and work goes on.

    Asks for a contract that does not exist, then finds and quotes SPY over the same connection.

    Passes when

    - the unknown symbol raises "contract not found", in words that say so, and is skipped in the
      log;
    - the connection stays up;
    - SPY is found afterwards and quoted.
    """
    with trial.planned_fault("asking for a symbol that does not exist"):
        await _ask_for_nothing(trial)
    began = trial.clock.wall_ms()
    if await check_connection(trial) and await _work_goes_on(trial):
        trial.measure("recovery_ms", trial.clock.wall_ms() - began, "ms")


async def _ask_for_nothing(trial: Trial) -> None:
    name, expected = "unknown symbol", ContractNotFoundError.__name__
    spec = replace(spy(trial), symbol=INVALID_SYMBOL)
    try:
        contract = await trial.desk.qualify(spec)
    except ContractNotFoundError as error:
        trial.check(name, expected, type(error).__name__)
        words = str(error).lower()
        clear = "not found" in words or "invalid" in words
        trial.check("text of the error", "says not found or invalid", str(error), passed=clear)
        trial.measure("error_code", error.code or 0)
        trial.note(f"{INVALID_SYMBOL} skipped: {error}", level="WARNING", code=error.code)
    except GatewayError as error:
        trial.check(name, expected, f"{type(error).__name__}: {error}", passed=False)
    else:
        trial.check(name, expected, f"contract {contract.con_id}", passed=False)


async def _work_goes_on(trial: Trial) -> bool:
    symbol = spy(trial).symbol
    try:
        contract = await trial.desk.qualify(spy(trial))
        limit = trial.config.thresholds.snapshot_timeout_seconds
        quote = await trial.desk.quote(contract, limit=limit)
    except GatewayError as error:
        return trial.check(f"{symbol} afterwards", "found and quoted", str(error), passed=False)
    trial.check(f"{symbol} contract id", "above 0", contract.con_id, passed=contract.con_id > 0)
    actual = f"bid {quote.bid:g}, ask {quote.ask:g}, last {quote.last:g}"
    present = any(usable(price) for price in (quote.bid, quote.ask, quote.last))
    return trial.check(f"{symbol} afterwards", "found and quoted", actual, passed=present)
