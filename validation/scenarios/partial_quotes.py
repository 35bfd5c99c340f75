"""Quotes with something missing: they are recognised, and nothing is decided on them."""

import math
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

from brokerage import gateway
from brokerage.errors import NO_CONTRACT, ContractNotFoundError, GatewayError
from brokerage.gateway import Contract, ContractSpec, Desk, Quote, Simulated
from brokerage.terms import usable
from validation.scenarios.catalogue import Category, scenario
from validation.scenarios.steps import market_open, objection, spy
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
    _no("bid", -1.0),
    _no("ask", -1.0),
    _no("bid", 0.0),
    _no("ask", 0.0),
    Spoilt("crossed", CROSSED, "crossed_quotes"),
)


@dataclass(frozen=True)
class Offer:
    """A quote to decide on, and the class and reason that it must be refused with."""

    name: str
    quote: Quote
    quality: str
    reason: str


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

    Three legs. While the exchange trades: the snapshot of a put far below the market, which may
    well have no bid. On a private simulated gateway: snapshots whose bid or ask is −1 or 0, that
    are crossed, without any tick, and delayed. Beside them quotes whose bid or ask is not a number.
    Each is offered to the order decision; nothing is sent.

    Passes when

    - the live quote is classed by what came: whole, incomplete or crossed; either is fine;
    - each partial quote is classed as incomplete (crossed as crossed), refused with the reason, and
      logged with one data-quality warning;
    - a whole quote is accepted, and not one of the others leads to an order.
    """
    offers = [offer async for offer in _replayed(trial)]
    warned = sum([_decide(trial, offer) for offer in offers])
    trial.measure("incomplete_seen", len(offers))
    trial.measure("decisions_blocked", warned)
    trial.check("data-quality warnings", len(offers), warned)
    trial.check("orders from partial quotes", 0, len(offers) - warned)
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
            ("bid not a number", replace(whole, bid=math.nan)),
            ("ask not a number", replace(whole, ask=math.nan)),
        ):
            yield Offer(name, _timed(quote, desk), INCOMPLETE, NO_DECISION[INCOMPLETE])
        with trial.planned_fault("quotes that a private gateway spoils"):
            for spoilt in ON_THE_WIRE:
                yield await _spoilt(counterpart, desk, contract, spoilt)
            counterpart.levers.mute_symbol = contract.symbol
            quote = _timed(await desk.quote(contract), desk)
            yield Offer("no tick at all", quote, INCOMPLETE, NO_DECISION[INCOMPLETE])
            counterpart.levers.mute_symbol = ""
            await counterpart.switches.on("delayed_instead_of_live")
            yield Offer("delayed", _timed(await desk.quote(contract), desk), OK, NOT_LIVE)


async def _spoilt(counterpart: Simulated, desk: Desk, contract: Contract, spoilt: Spoilt) -> Offer:
    await counterpart.switches.on(spoilt.fault, **dict(spoilt.params))
    quote = _timed(await desk.quote(contract), desk)
    await counterpart.switches.off(spoilt.fault)
    return Offer(spoilt.name, quote, spoilt.quality, NO_DECISION[spoilt.quality])


def _timed(quote: Quote, desk: Desk) -> Quote:
    """Give the quote the present time, so that nothing but its content can be against it."""
    return replace(quote, exchange_time=desk.now(), received_at=desk.now())


def _decide(trial: Trial, offer: Offer) -> bool:
    """Offer a quote to the decision; whether it was refused for what it is, with a warning."""
    quote, name = offer.quote, f"quote, {offer.name}"
    trial.check(f"{name}: class", offer.quality, quote.quality)
    problem = objection(trial, quote, quote.received_at or trial.clock.now())
    actual = "accepted" if problem is None else problem.reason
    refused = trial.check(f"{name}: decision", offer.reason, actual)
    if problem is not None:
        trial.note(f"Data quality: {name}: {problem.text} Nothing is decided on it.", "WARNING")
    return refused


async def _live(trial: Trial) -> None:
    """Look at a quote that may be partial: whatever it is, it must be classed and judged so."""
    name, expected = "live far put", "quoted, and classed by what came"
    limit = trial.config.thresholds.snapshot_timeout_seconds
    try:
        put = await _far_put(trial.desk, spy(trial).symbol)
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


async def _far_put(desk: Desk, symbol: str) -> Contract:
    """Return a listed put of the first expiry with one of the lowest strikes of the chain."""
    chain = await desk.chain(symbol)
    rounded = [strike for strike in chain.strikes if strike % ROUND_STRIKE == 0]
    lowest = (rounded or list(chain.strikes))[: max(len(rounded) // FAR_TENTH, TRIES)]
    for strike in lowest[-TRIES:]:
        spec = ContractSpec(symbol, OPTION, expiry=chain.expirations[0], strike=strike, right=PUT)
        try:
            return await desk.qualify(spec)
        except ContractNotFoundError:
            continue
    raise ContractNotFoundError(f"Contract not found: no far put on {symbol}.", code=NO_CONTRACT)
