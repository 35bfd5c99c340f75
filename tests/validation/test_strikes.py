"""The test contract: a weekly call a little out of the money, or a clear refusal."""

from typing import Any

import pytest

from brokerage.errors import ContractNotFoundError, GatewayTimeout
from brokerage.terms import Chain, Contract, Quote
from validation.configuration import TestContracts, WeeklyCall
from validation.scenarios.strikes import (
    NoTestContractError,
    choose,
    has_room,
    objection,
    strikes_in_range,
)

RULE = WeeklyCall(expiry="20261127")
CALL = Contract(2, "SPY", "OPT", multiplier=100)


class Market:
    """A desk with one chain and the quotes a test gives it; the spot is 100."""

    def __init__(self, spot: Quote | None = None, **options: Any) -> None:
        self.spot = spot or quote(99.99, 100.01, last=100)
        self.options = options

    async def chain(self, symbol: str) -> Chain:
        return Chain(symbol, 1, symbol, 100, ("20261127",), (101.0, 102.0, 103.0, 104.0, 106.0))

    async def qualify(self, spec: Any) -> Contract:
        if spec.sec_type == "OPT" and self.options.get(f"s{spec.strike:g}") == "unlisted":
            raise ContractNotFoundError("no such contract")
        return Contract(1, "SPY", spec.sec_type, strike=spec.strike, multiplier=100)

    async def quote(self, contract: Contract) -> Quote:
        if contract.sec_type == "STK":
            return self.spot
        found = self.options.get(f"s{contract.strike:g}", (0.1, 0.09))
        if found == "silent":
            raise GatewayTimeout("no answer")
        return quote(*found)


def quote(bid: float, ask: float, last: float = float("nan")) -> Quote:
    return Quote(CALL, bid=bid, ask=ask, last=last)


def contracts(expiry: str = "20261127") -> TestContracts:
    return TestContracts(spy_weekly_call=WeeklyCall(expiry=expiry))


async def chosen(market: Market, expiry: str = "20261127") -> Contract:
    return await choose(market, contracts(expiry))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("bid", "ask", "told"),
    [
        (1.00, 1.05, ""),
        (1.05, 1.00, "quote is crossed"),
        (0.0, 1.00, "quote is incomplete"),
        (0.05, 0.09, "ask 0.09"),
        (4.90, 5.10, "ask 5.1"),
        (0.80, 1.00, "spread 0.20"),
        (0.10, 0.15, ""),
    ],
)
def test_the_rule_objects_in_words(bid: float, ask: float, told: str) -> None:
    assert objection(quote(bid, ask), RULE, 100) == told


def test_the_premium_of_a_contract_keeps_to_its_cap() -> None:
    assert objection(quote(4.95, 5.00), RULE, 101) == "premium 505 USD"
    assert objection(quote(4.95, 5.00), RULE, 100) == ""


@pytest.mark.parametrize(("ask", "roomy"), [(4.00, True), (4.01, False)])
def test_there_is_room_up_to_four_fifths_of_the_cap(ask: float, roomy: bool) -> None:
    assert has_room(quote(3.95, ask), RULE, 100) is roomy


def test_strikes_lie_two_to_five_per_cent_above_the_spot() -> None:
    assert strikes_in_range([105, 101, 102, 106, 103], 100, RULE) == [102, 103, 105]


async def test_the_nearest_strike_that_qualifies_is_taken() -> None:
    market = Market(s102="unlisted", s103="silent", s104=(1.0, 1.05))
    assert (await chosen(market)).strike == 104


async def test_the_middle_stands_in_for_a_missing_last_price() -> None:
    market = Market(quote(99.0, 101.0), s102=(1.0, 1.05))
    assert (await chosen(market)).strike == 102


@pytest.mark.parametrize(
    ("market", "expiry", "told"),
    [
        (Market(), "20261204", "lists no SPY options for 20261204"),
        (Market(), "", "an empty expiry"),
        (Market(), "20261127", r"102 \(quote is crossed\), 103"),
        (Market(quote(1, float("nan"))), "20261127", "neither a last price nor a full quote"),
    ],
)
async def test_without_a_contract_it_says_why(market: Market, expiry: str, told: str) -> None:
    with pytest.raises(NoTestContractError, match=told):
        await chosen(market, expiry)


async def at_fixed(market: Market, strike: float) -> Contract:
    rule = WeeklyCall(expiry="20261127", strike=strike)
    return await choose(market, TestContracts(spy_weekly_call=rule))  # type: ignore[arg-type]


async def test_a_fixed_strike_is_what_is_left_when_the_rule_admits_none() -> None:
    assert (await at_fixed(Market(s106=(1.0, 1.05)), 106)).strike == 106


async def test_the_rule_comes_before_a_fixed_strike() -> None:
    market = Market(s103=(1.0, 1.05), s106=(1.0, 1.05))
    assert (await at_fixed(market, 106)).strike == 103


@pytest.mark.parametrize("strike", [99.0, 100.0])
async def test_a_fixed_strike_in_the_money_is_refused(strike: float) -> None:
    market = Market(s99=(1.0, 1.05), s100=(1.0, 1.05))
    with pytest.raises(NoTestContractError, match=r"in the money at 100\.00"):
        await at_fixed(market, strike)


@pytest.mark.parametrize(
    ("offer", "why"),
    [((4.90, 5.10), "ask 5.1"), ("unlisted", "not listed"), ("silent", "no quote")],
)
async def test_a_fixed_strike_keeps_to_the_rest_of_the_rule(offer: Any, why: str) -> None:
    with pytest.raises(NoTestContractError, match=f"fixed strike 106 neither: {why}"):
        await at_fixed(Market(s106=offer), 106)
