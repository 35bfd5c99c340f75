"""Cleaning up: own orders cancelled, own positions flat, everything of others untouched."""

import asyncio
from dataclasses import replace

import pytest
from asgiref.sync import sync_to_async

from brokerage import gateway, kill
from brokerage.errors import OrderRefused
from brokerage.gateway import Contract, Desk, Door, Intent, Quote, Target
from brokerage.models import Execution, OrderGrant, OrderRecord
from tests.brokerage.port.stories import (
    SPY,
    buy,
    buying,
    door,
    granted,
    open_desk,
    orders_on_the_wire,
    set_levers,
    story,
)

pytestmark = pytest.mark.django_db


def test_orders_are_cancelled_and_positions_closed(grant: OrderGrant) -> None:
    @story
    async def cleans() -> None:
        async with open_desk() as (_, desk):
            await (await buy(desk, grant)).done()
            await (await buy(desk, grant, "k2", far=True)).acked()
            report = await gateway.cleanup(desk, "s1")
            assert report.ok
            assert report.cancelled == ["BUY 1 SPY"]
            assert report.closed == {"SPY": 1}
            assert not await desk.positions()
            assert not await desk.open_orders()

    cleans()
    assert set(OrderRecord.objects.values_list("state", flat=True)) == {"FILLED", "CANCELLED"}


def test_a_triggered_kill_switch_does_not_stop_it(grant: OrderGrant) -> None:
    @story
    async def trades() -> None:
        async with open_desk() as (_, desk):
            await (await buy(desk, grant)).done()
            await desk.book.flush()
            await asyncio.get_running_loop().run_in_executor(None, lambda: None)
            await _sync(kill.trigger, "test", "drill")
            with pytest.raises(OrderRefused):
                await buy(desk, grant, "k2")
            assert (await gateway.cleanup(desk, "s1")).ok
            assert not await desk.positions()

    trades()
    assert OrderRecord.objects.filter(purpose="CLEANUP", state="FILLED").count() == 1


async def _sync(function, *args):  # type: ignore[no-untyped-def]
    return await gateway.connecting.sync_to_async(function)(*args)


def test_nothing_to_do_is_fine(grant: OrderGrant) -> None:
    @story
    async def cleans() -> None:
        async with open_desk() as (simulated, desk):
            assert (await gateway.cleanup(desk, "s1")).ok
            assert orders_on_the_wire(simulated) == 0

    cleans()


def test_positions_and_orders_of_others_stay(grant: OrderGrant) -> None:
    @story
    async def cleans() -> None:
        async with open_desk() as (_, desk):
            await (await buy(desk, grant, ref="s2/OE-01")).done()
            await (await buy(desk, grant, "k2", far=True, ref="s10/OE-01")).acked()
            await (await buy(desk, grant, "k3")).done()
            assert (await gateway.cleanup(desk, "s1")).ok
            assert [position.quantity for position in await desk.positions()] == [1]
            assert [order.ref for order in await desk.open_orders()] == ["s10/OE-01"]

    cleans()


def test_one_scenario_of_a_session_is_cleaned_alone(grant: OrderGrant) -> None:
    @story
    async def cleans() -> None:
        async with open_desk() as (_, desk):
            await (await buy(desk, grant)).done()
            await (await buy(desk, grant, "k2", ref="s1/OE-02")).done()
            assert (await gateway.cleanup(desk, "s1/OE-02")).closed == {"SPY": 1}
            assert [position.quantity for position in await desk.positions()] == [1]
            assert (await gateway.cleanup(desk, "s1")).closed == {"SPY": 1}
            assert not await desk.positions()

    cleans()


def test_after_a_crash_another_process_cleans_up(grant: OrderGrant) -> None:
    @story
    async def crashes() -> None:
        async with gateway.simulation() as simulated:
            await _trade_and_vanish(await granted(simulated.target), grant)
            async with gateway.connect(simulated.target, client_ids=[219]) as desk:
                report = await gateway.cleanup(desk, "s1")
            assert report.cancelled == ["BUY 1 SPY"]
            assert report.problems == []
            async with gateway.connect(await granted(simulated.target), readonly=False) as desk:
                report = await gateway.cleanup(desk, "s1")
                assert report.ok
                assert not await desk.positions()

    crashes()
    assert Execution.objects.filter(scope="s1").count() == 2
    assert not OrderRecord.objects.filter(state__in=["UNKNOWN", "SUBMITTED"]).exists()


async def _trade_and_vanish(target: Target, grant: OrderGrant) -> None:
    """Buy, leave another order working, and lose all memory of what came of them."""
    async with gateway.connect(target, readonly=False) as desk:
        first, second = await buy(desk, grant), await buy(desk, grant, "k2", far=True)
        await first.acked()
        await second.acked()
        await first.done()
        desk.book._pending.clear()


def test_a_market_that_does_not_take_it_is_reported(grant: OrderGrant) -> None:
    @story
    async def cleans() -> None:
        async with open_desk() as (simulated, desk):
            await (await buy(desk, grant)).done()
            set_levers(simulated, sell_never_fills=True)
            report = await gateway.cleanup(desk, "s1")
            assert not report.flat
            assert report.remaining == {"756733": 1}
            assert orders_on_the_wire(simulated) == 1 + 3
            assert not await desk.open_orders()

    cleans()


def test_what_somebody_closed_by_hand_is_not_sold_again(grant: OrderGrant) -> None:
    @story
    async def cleans() -> None:
        async with open_desk() as (simulated, desk):
            await (await buy(desk, grant)).done()
            await desk.book.flush()
            other = replace(await _selling(desk), ref="by hand")
            await (await desk.place(other, door(desk, None))).done()
            sent = orders_on_the_wire(simulated)
            assert (await gateway.cleanup(desk, "s1")).ok
            assert orders_on_the_wire(simulated) == sent

    cleans()


async def _selling(desk: Desk) -> Intent:
    contract = await desk.qualify(SPY)
    quote = await desk.quote(contract)
    price = gateway.marketable(quote, "SELL", contract.min_tick)
    return Intent(
        "sell", contract, "SELL", 1, limit_price=price, purpose="CLEANUP", reduce_only=True
    )


@pytest.mark.parametrize(("quantity", "side"), [(2, "SELL"), (1, "BUY")])
def test_reduce_only_never_exceeds_the_open_position(
    grant: OrderGrant, quantity: float, side: gateway.Side
) -> None:
    @story
    async def trades() -> None:
        async with open_desk() as (simulated, desk):
            await (await buy(desk, grant)).done()
            intent = replace(await _selling(desk), quantity=quantity, side=side)
            with pytest.raises(OrderRefused) as caught:
                await desk.place(intent, Door(None, desk.clock))
            assert caught.value.reason == "REDUCE_ONLY"
            assert orders_on_the_wire(simulated) == 1

    trades()


def test_clean_up_that_does_not_call_itself_reduce_only_is_refused(grant: OrderGrant) -> None:
    @story
    async def trades() -> None:
        async with open_desk() as (_, desk):
            intent = await buying(desk, await desk.qualify(SPY))
            with pytest.raises(OrderRefused) as caught:
                await desk.place(replace(intent, purpose="CLEANUP"), Door(None, desk.clock))
            assert caught.value.reason == "REDUCE_ONLY"

    trades()


def test_who_has_a_grant_gets_no_clean_up_past_a_tripped_switch(grant: OrderGrant) -> None:
    @story
    async def trades() -> None:
        async with open_desk() as (simulated, desk):
            await (await buy(desk, grant)).done()
            await sync_to_async(kill.trigger)("tests", "Stop.")
            with pytest.raises(OrderRefused) as caught:
                await desk.place(await _selling(desk), Door(grant.pk, desk.clock))
            assert caught.value.reason == "GRANT_CLEANUP"
            assert orders_on_the_wire(simulated) == 1

    trades()


def test_marketable_prices_cross_the_spread_and_stay_on_tick() -> None:
    quote = Quote(Contract(1, "X"), bid=0.02, ask=0.05)
    assert gateway.marketable(quote, "BUY", 0.01) == 0.06
    assert gateway.marketable(quote, "SELL", 0.01) == 0.01
    assert gateway.marketable(quote, "SELL", 0.05) == 0.05


def closing(contract: Contract, key: str) -> Intent:
    return Intent(
        key, contract, "SELL", 1, limit_price=1.0, ref="s1/cleanup", purpose="CLEANUP",
        reduce_only=True,
    )  # fmt: skip


def _placed(answer: object) -> bool:
    return not isinstance(answer, BaseException)


@pytest.mark.parametrize("fills", [True, False])
def test_of_two_clean_ups_at_once_one_closes_the_position(grant: OrderGrant, fills: bool) -> None:
    @story
    async def cleans() -> None:
        async with open_desk() as (simulated, desk):
            await (await buy(desk, grant)).done()
            set_levers(simulated, sell_never_fills=not fills)
            contract = await desk.qualify(SPY)
            placing = [
                desk.place(closing(contract, key), Door(None, desk.clock))
                for key in ("c1", "c2", "c3")
            ]
            answers = await asyncio.gather(*placing, return_exceptions=True)
            refused = [getattr(one, "reason", one) for one in answers if not _placed(one)]
            assert refused == ["REDUCE_ONLY"] * 2
            assert orders_on_the_wire(simulated) == 1 + 1

    cleans()
