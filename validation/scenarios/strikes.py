"""Choose the option that order scenarios trade: a weekly call, a little out of the money."""

from collections.abc import Iterable

from brokerage.errors import ContractNotFoundError, GatewayTimeout
from brokerage.gateway import Desk
from brokerage.terms import Contract, ContractSpec, Quote, usable
from validation.configuration import StockContract, TestContracts, WeeklyCall

MOST_TRIES = 6
# An option next to a cap when it is chosen may be above it a minute later: the last choice.
HEADROOM = 0.8


class NoTestContractError(LookupError):
    """No option satisfies the strike rule; the text says which ones were looked at and why not."""


async def choose(desk: Desk, contracts: TestContracts) -> Contract:
    """Return the first weekly call, from the spot upwards, that the strike rule admits.

    One next to a cap of the rule is chosen only where no other is, and the configuration's fixed
    strike only where the rule admits none at all.

    Raises NoTestContractError when the expiry is not listed or no strike qualifies.
    """
    rule = contracts.spy_weekly_call
    spot = await _spot(desk, contracts.spy)
    chain = await desk.chain(rule.symbol)
    if rule.expiry not in chain.expirations:
        raise NoTestContractError(
            f"The broker lists no {rule.symbol} options for {rule.expiry or 'an empty expiry'}. "
            "The configuration's expiry is out of date. Run update_weekly_expiry."
        )
    refused, close = [], None
    for strike in spread_out(strikes_in_range(chain.strikes, spot, rule)):
        contract, why, roomy = await _try(desk, rule, strike)
        if contract is not None and not why and roomy:
            return contract
        close = close or (None if why else contract)
        refused.append(f"{strike:g} ({why})")
    if close is not None:
        return close
    if rule.strike is not None:
        return await _fixed(desk, rule, rule.strike, spot)
    raise NoTestContractError(
        f"No call between {rule.otm_min:.0%} and {rule.otm_max:.0%} above {spot:.2f} qualifies: "
        f"{', '.join(refused) or 'none is listed'}."
    )


async def _fixed(desk: Desk, rule: WeeklyCall, strike: float, spot: float) -> Contract:
    """Return the call at the configured strike; raises NoTestContractError in the money."""
    why, contract = f"in the money at {spot:.2f}", None
    if strike > spot:
        contract, why, _ = await _try(desk, rule, strike)
    if contract is None or why:
        text = f"No call qualifies by the rule, and the fixed strike {strike:g} neither: {why}."
        raise NoTestContractError(text)
    return contract


def strikes_in_range(strikes: Iterable[float], spot: float, rule: WeeklyCall) -> list[float]:
    """Return the strikes within the rule's distance above the spot price, ascending."""
    low, high = spot * (1 + rule.otm_min), spot * (1 + rule.otm_max)
    return sorted(strike for strike in strikes if low <= strike <= high)


def spread_out(strikes: list[float]) -> list[float]:
    """Return at most six of the strikes, evenly over their range."""
    return strikes[:: -(-len(strikes) // MOST_TRIES) or 1]


def objection(quote: Quote, rule: WeeklyCall, multiplier: int) -> str:
    """Say why the rule does not admit an option at this quote; empty when it does."""
    if quote.quality != "OK":
        return f"quote is {quote.quality.lower()}"
    if not rule.ask_min <= quote.ask <= rule.ask_max:
        return f"ask {quote.ask:g}"
    if quote.spread > max(rule.spread_max, rule.spread_share_max * quote.mid) + 1e-9:
        return f"spread {quote.spread:.2f}"
    premium = quote.ask * multiplier
    return f"premium {premium:.0f} USD" if premium > rule.premium_cap else ""


def has_room(quote: Quote, rule: WeeklyCall, multiplier: int) -> bool:
    """Say whether the option is so far below the caps that it will stay there for a while."""
    most = min(rule.ask_max, rule.premium_cap / multiplier)
    return quote.ask <= most * HEADROOM


async def _try(desk: Desk, rule: WeeklyCall, strike: float) -> tuple[Contract | None, str, bool]:
    """Return the contract if there is one, why the rule refuses it, and whether it has room."""
    spec = ContractSpec(
        rule.symbol, rule.sec_type, rule.exchange, rule.currency, rule.expiry, strike, "C"
    )
    try:
        contract = await desk.qualify(spec)
        quote = await desk.quote(contract)
    except ContractNotFoundError:
        return None, "not listed", False
    except GatewayTimeout:
        return None, "no quote", False
    size = contract.multiplier
    return contract, objection(quote, rule, size), has_room(quote, rule, size)


async def _spot(desk: Desk, stock: StockContract) -> float:
    contract = await desk.qualify(
        ContractSpec(stock.symbol, stock.sec_type, stock.exchange, stock.currency)
    )
    quote = await desk.quote(contract)
    if usable(quote.last):
        return quote.last
    if quote.quality != "OK":
        raise NoTestContractError(f"{stock.symbol} has neither a last price nor a full quote.")
    return quote.mid
