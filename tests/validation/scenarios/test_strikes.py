"""The choice of the test contract: what the rule admits, and what has room below its caps."""

from dataclasses import dataclass, field

import pytest

from brokerage.gateway import Contract, ContractSpec, Quote
from brokerage.terms import Chain
from validation.configuration import Config
from validation.scenarios.strikes import NoTestContractError, choose, has_room, objection

CONTRACTS = Config().test_contracts
RULE = CONTRACTS.spy_weekly_call.model_copy(update={"expiry": "20260213"})


def contract(con_id: int, *, strike: float = 0.0) -> Contract:
    kind = "OPT" if strike else "STK"
    return Contract(con_id=con_id, symbol="SPY", sec_type=kind, strike=strike, multiplier=100)


def quoted(ask: float) -> Quote:
    return Quote(contract(1, strike=103.0), bid=ask - 0.05, ask=ask, last=ask)


@dataclass
class Desk:
    """Quotes SPY at 100, and a call for each strike at the ask that is given."""

    asks: dict[float, float]
    asked: list[float] = field(default_factory=list)

    async def qualify(self, spec: ContractSpec) -> Contract:
        return contract(int(spec.strike) or 1, strike=spec.strike)

    async def quote(self, one: Contract) -> Quote:
        if not one.strike:
            return Quote(one, bid=99.9, ask=100.1, last=100.0)
        self.asked.append(one.strike)
        ask = self.asks[one.strike]
        return Quote(one, bid=ask - 0.05, ask=ask, last=ask)

    async def chain(self, symbol: str) -> Chain:
        return Chain(symbol, 1, symbol, 100, (RULE.expiry,), tuple(self.asks))


async def chosen(asks: dict[float, float]) -> float:
    contracts = CONTRACTS.model_copy(update={"spy_weekly_call": RULE})
    return (await choose(Desk(asks), contracts)).strike  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ask", "refused", "room"),
    [(4.0, "", True), (4.01, "", False), (5.0, "", False), (5.01, "ask 5.01", False)],
)
def test_the_caps_are_those_of_the_configuration(ask: float, refused: str, room: bool) -> None:
    assert objection(quoted(ask), RULE, 100) == refused
    assert has_room(quoted(ask), RULE, 100) is room


async def test_one_with_room_is_chosen_before_one_next_to_a_cap() -> None:
    assert await chosen({102.0: 4.8, 103.0: 3.0, 104.0: 2.0}) == 103.0


async def test_one_next_to_a_cap_is_chosen_for_want_of_others() -> None:
    assert await chosen({102.0: 5.2, 103.0: 4.8, 104.0: 4.6}) == 103.0


async def test_what_the_rule_refuses_is_told() -> None:
    with pytest.raises(NoTestContractError, match=r"102 \(ask 5\.2\)"):
        await chosen({102.0: 5.2})
