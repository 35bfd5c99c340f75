"""What the watch finds out about own orders, executions and commissions, fault by fault."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from brokerage.errors import GatewayError
from tests.validation.watch.conftest import Open, Stage, Trader, trading

pytestmark = pytest.mark.django_db(transaction=True)
Deed = Callable[[Trader], Awaitable[Any]]


async def fill(trader: Trader) -> None:
    """An order that should fill; waits as long as a fill usually takes."""
    ticket = await trader.buy()
    with suppress(GatewayError):
        await ticket.done(25.0)


async def rest(trader: Trader) -> None:
    """An order that should rest."""
    ticket = await trader.buy(far=True)
    with suppress(GatewayError):
        await ticket.acked(25.0)


async def change(trader: Trader) -> None:
    """A resting order, with another limit."""
    ticket = await trader.buy(far=True)
    await ticket.acked()
    await trader.desk.change(ticket, ticket.intent.limit_price - 1.0, trader.door)


async def cancel(trader: Trader) -> None:
    """A resting order, cancelled."""
    ticket = await trader.buy(far=True)
    await ticket.acked()
    await trader.desk.cancel(ticket)
    with suppress(GatewayError):
        await ticket.done(25.0)


@dataclass(frozen=True)
class Case:
    """A fault that strikes what a trader does; `ends`: the difference fails the session."""

    fault: str
    deed: Deed
    kind: str
    params: dict[str, Any] = field(default_factory=dict)
    ends: bool = False
    after: float = 0.0

    def __str__(self) -> str:
        return f"{self.fault}-{self.deed.__name__}"


# Durations are simulated seconds, of which 50 pass in a real one.
CASES = (
    Case("order_without_callback", rest, "order_unanswered", ends=True),
    Case("pending_submit_forever", rest, "order_unanswered", ends=True),
    Case("slow_acknowledgements", rest, "slow_acknowledgement",
         {"median": 200.0, "sigma": 0.01, "most": 220.0}),
    Case("rejected_silently", rest, "untold", after=20.0),
    Case("orders_not_listed", rest, "difference_missing_there", ends=True),
    Case("duplicate_after_modification", change, "difference_missing_here", ends=True, after=5.0),
    Case("modification_refused", change, "difference_price", ends=True, after=5.0),
    Case("late_fill_after_cancelled", cancel, "late_fill", {"seconds": 100.0}, after=120.0),
    Case("callbacks_lost", fill, "untold"),
    Case("callbacks_lost", rest, "order_unanswered"),
    Case("status_goes_back", fill, "report_contradicted", after=10.0),
    Case("filled_before_execution", fill, "untold", {"seconds": 400.0}),
    Case("execution_without_status", fill, "execution_without_status"),
    Case("execution_lost", fill, "untold"),
    Case("late_commission", fill, "untold", {"seconds": 400.0}),
    Case("missing_commission", fill, "difference_commission", ends=True),
    Case("pending_commission", fill, "untold", {"seconds": 400.0}),
    Case("duplicate_execution", fill, "difference_phantom", {"other_ids": True}, ends=True),
    Case("execution_corrected", fill, "untold", {"seconds": 5.0}, after=20.0),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_the_watch_names_what_became_of_an_order(watched: Open, case: Case) -> None:
    async with watched() as stage:
        left = await _trade(stage, case)
        seen = await stage.sees(case.kind)
        assert not seen.planned
        assert bool(left) == case.ends, [str(row) for row in stage.findings]


async def _trade(stage: Stage, case: Case) -> list[Any]:
    async with trading(stage) as trader:
        stage.gateway.faults.on(case.fault, **case.params)
        await case.deed(trader)
        await stage.passes(case.after)
        with suppress(TimeoutError):
            await _until_seen(stage, case)
        await stage.watch.look_at(trader.desk)
    return await stage.ends()


async def _until_seen(stage: Stage, case: Case) -> None:
    """What only the clock brings to light, the watch sees while the order lives."""
    if case.kind in {"order_unanswered", "slow_acknowledgement"}:
        await stage.sees(case.kind)


TOLERATED = (
    Case("status_flood", fill, ""),
    Case("open_orders_repeated", rest, ""),
    Case("preset_notice", rest, ""),
    Case("partial_fills", fill, ""),
    Case("duplicate_execution", fill, ""),
    Case("commission_before_execution", fill, ""),
    # With longer gaps the market's stream fills the line up, and the commission is really late.
    Case("split_frames", fill, "", {"gap": 0.001}),
)


@pytest.mark.parametrize("case", TOLERATED, ids=str)
async def test_what_harms_nobody_is_no_finding(watched: Open, case: Case) -> None:
    async with watched() as stage:
        left = await _trade(stage, case)
        assert left == []
        assert [str(row) for row in stage.findings] == []


async def test_an_order_whose_connection_was_cut_has_an_unknown_fate(watched: Open) -> None:
    async with watched() as stage, trading(stage) as trader:
        stage.gateway.faults.on("disconnect_mid_order", lost=True)
        with suppress(GatewayError):
            await rest(trader)
        await stage.sees("order_fate_unknown")


async def test_a_next_order_id_that_goes_back_is_found(watched: Open) -> None:
    async with watched() as stage:
        async with trading(stage) as trader:
            await fill(trader)
        stage.gateway.faults.on("next_id_goes_back")
        async with trading(stage):
            finding = await stage.sees("next_id_went_back")
        assert "Client 210" in finding.text
