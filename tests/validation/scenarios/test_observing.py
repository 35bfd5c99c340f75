"""The lines of an observation: one for each contract that the bot trades, even if late."""

from types import SimpleNamespace
from typing import Any

import pytest

from brokerage.clock import SessionClock
from brokerage.errors import GatewayError
from validation.observation import Term
from validation.scenarios.observing import _Lookout


async def test_a_contract_that_was_not_told_at_once_gets_its_line_later() -> None:
    followed: list[Any] = []
    answers: list[Any] = [GatewayError("no answer"), "SPY"]

    async def contract(con_id: int) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, GatewayError):
            raise answer
        return answer

    trial: Any = SimpleNamespace(clock=SessionClock())
    observation: Any = SimpleNamespace(term=Term(60.0), concerns=lambda order: True)
    watch: Any = SimpleNamespace(follow=followed.append)
    lookout, desk = _Lookout(trial, observation, watch), SimpleNamespace(contract=contract)
    news: Any = [SimpleNamespace(con_id=7, order=None)]
    with pytest.raises(GatewayError):
        await lookout._follow(desk, news)  # type: ignore[arg-type]
    await lookout._follow(desk, [])  # type: ignore[arg-type]
    await lookout._follow(desk, [])  # type: ignore[arg-type]
    assert followed == ["SPY"]
