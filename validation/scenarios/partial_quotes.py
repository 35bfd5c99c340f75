"""Quotes with something missing: they are recognised, and nothing is decided on them."""

import math
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

from brokerage import gateway
from brokerage.errors import NO_CONTRACT, ContractNotFoundError, GatewayError
from brokerage.gateway import Contract, ContractSpec, Desk, Quote, Remark
from brokerage.terms import usable
from validation.scenarios.catalogue import Category, scenario
from validation.scenarios.steps import intents, market_open, objection, spy
from validation.scenarios.trial import Trial, TrialListener

OPTION, PUT, ROUND_STRIKE = "OPT", "P", 5
FAR_TENTH, TRIES = 10, 6  # the lowest tenth of a chain's strikes, and how many to look up
OK, INCOMPLETE, CROSSED = "OK", "INCOMPLETE", "CROSSED"
NO_DECISION = {INCOMPLETE: "INCOMPLETE_QUOTE", CROSSED: "INCOMPLETE_QUOTE"}
NOT_LIVE = "NOT_LIVE"


@dataclass(frozen=True)
class Spoilt:
    """A way to spoil a quote on the wire, and what the quote must be classed as."""

    name: str
    quality: str
    fault: str
    params: tuple[tuple[str, Any], ...] = ()


def _no(side: str, price: float) -> Spoilt:
    params = (("side", side), ("price", price))
    return Spoilt(f"{side} of {price:g}", INCOMPLETE, "no_quote", params)


ON_THE_WIRE = (
    *(_no(side, price) for price in (-1.0, 0.0) for side in ("bid", "ask")),
    Spoilt("crossed", CROSSED, "crossed_quotes"),
)


@dataclass(frozen=True)
class Offer:
    """A quote to decide on, its class, the reason to refuse it with, and the warnings of it."""

    name: str
    quote: Quote
    quality: str
    reason: str
    warnings: int | None = None


@scenario(
    id="MD-05",
    slug="partial-quote-handling",
    title="Handling of partial quotes",
    category=Category.MD,
    timeout=45,
    severity="S-HIGH",
    cases=(5,),
)
async def partial_quote_handling(trial: Trial) -> None:
    """A quote with a bid or an ask missing never leads to a decision.

    Two legs. While the exchange trades: the snapshot of a put far below the market, of the test
    contract's expiry, which may well have no bid. On a private simulated gateway: snapshots whose
    bid or ask is −1 or 0, that are crossed, without any tick, and delayed. Beside them quotes whose
    bid or ask is not a number. Each is offered to the order decision; nothing is sent.

    Passes when

    - the live quote is classed by what came: whole, incomplete or crossed; either is fine;
    - each partial quote is classed as incomplete (crossed as crossed) and refused with the reason;
      our side has warned once of each that came from the gateway;
    - a whole quote is accepted, and not one of the others leads to an order.
    """
    offers = [offer async for offer in _replayed(trial)]
    blocked = sum([_decide(trial, offer) for offer in offers])
    trial.measure("incomplete_seen", len(offers))
    trial.measure("decisions_blocked", blocked)
    odd = [f"{offer.name}: {offer.warnings}" for offer in offers if offer.warnings not in {None, 1}]
    expected = "one for each quote"
    trial.check("data-quality warnings", expected, ", ".join(odd) or expected)
    taken = len(offers) - blocked
    trial.check("orders from partial quotes", 0, taken + await intents(trial))
    if market_open(trial):
        await _live(trial)
    else:
        trial.note("The exchange is closed: no live quote was looked at.")


async def _replayed(trial: Trial) -> AsyncIterator[Offer]:
    """Yield the spoilt quotes of a private gateway, after a whole one that must be accepted."""
    speed, listener = trial.target.speed, TrialListener(trial)
    async with (
        gateway.simulation(speed=speed) as counterpart,
        gateway.connect(counterpart.target, listener=listener) as desk,
    ):
        contract = await desk.qualify(spy(trial))
        whole = await desk.quote(contract)
        why = objection(trial, whole, desk.now())
        accepted = why is None and whole.quality == OK
        trial.check("whole quote", "accepted", why or "accepted", passed=accepted)
        for name, quote in (
            ("bid not a number", replace(whole, bid=math.nan, exchange_time=desk.now())),
            ("ask not a number", replace(whole, ask=math.nan, exchange_time=desk.now())),
        ):
            yield Offer(name, quote, INCOMPLETE, NO_DECISION[INCOMPLETE])
        with trial.planned_fault("quotes that a private gateway spoils"):
            for spoilt in ON_THE_WIRE:
                await counterpart.switches.on(spoilt.fault, **dict(spoilt.params))
                reason = NO_DECISION[spoilt.quality]
                yield await _take(trial, desk, contract, spoilt.name, spoilt.quality, reason)
                await counterpart.switches.off(spoilt.fault)
            counterpart.levers.mute_symbol = contract.symbol
            reason = NO_DECISION[INCOMPLETE]
            yield await _take(trial, desk, contract, "no tick at all", INCOMPLETE, reason)
            counterpart.levers.mute_symbol = ""
            await counterpart.switches.on("delayed_instead_of_live")
            yield await _take(trial, desk, contract, "delayed", OK, NOT_LIVE)


async def _take(
    trial: Trial, desk: Desk, contract: Contract, name: str, quality: str, reason: str
) -> Offer:
    """Take a quote and count what our side remarks of it.

    It gets the present time, so that nothing but its content can be against it.
    """
    before = len(trial.remarks(Remark.DATA_QUALITY))
    quote = await desk.quote(contract)
    quote = replace(quote, exchange_time=desk.now(), received_at=desk.now())
    warnings = len(trial.remarks(Remark.DATA_QUALITY)) - before
    return Offer(name, quote, quality, reason, warnings)


def _decide(trial: Trial, offer: Offer) -> bool:
    """Offer a quote to the decision; whether it was refused for what it is."""
    quote, name = offer.quote, f"quote, {offer.name}"
    trial.check(f"{name}: class", offer.quality, quote.quality)
    problem = objection(trial, quote, quote.received_at or trial.clock.now())
    actual = "accepted" if problem is None else problem.reason
    refused = trial.check(f"{name}: decision", offer.reason, actual)
    if problem is not None:
        trial.note(f"Nothing is decided on the {name}: {problem.text}")
    return refused


async def _live(trial: Trial) -> None:
    """Look at a quote that may be partial: whatever it is, it must be classed and judged so."""
    name, expected = "live far put", "quoted, and classed by what came"
    limit = trial.config.thresholds.snapshot_timeout_seconds
    try:
        put = await _far_put(trial)
        quote = await trial.desk.quote(put, limit=limit)
    except GatewayError as error:
        trial.check(name, expected, str(error), passed=False)
        return
    what, now = _class(quote.bid, quote.ask), trial.desk.now()
    sides = f"{put.label}: bid {quote.bid:g}, ask {quote.ask:g}"
    trial.note(f"Observed {sides}, {quote.quality.lower()}")
    actual = f"{quote.quality} ({sides})"
    trial.check(name, expected, actual, passed=quote.quality == what)
    problem = objection(trial, quote, now)
    right = what == OK or (problem is not None and problem.reason == NO_DECISION[what])
    reason = "accepted" if problem is None else str(problem)
    trial.check(f"{name}: decision", "follows the class", reason, passed=right)


def _class(bid: float, ask: float) -> str:
    if not (usable(bid) and usable(ask)):
        return INCOMPLETE
    return CROSSED if ask < bid else OK


async def _far_put(trial: Trial) -> Contract:
    """Return a listed put of the test contract's expiry, with one of the chain's lowest strikes."""
    desk, rule = trial.desk, trial.config.test_contracts.spy_weekly_call
    symbol, chain = spy(trial).symbol, await trial.desk.chain(spy(trial).symbol)
    rounded = [strike for strike in chain.strikes if strike % ROUND_STRIKE == 0]
    lowest = (rounded or list(chain.strikes))[: max(len(rounded) // FAR_TENTH, TRIES)]
    for strike in lowest[-TRIES:]:
        spec = ContractSpec(symbol, OPTION, expiry=rule.expiry, strike=strike, right=PUT)
        try:
            return await desk.qualify(spec)
        except ContractNotFoundError:
            continue
    raise ContractNotFoundError(f"Contract not found: no far put on {symbol}.", code=NO_CONTRACT)
