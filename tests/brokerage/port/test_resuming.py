"""Orders of a lost connection: UNKNOWN until the broker's books have told their fate."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from django.db import DatabaseError

from brokerage import gateway
from brokerage.errors import OrderRefused
from brokerage.gateway import Desk, OrderState, Simulated, Ticket
from brokerage.models import OrderEvent, OrderGrant, OrderRecord
from brokerage.safety import Permit
from brokerage.tws.messages import ReqGlobalCancel
from tests.brokerage.port.stories import buy, door, granted, open_desk, orders_on_the_wire, story

pytestmark = pytest.mark.django_db
SOON = 0.05  # real seconds


@asynccontextmanager
async def lost_and_back(
    grant: OrderGrant, *, far: bool = True
) -> AsyncIterator[tuple[Simulated, Desk, Ticket]]:
    """An order whose connection broke, and the next connection of its client id."""
    async with open_desk() as (simulated, desk):
        ticket = await buy(desk, grant, far=far)
        await ticket.acked()
        for peer in simulated.gateway.peers():
            peer.cut()
        while desk.connected:
            await desk.clock.sleep(SOON)
        await desk.book.flush()
        ids = (desk.client_id,)
        target = await granted(simulated.target)
        async with gateway.connect(target, client_ids=ids, readonly=False) as back:
            yield simulated, back, ticket


def path() -> list[str]:
    states = {state.value for state in OrderState} - {"INTENT", "SUBMITTING"}
    kinds = OrderEvent.objects.values_list("kind", flat=True)
    return [kind for kind in kinds if kind in states]


def test_a_working_order_is_unknown_then_found_and_can_be_cancelled(grant: OrderGrant) -> None:
    @story
    async def finds() -> None:
        async with lost_and_back(grant) as (_, back, lost):
            assert lost.status is OrderState.UNKNOWN
            (found,) = await back.resume("s1")
            assert found.status is OrderState.SUBMITTED
            await back.cancel(found)
            assert await found.done(10) is OrderState.CANCELLED

    finds()
    assert path() == ["SUBMITTED", "UNKNOWN", "SUBMITTED", "CANCEL_PENDING", "CANCELLED"]
    assert OrderRecord.objects.get().state == "CANCELLED"


def test_an_order_that_ended_meanwhile_is_settled_by_the_completed_orders(
    grant: OrderGrant,
) -> None:
    @story
    async def finds() -> None:
        async with lost_and_back(grant) as (simulated, back, _):
            (session,) = simulated.gateway.sessions()
            simulated.gateway.venue.orders.cancel_all(session, ReqGlobalCancel())
            (found,) = await back.resume("s1")
            assert found.status is OrderState.CANCELLED

    finds()


def test_an_order_that_a_list_leaves_out_stays_unknown(grant: OrderGrant) -> None:
    @story
    async def finds() -> None:
        async with lost_and_back(grant) as (simulated, back, _):
            simulated.gateway.faults.on("orders_not_listed")
            (found,) = await back.resume("s1")
            assert found.status is OrderState.UNKNOWN

    finds()
    assert OrderRecord.objects.get().state == "UNKNOWN"


def test_orders_of_others_are_not_taken_over(grant: OrderGrant) -> None:
    @story
    async def finds() -> None:
        async with lost_and_back(grant) as (simulated, back, _):
            assert await back.resume("s2") == []
            async with gateway.connect(simulated.target, readonly=False) as other:
                assert other.client_id != back.client_id
                assert await other.resume("s1") == []

    finds()


def test_a_change_keeps_the_order_and_its_id(grant: OrderGrant) -> None:
    @story
    async def changes() -> None:
        async with open_desk() as (simulated, desk):
            ticket = await buy(desk, grant, far=True)
            await ticket.acked()
            lower = round(ticket.intent.limit_price - 1, 2)
            await desk.change(ticket, lower, door(desk, grant))
            (order,) = await desk.open_orders()
            assert (order.order_id, order.limit_price) == (ticket.order_id, lower)
            assert orders_on_the_wire(simulated) == 2

    changes()
    assert OrderRecord.objects.get().limit_price == pytest.approx(
        OrderEvent.objects.get(kind="CHANGE").detail["limit_price"]
    )


def test_an_order_that_has_ended_is_not_changed(grant: OrderGrant) -> None:
    @story
    async def changes() -> None:
        async with open_desk() as (simulated, desk):
            ticket = await buy(desk, grant)
            await ticket.done()
            with pytest.raises(OrderRefused, match="ended"):
                await desk.change(ticket, 1.0, door(desk, grant))
            assert orders_on_the_wire(simulated) == 1

    changes()


def test_an_order_that_is_cancelled_while_the_door_looks_is_not_sent_again(
    grant: OrderGrant,
) -> None:
    @story
    async def changes() -> None:
        async with open_desk() as (simulated, desk):
            ticket = await buy(desk, grant, far=True)
            await ticket.acked()
            last_look = door(desk, grant)
            check = last_look.check

            async def slow(*args: Any) -> Permit:
                permit = await check(*args)
                await desk.cancel(ticket)
                return permit

            last_look.check = slow  # type: ignore[assignment,method-assign]
            with pytest.raises(OrderRefused, match="ended"):
                await desk.change(ticket, 1.0, last_look)
            assert orders_on_the_wire(simulated) == 1

    changes()


def test_no_change_leaves_while_events_can_not_be_written(
    grant: OrderGrant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*args: object, **kwargs: object) -> None:
        raise DatabaseError

    @story
    async def changes() -> None:
        async with open_desk() as (simulated, desk):
            ticket = await buy(desk, grant, far=True)
            await ticket.acked()
            with monkeypatch.context() as patch:
                patch.setattr("brokerage.gateway.journal.write", fails)
                ticket.changed(ticket.intent)
                await desk.book.flush()
                with pytest.raises(OrderRefused, match="written down"):
                    await desk.change(ticket, 1.0, door(desk, grant))
            assert orders_on_the_wire(simulated) == 1

    changes()


def test_a_changed_order_is_not_counted_twice_by_the_limits(grant: OrderGrant) -> None:
    OrderGrant.objects.update(max_shares=1)

    @story
    async def changes() -> None:
        async with open_desk() as (_, desk):
            ticket = await buy(desk, grant, far=True)
            await ticket.acked()
            await desk.book.flush()
            await desk.change(ticket, 1.0, door(desk, grant))
            with pytest.raises(OrderRefused, match="shares"):
                await buy(desk, grant, "k2", far=True)

    changes()
