"""Cash and realised profit of a simulated account: they agree, differ, or nobody knows."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from brokerage import corrections, funds, gateway
from brokerage.errors import GatewayTimeout, OrderRefused
from brokerage.gateway import Desk, Reconciled, Simulated
from brokerage.models import OrderGrant, ReconciliationDiff, ReconciliationRun
from tests.brokerage.port.stories import SPY, buy, door, story
from tests.conftest import People

pytestmark = pytest.mark.django_db
# Session seconds; the gateway's three minutes would take long at a speed that quotes survive.
SPEED, LAG_S = 50.0, 60.0
FEE = 5.0


@pytest.fixture(autouse=True)
def short_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(funds, "VALUES_LAG_S", LAG_S)


@asynccontextmanager
async def reconciled(grant: OrderGrant) -> AsyncIterator[tuple[Simulated, Desk]]:
    async with gateway.simulation(speed=SPEED) as simulated:
        target = replace(simulated.target, endpoint_id=grant.endpoint_id)
        async with gateway.connect(target, readonly=False) as desk:
            assert (await gateway.reconcile(desk, "s1", "START")).clean
            yield simulated, desk


def account(simulated: Simulated) -> Any:
    return simulated.gateway.venue.floor.account()


async def round_trip(desk: Desk, grant: OrderGrant, key: str = "k") -> None:
    await (await buy(desk, grant, f"{key}-buy")).done()
    contract = await desk.qualify(SPY)
    bid = (await desk.quote(contract)).bid
    intent = gateway.Intent(
        f"{key}-sell", contract, "SELL", 1, limit_price=round(bid - 0.5, 2), ref="s1/OE-01"
    )
    await (await desk.place(intent, door(desk, grant))).done()


def kinds(run: Reconciled) -> list[str]:
    return [one.kind.value for one in run.unexplained]


def verdicts(run: Reconciled) -> list[str]:
    return [figure["verdict"] for figure in run.run.funds]


def test_a_sound_account_agrees_at_once(grant: OrderGrant) -> None:
    @story
    async def runs() -> None:
        async with reconciled(grant) as (_, desk):
            await round_trip(desk, grant)
            await desk.clock.sleep(20)
            run = await gateway.reconcile(desk, "s1")
            assert (run.state, verdicts(run)) == ("CLEAN", ["AGREES", "AGREES"])
            _, profit = run.run.funds
            assert profit["told"] < 0

    runs()


def test_a_fee_that_no_execution_explains_shuts_the_door(grant: OrderGrant) -> None:
    @story
    async def runs() -> None:
        async with reconciled(grant) as (simulated, desk):
            await round_trip(desk, grant)
            await desk.clock.sleep(LAG_S)
            account(simulated).cash -= FEE
            run = await gateway.reconcile(desk, "s1")
            assert (kinds(run), verdicts(run)) == (["CASH"], ["DIFFERS", "AGREES"])
            assert run.unexplained[0].gap == pytest.approx(-FEE, abs=0.02)
            with pytest.raises(OrderRefused, match="unexplained difference"):
                await buy(desk, grant, "again")

    runs()


def test_a_profit_that_no_execution_brought_is_found(grant: OrderGrant) -> None:
    @story
    async def runs() -> None:
        async with reconciled(grant) as (simulated, desk):
            contract = await desk.qualify(SPY)
            await round_trip(desk, grant)
            await desk.clock.sleep(LAG_S)
            positions = account(simulated).positions
            held = positions[contract.con_id]
            positions[contract.con_id] = replace(held, realized=held.realized + 7.0)
            assert kinds(await gateway.reconcile(desk, "s1")) == ["REALIZED"]

    runs()


def test_a_figure_that_may_be_old_is_unknown_in_a_cycle_and_waited_for_at_the_end(
    grant: OrderGrant,
) -> None:
    @story
    async def runs() -> None:
        async with reconciled(grant) as (simulated, desk):
            await round_trip(desk, grant)
            account(simulated).cash -= FEE
            await desk.clock.sleep(20)
            cycle = await gateway.reconcile(desk, "s1")
            assert (cycle.state, verdicts(cycle)) == ("CLEAN", ["UNKNOWN", "AGREES"])
            assert kinds(await gateway.reconcile(desk, "s1", "END")) == ["CASH"]

    runs()


def test_a_gateway_that_does_not_tell_the_account_leaves_it_unknown(
    grant: OrderGrant, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(desk: Desk) -> None:
        raise GatewayTimeout("the account's values")

    @story
    async def runs() -> None:
        async with reconciled(grant) as (_, desk):
            monkeypatch.setattr(Desk, "account_values", silent)
            run = await gateway.reconcile(desk, "s1", "END")
            assert (run.state, verdicts(run)) == ("CLEAN", ["UNKNOWN", "UNKNOWN"])

    runs()


def test_an_open_difference_is_not_gone_because_the_gateway_falls_silent(
    grant: OrderGrant, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(desk: Desk) -> None:
        raise GatewayTimeout("the account's values")

    @story
    async def runs() -> None:
        async with reconciled(grant) as (simulated, desk):
            account(simulated).cash -= FEE
            assert kinds(await gateway.reconcile(desk, "s1")) == ["CASH"]
            with monkeypatch.context() as patched:
                patched.setattr(Desk, "account_values", silent)
                assert (await gateway.reconcile(desk, "s1")).state == "DIFFS"
            assert await ReconciliationDiff.objects.filter(state="OPEN").acount() == 1
            account(simulated).cash += FEE
            assert (await gateway.reconcile(desk, "s1")).clean

    runs()
    assert ReconciliationDiff.objects.get().state == "RESOLVED"


def test_an_explained_amount_stays_explained_when_cash_moves_on(
    grant: OrderGrant, people: People
) -> None:
    @story
    async def runs() -> None:
        async with reconciled(grant) as (simulated, desk):
            account(simulated).cash -= FEE
            await gateway.reconcile(desk, "s1")
            diff = await ReconciliationDiff.objects.aget()
            text = "The month's fee for market data."
            await sync_to_async(corrections.propose)(diff, people.op, text)
            await sync_to_async(corrections.approve)(diff, people.qa)
            await round_trip(desk, grant)
            await desk.clock.sleep(LAG_S)
            run = await gateway.reconcile(desk, "s1", "END")
            assert (run.state, verdicts(run)) == ("CLEAN", ["AGREES", "AGREES"])

    runs()


def test_the_start_is_kept_from_run_to_run(grant: OrderGrant) -> None:
    @story
    async def runs() -> None:
        async with reconciled(grant) as (_, desk):
            await round_trip(desk, grant)
            await desk.clock.sleep(20)
            await gateway.reconcile(desk, "s1")

    runs()
    first, second = ReconciliationRun.objects.all()
    assert first.start_funds == second.start_funds
    assert first.start_funds["amounts"]["cash"] == 100_000
