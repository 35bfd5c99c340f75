"""Orders on the wire: what is written down before and after, and whom not to believe."""

import asyncio
from dataclasses import replace

import pytest

from brokerage import gateway
from brokerage.errors import GatewayTimeout, OrderRefused, OrderUnanswered
from brokerage.gateway import OrderState
from brokerage.models import Execution, OrderGrant, OrderRecord
from crucible.ledger.models import Entry
from tests.brokerage.port.stories import (
    SPY,
    buy,
    buying,
    door,
    open_desk,
    orders_on_the_wire,
    set_levers,
    story,
)

pytestmark = pytest.mark.django_db


def kinds(order: OrderRecord) -> list[str]:
    return list(order.events.values_list("kind", flat=True))


def ledger() -> list[str]:
    entries = Entry.objects.filter(object_type="order").order_by("sequence")
    return [entry.kind for entry in entries]


def test_a_filled_order_leaves_its_whole_story(grant: OrderGrant) -> None:
    @story
    async def trades() -> None:
        async with open_desk() as (_, desk):
            ticket = await buy(desk, grant)
            assert await (await ticket.acked()).done() is OrderState.FILLED
            assert await ticket.commission_report() > 0

    trades()
    order = OrderRecord.objects.get()
    assert kinds(order)[:3] == ["INTENT", "SUBMITTING", "SUBMITTED"]
    assert {"FILL", "FILLED", "COMMISSION"} <= set(kinds(order))
    assert (order.state, order.filled, order.grant, order.scope) == ("FILLED", 1, grant, "s1")
    assert order.acked_ms <= order.filled_ms < 5000  # type: ignore[operator]
    assert (Execution.objects.get().order, Execution.objects.get().scope) == (order, "s1")
    assert Execution.objects.get().commission == 1.0
    assert ledger() == ["order.placed", "order.filled"]


def test_the_order_is_on_record_before_it_is_on_the_wire(
    grant: OrderGrant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(link: object, permit: object, order_id: int) -> None:
        raise SystemError

    @story
    async def trades() -> None:
        async with open_desk() as (simulated, desk):
            monkeypatch.setattr("brokerage.broker.trading.place", dies)
            with pytest.raises(SystemError):
                await buy(desk, grant)
            assert orders_on_the_wire(simulated) == 0

    trades()
    order = OrderRecord.objects.get()
    assert (order.state, kinds(order)) == ("SUBMITTING", ["INTENT", "SUBMITTING"])
    assert order.order_id


@pytest.mark.parametrize("at_once", [True, False])
def test_the_same_key_twice_is_one_order(grant: OrderGrant, at_once: bool) -> None:
    @story
    async def trades() -> None:
        async with open_desk() as (simulated, desk):
            intent = await buying(desk, await desk.qualify(SPY), far=True)
            if at_once:
                both = [desk.place(intent, door(desk, grant)) for _ in range(2)]
                first, second = await asyncio.gather(*both)
            else:
                first = await desk.place(intent, door(desk, grant))
                second = await desk.place(intent, door(desk, grant))
            assert first is second
            await asyncio.sleep(0.02)
            assert orders_on_the_wire(simulated) == 1

    trades()
    assert OrderRecord.objects.count() == 1


def test_the_same_key_on_another_connection_is_no_new_order(grant: OrderGrant) -> None:
    @story
    async def trades() -> None:
        async with open_desk() as (simulated, desk):
            intent = await buying(desk, await desk.qualify(SPY), far=True)
            first = await desk.place(intent, door(desk, grant))
            async with gateway.connect(simulated.target, readonly=False) as other:
                again = await other.place(intent, door(other, grant))
                assert again.order_id == first.order_id
            assert orders_on_the_wire(simulated) == 1

    trades()


def test_two_keys_are_two_orders(grant: OrderGrant) -> None:
    @story
    async def trades() -> None:
        async with open_desk() as (_, desk):
            tickets = [await buy(desk, grant, key, far=True) for key in ("a", "b")]
            assert len({ticket.order_id for ticket in tickets}) == 2
            await asyncio.gather(*(ticket.acked() for ticket in tickets))
            assert len(await desk.open_orders()) == 2

    trades()


def test_a_refused_key_stays_refused(grant: OrderGrant) -> None:
    @story
    async def trades() -> None:
        async with open_desk() as (simulated, desk):
            for _ in range(2):
                with pytest.raises(OrderRefused) as caught:
                    await buy(desk, None)
                assert caught.value.reason == "NO_GRANT"
            async with gateway.connect(simulated.target, readonly=False) as other:
                with pytest.raises(OrderRefused):
                    await buy(other, grant)
            assert orders_on_the_wire(simulated) == 0

    trades()
    order = OrderRecord.objects.get()
    assert (order.state, order.reason, kinds(order)) == (
        "REFUSED",
        "NO_GRANT",
        ["INTENT", "REFUSED"],
    )
    assert ledger() == ["order.refused"]


def test_an_order_without_an_answer_is_no_response(grant: OrderGrant) -> None:
    @story
    async def trades() -> None:
        async with open_desk(no_ack=True) as (_, desk):
            ticket = await buy(desk, grant)
            with pytest.raises(OrderUnanswered, match="unknown"):
                await ticket.acked(0.9)
            assert ticket.status is OrderState.NO_RESPONSE

    trades()
    assert OrderRecord.objects.get().state == "NO_RESPONSE"
    assert "order.unanswered" in ledger()


def test_an_order_that_does_not_fill_times_out_and_keeps_working(grant: OrderGrant) -> None:
    @story
    async def trades() -> None:
        async with open_desk() as (_, desk):
            ticket = await buy(desk, grant, far=True)
            with pytest.raises(GatewayTimeout, match="SUBMITTED"):
                await ticket.done(0.9)
            with pytest.raises(GatewayTimeout, match="commission"):
                await ticket.commission_report(0.1)

    trades()


def test_a_cancel_is_believed_after_reading_again(grant: OrderGrant) -> None:
    @story
    async def trades() -> None:
        async with open_desk() as (simulated, desk):
            ticket = await (await buy(desk, grant, far=True)).acked()
            await desk.cancel(ticket)
            assert await ticket.done(10) is OrderState.CANCELLED
            names = [frame.name for frame in simulated.transcript if frame.direction == "in"]
            assert "ReqExecutions" in names[names.index("CancelOrder") :]
            assert "ReqAllOpenOrders" in names[names.index("CancelOrder") :]

    trades()
    order = OrderRecord.objects.get()
    assert (order.state, order.filled) == ("CANCELLED", 0)
    assert order.cancel_acked_ms
    assert ledger() == ["order.placed", "order.cancelled"]


def test_a_cancelled_that_still_works_is_not_cancelled(grant: OrderGrant) -> None:
    @story
    async def trades() -> None:
        async with open_desk(cancelled_stays_open=True) as (_, desk):
            ticket = await (await buy(desk, grant, far=True)).acked()
            await desk.cancel(ticket)
            with pytest.raises(GatewayTimeout):
                await ticket.done(10)
            assert ticket.status is OrderState.SUBMITTED

    trades()


def test_an_ignored_cancel_stays_pending(grant: OrderGrant) -> None:
    @story
    async def trades() -> None:
        async with open_desk(cancel_ignored=True) as (_, desk):
            ticket = await (await buy(desk, grant, far=True)).acked()
            await desk.cancel(ticket)
            with pytest.raises(GatewayTimeout, match="CANCEL_PENDING"):
                await ticket.done(0.9)

    trades()


def test_a_fill_after_the_cancel_counts_and_is_flagged(grant: OrderGrant) -> None:
    @story
    async def trades() -> None:
        async with open_desk(fill_after_cancel=True) as (_, desk):
            ticket = await (await buy(desk, grant, far=True)).acked()
            await desk.cancel(ticket)
            await ticket.done(10)
            await desk.clock.sleep(3)
            assert (ticket.filled, ticket.late_fill) == (1, True)

    trades()
    order = OrderRecord.objects.get()
    assert (order.filled, order.late_fill) == (1, True)
    assert "order.filled_late" in ledger()


def test_a_cancel_that_comes_too_late_ends_as_filled(grant: OrderGrant) -> None:
    @story
    async def trades() -> None:
        async with open_desk() as (_, desk):
            ticket = await buy(desk, grant)
            await desk.cancel(ticket)
            assert await ticket.done(10) in {OrderState.FILLED, OrderState.CANCELLED}
            assert (ticket.status is OrderState.FILLED) == (ticket.filled == 1)

    trades()


def test_an_ended_order_is_not_cancelled_again(grant: OrderGrant) -> None:
    @story
    async def trades() -> None:
        async with open_desk() as (simulated, desk):
            ticket = await buy(desk, grant)
            await ticket.done()
            await desk.cancel(ticket)
            await asyncio.sleep(0.02)
            assert not [f for f in simulated.transcript if f.name == "CancelOrder"]

    trades()


def test_a_rejected_order_tells_code_and_text(grant: OrderGrant) -> None:
    @story
    async def trades() -> None:
        async with open_desk(buying_power=1.0) as (_, desk):
            ticket = await buy(desk, grant)
            assert await ticket.done() is OrderState.REJECTED
            assert ticket.reason == "201"
            assert not await desk.open_orders()

    trades()
    order = OrderRecord.objects.get()
    assert (order.state, order.reason) == ("REJECTED", "201")
    assert order.text
    assert "order.rejected" in ledger()


def test_an_order_without_executions_is_filled_with_none(grant: OrderGrant) -> None:
    @story
    async def trades() -> None:
        async with open_desk(no_execution=True) as (_, desk):
            ticket = await buy(desk, grant)
            await ticket.done()
            assert (ticket.filled, ticket.fills, ticket.commission) == (1, {}, None)

    trades()


def test_a_double_fill_is_counted_as_it_is(grant: OrderGrant) -> None:
    @story
    async def trades() -> None:
        async with open_desk(double_fill=True) as (_, desk):
            ticket = await buy(desk, grant)
            await ticket.done()
            await desk.clock.sleep(2)
            assert ticket.filled == 2

    trades()
    assert OrderRecord.objects.get().filled == 2


def test_a_lost_connection_leaves_open_orders_unknown(grant: OrderGrant) -> None:
    @story
    async def trades() -> None:
        async with open_desk() as (simulated, desk):
            ticket = await (await buy(desk, grant, far=True)).acked()
            await simulated.gateway.drop_all()
            await asyncio.sleep(0.05)
            assert ticket.status is OrderState.UNKNOWN
            with pytest.raises(OrderRefused) as caught:
                await desk.place(replace(ticket.intent, key="k2"), door(desk, grant))
            assert caught.value.reason == "CONNECTION"

    trades()
    assert OrderRecord.objects.get(key="k1").state == "UNKNOWN"


def test_a_socket_that_dies_on_the_order_leaves_it_unknown(grant: OrderGrant) -> None:
    @story
    async def trades() -> None:
        async with open_desk(disconnect_on_order=True) as (_, desk):
            ticket = await buy(desk, grant)
            with pytest.raises(OrderUnanswered):
                await ticket.acked(0.9)
            assert ticket.status is OrderState.UNKNOWN

    trades()
    assert OrderRecord.objects.get().state == "UNKNOWN"


def test_a_read_only_desk_places_nothing(grant: OrderGrant) -> None:
    @story
    async def trades() -> None:
        async with open_desk(readonly=True) as (simulated, desk):
            with pytest.raises(OrderRefused) as caught:
                await buy(desk, grant)
            assert caught.value.reason == "READ_ONLY"
            assert orders_on_the_wire(simulated) == 0

    trades()


def test_a_what_if_places_nothing_and_tells_the_margin(grant: OrderGrant) -> None:
    @story
    async def asks() -> None:
        async with open_desk() as (_, desk):
            intent = await buying(desk, await desk.qualify(SPY))
            answer = await desk.what_if(intent)
            assert answer.refused is None
            assert answer.init_margin_change > 0
            assert not await desk.open_orders()
            assert not await desk.executions()

    asks()
    assert not OrderRecord.objects.exists()


def test_a_what_if_beyond_the_buying_power_is_a_refusal(grant: OrderGrant) -> None:
    @story
    async def asks() -> None:
        async with open_desk() as (simulated, desk):
            set_levers(simulated, buying_power=1.0)
            answer = await desk.what_if(await buying(desk, await desk.qualify(SPY)))
            assert answer.refused is not None
            assert answer.refused[0] == 201

    asks()
