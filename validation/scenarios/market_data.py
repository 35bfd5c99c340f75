"""Market data on request: a fresh quote, historical bars, several symbols at once."""

import asyncio
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise

from brokerage.calendar import ET, session_hours
from brokerage.errors import GatewayError, GatewayTimeout
from brokerage.gateway import Bar, Contract, ContractSpec, Quote
from brokerage.pacing import most_in_a_second
from brokerage.terms import DATA_TYPES, LIVE_DATA, usable
from validation.scenarios.catalogue import MARKET_HOURS, Category, scenario
from validation.scenarios.steps import (
    age_limit,
    allowance,
    check_by_bars,
    check_complaints,
    market_open,
    snapshot,
    spy,
    unfresh,
)
from validation.scenarios.trial import Trial

BAR = timedelta(minutes=5)
SEVERAL_LIMIT_S = 20.0
MIXED_UP = 0.05  # of the price: another symbol's is further away
OPTION, SHARES_PER_OPTION = "OPT", 100


@scenario(
    id="MD-01",
    slug="market-data-subscription-spy",
    title="Market data of SPY",
    category=Category.MD,
    timeout=45,
    severity="S-HIGH",
    needs=[MARKET_HOURS],
)
async def market_data_subscription_spy(trial: Trial) -> None:
    """A quote of SPY is complete, live and fresh.

    Finds the contract at the broker and takes one snapshot of its quote.

    Passes when

    - the contract has an id, and the snapshot ends within 15 seconds;
    - last price, bid and ask are there and the ask is not below the bid (equal is a warning);
    - the quote carries a time and is younger than the configured limit (5 seconds);
    - the data is live; delayed or frozen data usually means that a subscription is missing;
    - one option stands for 100 shares, by the chain and by the option's own details: what an order
      costs and risks is worked out with that.
    """
    asked = trial.clock.wall_ms()
    contract = await trial.desk.qualify(spy(trial))
    trial.measure("qualify_ms", trial.clock.wall_ms() - asked, "ms")
    trial.check("contract id", "above 0", contract.con_id, passed=contract.con_id > 0)
    limit = trial.config.thresholds.snapshot_timeout_seconds
    name, expected = "snapshot ends", f"within {limit:g} s"
    try:
        quote = await trial.desk.quote(contract, limit=limit)
    except GatewayTimeout as error:
        trial.check(name, expected, str(error), passed=False)
        return
    trial.check(name, expected, f"after {quote.snapshot_ms:.0f} ms", passed=True)
    trial.measure("snapshot_ms", quote.snapshot_ms, "ms")
    _check_prices(trial, quote)
    _check_age(trial, quote)
    _check_data_type(trial, quote)
    await _check_multiplier(trial)


def _check_prices(trial: Trial, quote: Quote) -> None:
    for name in ("last", "bid", "ask"):
        price = getattr(quote, name)
        trial.check(f"{name} price", "above 0", f"{price:g}", passed=usable(price))
    if quote.quality == "INCOMPLETE":
        return
    trial.measure("spread", quote.spread, "USD")
    sides = f"{quote.bid:g} / {quote.ask:g}"
    trial.check("bid and ask", "ask not below bid", sides, passed=quote.ask >= quote.bid)
    open_market = quote.ask > quote.bid
    trial.check("market not locked", "ask above bid", sides, passed=open_market, required=False)


def _check_age(trial: Trial, quote: Quote) -> None:
    age, source = quote.age(trial.desk.now()), quote.time_source
    limit = trial.config.thresholds.quote_freshness_seconds
    trial.check("quote carries a time", "the exchange's", source, passed=source != "none")
    if math.isfinite(age):
        trial.measure("quote_age_s", age, "s")
    fresh = age < age_limit(trial)
    trial.check("quote is fresh", f"younger than {limit:g} s", f"{age:.1f} s", passed=fresh)


def _check_data_type(trial: Trial, quote: Quote) -> None:
    actual = DATA_TYPES.get(quote.data_type, f"type {quote.data_type}")
    live = quote.data_type == LIVE_DATA
    trial.check("data type", DATA_TYPES[LIVE_DATA], actual, passed=live)
    if not live:
        text = f"The gateway sends {actual} data: check the account's market data subscriptions."
        trial.note(text, level="WARNING")


async def _check_multiplier(trial: Trial) -> None:
    """Hold the multiplier of the option chain, and of one option, against the agreed one."""
    name, symbol = "multiplier of the options", spy(trial).symbol
    try:
        chain = await trial.desk.chain(symbol)
        middle = chain.strikes[len(chain.strikes) // 2]
        expiry = chain.expirations[0]
        spec = ContractSpec(symbol, OPTION, expiry=expiry, strike=middle, right="C")
        option = await trial.desk.qualify(spec)
        actual = f"{chain.multiplier} by the chain, {option.multiplier} by {option.label}"
        agreed = chain.multiplier == option.multiplier == SHARES_PER_OPTION
    except GatewayError as error:
        actual, agreed = str(error), False
    trial.check(name, SHARES_PER_OPTION, actual, passed=agreed)


@scenario(
    id="MD-02",
    slug="historical-data-retrieval-spy",
    title="Historical data of SPY",
    category=Category.MD,
    timeout=45,
    severity="S-HIGH",
    cases=(6,),
)
async def historical_data_retrieval_spy(trial: Trial) -> None:
    """Historical bars arrive in time, complete and in order.

    Requests one day of 5-minute bars of trades, regular hours only.

    Passes when

    - the answer arrives within 30 seconds and holds bars;
    - a full session has 78 bars, or 42 when the exchange closed at 13:00; of a session that is
      under way every bar so far;
    - every close is above zero and no volume is negative;
    - times ascend, 5 minutes apart within a session;
    - while the exchange trades, the last close of the newest 1-minute bars agrees with the quote
      (within 0.5 %).

    The last bar of a running session is provisional: it may still change.
    """
    contract = await trial.desk.qualify(spy(trial))
    limit = trial.config.thresholds.historical_timeout_seconds
    name, expected = "answer", f"bars within {limit:g} s"
    asked = trial.clock.wall_ms()
    try:
        bars = await trial.desk.bars(contract, limit=limit)
    except GatewayError as error:
        trial.check(name, expected, str(error), passed=False)
        return
    trial.measure("hist_ms", trial.clock.wall_ms() - asked, "ms")
    trial.measure("bars", len(bars))
    trial.check(name, expected, f"{len(bars)} bars", passed=bool(bars))
    _check_counts(trial, bars)
    _check_values(trial, bars)
    _check_times(trial, bars)
    if market_open(trial):
        quote = await snapshot(trial, contract)
        if quote is not None:
            await check_by_bars(trial, "last close agrees with the quote", quote)
    else:
        trial.note("The exchange is closed: the last close has no quote to be compared with.")


def _check_counts(trial: Trial, bars: Sequence[Bar]) -> None:
    days: dict[date, int] = defaultdict(int)
    for bar in bars:
        days[bar.at.astimezone(ET).date()] += 1
    for day, count in sorted(days.items()):
        least, most = expected_bars(day, trial.desk.now())
        expected = f"{least}" if least == most else f"{least} or {most}"
        passed = least <= count <= most
        trial.check(f"bars of {day.isoformat()}", expected, count, passed=passed)


def expected_bars(day: date, now: datetime) -> tuple[int, int]:
    """The least and the most bars of a day: its whole session, or what has begun of it."""
    hours = session_hours(day)
    if hours is None:
        return 0, 0
    opened, closed = hours
    if now >= closed:
        return (closed - opened) // BAR, (closed - opened) // BAR
    begun = (now - opened) // BAR
    return begun, begun + 1


def _check_values(trial: Trial, bars: Sequence[Bar]) -> None:
    worthless = [bar for bar in bars if not usable(bar.close)]
    trial.check("closes", "all above 0", _which(worthless), passed=not worthless)
    negative = [bar for bar in bars if not bar.volume >= 0]
    trial.check("volumes", "none negative", _which(negative), passed=not negative)


def _check_times(trial: Trial, bars: Sequence[Bar]) -> None:
    pairs = list(pairwise(bars))
    backward = [later for earlier, later in pairs if later.at <= earlier.at]
    trial.check("order", "times ascend", _which(backward), passed=not backward)
    uneven = [
        later
        for earlier, later in pairs
        if later.at - earlier.at != BAR and later.at.date() == earlier.at.date()
    ]
    trial.check("spacing", "5 minutes within a session", _which(uneven), passed=not uneven)


def _which(bars: Sequence[Bar]) -> str:
    if not bars:
        return "all as expected"
    first = bars[0].at.astimezone(ET)
    return f"{len(bars)} not, the first at {first:%Y-%m-%d %H:%M} ET"


@scenario(
    id="MD-03",
    slug="market-data-multiple-symbols",
    title="Market data of several symbols",
    category=Category.MD,
    timeout=60,
    severity="S-MED",
    needs=[MARKET_HOURS],
)
async def market_data_multiple_symbols(trial: Trial) -> None:
    """Snapshots of several symbols at once come back complete, fresh and not mixed up.

    Finds the configured stock and its companions (SPY, QQQ and IWM) at the broker and requests
    their snapshots at the same time. Each price is then compared with the last historical bar of
    its own contract.

    Passes when

    - all quotes arrive within 20 seconds in all, complete, with a last price, and fresh;
    - each quote belongs to the contract that was asked for, and its price agrees with that
      contract's last bar within 5 %;
    - the requests stay within the message rate: by what was sent, and by what the gateway says.
    """
    beside = trial.config.test_contracts.companions
    specs = [spy(trial), *(replace(spy(trial), symbol=symbol) for symbol in beside)]
    contracts = [await trial.desk.qualify(spec) for spec in specs]
    heard, started = len(trial.desk.messages), trial.clock.elapsed()
    quotes = await asyncio.gather(*(_one_of_several(trial, contract) for contract in contracts))
    took = trial.clock.elapsed() - started
    trial.measure("total_ms", took * 1000, "ms")
    limit = SEVERAL_LIMIT_S + allowance(trial)
    expected = f"within {SEVERAL_LIMIT_S:g} s"
    trial.check("all answers", expected, f"after {took:.1f} s", passed=took <= limit)
    found = [
        _check_one_of_several(trial, contract, quote)
        for contract, quote in zip(contracts, quotes, strict=True)
        if quote is not None
    ]
    await asyncio.gather(*found)
    check_complaints(trial, "complaints about the message rate", heard)
    _check_rate(trial, [at for at in trial.desk.sent_at if at >= started])


def _check_rate(trial: Trial, sent_at: list[float]) -> None:
    """Check what left through the message bucket, not only that nobody complained."""
    fullest, most = most_in_a_second(sent_at), trial.config.thresholds.max_messages_per_second
    trial.measure("max_msgs_per_s", fullest)
    within = 0 < fullest <= most
    trial.check("messages in the fullest second", f"1 to {most}", fullest, passed=within)


async def _one_of_several(trial: Trial, contract: Contract) -> Quote | None:
    quote = await snapshot(trial, contract)
    if quote is None:
        return None
    trial.measure(f"{contract.symbol}_snapshot_ms", quote.snapshot_ms, "ms")
    now = trial.desk.now()
    trial.measure(f"{contract.symbol}_age_s", quote.age(now), "s")
    why = unfresh(trial, quote, now)
    trial.check(f"{contract.symbol} quote is fresh", "complete and fresh", why or "yes", not why)
    return quote


async def _check_one_of_several(trial: Trial, contract: Contract, quote: Quote) -> None:
    symbol = contract.symbol
    trial.check(f"{symbol} last price", "above 0", f"{quote.last:g}", passed=usable(quote.last))
    trial.check(f"{symbol} contract id", contract.con_id, quote.contract.con_id)
    await check_by_bars(trial, f"{symbol} price is its own", quote, within=MIXED_UP)
