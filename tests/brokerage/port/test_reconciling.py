"""Own record, wire and broker against a simulated gateway: found, settled, and the door shut."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from brokerage import corrections, gateway, reconciliation
from brokerage.errors import OrderRefused
from brokerage.gateway import Desk, Intent, OrderState, Reconciled, Simulated
from brokerage.models import (
    Correction,
    Endpoint,
    Execution,
    OrderEvent,
    OrderGrant,
    OrderRecord,
    ReconciliationDiff,
    ReconciliationRun,
)
from crucible.alerts.models import Alert
from tests.brokerage.port.stories import SPY, buy, buying, door, open_desk, story
from tests.conftest import People

pytestmark = pytest.mark.django_db
DOUBLED = {"other_ids": True}


@asynccontextmanager
async def reconciled(grant: OrderGrant) -> AsyncIterator[tuple[Simulated, Desk]]:
    """A desk of the grant's endpoint, whose scope has its baseline."""
    async with gateway.simulation() as simulated:
        target = replace(simulated.target, endpoint_id=grant.endpoint_id)
        async with gateway.connect(target, readonly=False) as desk:
            assert (await gateway.reconcile(desk, "s1", "START")).clean
            yield simulated, desk


def kinds(run: Reconciled) -> list[str]:
    return [one.kind.value for one in run.unexplained]


def told(run: Reconciled) -> list[str]:
    return [one.kind.value for one in run.found if one.explanation]


async def diffs() -> list[tuple[str, str]]:
    return [(row.kind, row.state) async for row in ReconciliationDiff.objects.all()]


def test_a_sound_gateway_is_clean_with_positions_and_working_orders(grant: OrderGrant) -> None:
    @story
    async def runs() -> None:
        async with reconciled(grant) as (_, desk):
            await (await buy(desk, grant)).done()
            await (await buy(desk, grant, "k2", far=True)).acked()
            run = await gateway.reconcile(desk, "s1")
            assert (run.state, run.found) == ("CLEAN", ())

    runs()
    last = ReconciliationRun.objects.last()
    assert last is not None
    assert (last.orders, last.executions, last.occasion) == (2, 1, "CYCLE")


def test_what_the_account_held_before_is_given(grant: OrderGrant) -> None:
    @story
    async def runs() -> None:
        async with open_desk() as (_, first):
            other = await buy(first, grant, ref="s0/OE-01")
            await other.done()
            assert (await gateway.reconcile(first, "s1", "START")).clean
            assert (await gateway.reconcile(first, "s1")).clean

    runs()
    assert list(ReconciliationRun.objects.values_list("state", flat=True)) == ["CLEAN"] * 2
    (base,) = ReconciliationRun.objects.all()[0].base.values()
    assert base == 1


@pytest.mark.parametrize(
    ("fault", "params"),
    [
        ("open_orders_repeated", {}),
        ("status_flood", {}),
        ("preset_notice", {}),
        ("duplicate_execution", {}),
        ("partial_fills", {}),
        ("execution_without_status", {}),
    ],
)
def test_noise_is_no_difference(grant: OrderGrant, fault: str, params: dict[str, object]) -> None:
    @story
    async def runs() -> None:
        async with reconciled(grant) as (simulated, desk):
            simulated.gateway.faults.on(fault, **params)
            await (await buy(desk, grant)).done()
            await (await buy(desk, grant, "k2", far=True)).acked()
            run = await gateway.reconcile(desk, "s1")
            assert kinds(run) == []

    runs()


@pytest.mark.parametrize(
    ("fault", "params", "found"),
    [
        ("duplicate_execution", DOUBLED, {"PHANTOM", "SHRUNK_FILL"}),
        ("rejected_silently", {"seconds": 0.1}, {"STATUS"}),
        ("orders_not_listed", {}, {"MISSING_THERE"}),
        ("missing_commission", {}, {"COMMISSION"}),
        ("pending_commission", {"seconds": 9999.0}, set()),
    ],
)
def test_a_fault_is_found_at_the_end(
    grant: OrderGrant, fault: str, params: dict[str, object], found: set[str]
) -> None:
    @story
    async def runs() -> None:
        async with reconciled(grant) as (simulated, desk):
            simulated.gateway.faults.on(fault, **params)
            await (await buy(desk, grant)).acked()
            await (await buy(desk, grant, "k2", far=True)).acked()
            await desk.clock.sleep(10)
            run = await gateway.reconcile(desk, "s1", "END")
            assert set(kinds(run)) >= found

    runs()


@pytest.mark.parametrize("fault", ["callbacks_lost", "execution_lost"])
def test_what_nobody_told_is_found_written_down_and_clean_the_next_time(
    grant: OrderGrant, fault: str
) -> None:
    @story
    async def runs() -> None:
        async with reconciled(grant) as (simulated, desk):
            simulated.gateway.faults.on(fault)
            await buy(desk, grant)
            await desk.clock.sleep(10)
            first = await gateway.reconcile(desk, "s1", "RECONNECT")
            assert "MISSING_HERE" in {*kinds(first), *told(first)}
            assert (await gateway.reconcile(desk, "s1")).clean

    runs()
    assert Execution.objects.count() == 1
    assert OrderRecord.objects.get().state == "FILLED"
    assert not ReconciliationDiff.objects.filter(state="OPEN").exists()


def test_a_correction_that_comes_later_is_written_beside_the_first_report(
    grant: OrderGrant,
) -> None:
    @story
    async def runs() -> None:
        async with reconciled(grant) as (simulated, desk):
            simulated.gateway.faults.on("execution_corrected", seconds=5.0)
            await (await buy(desk, grant)).done()
            await desk.clock.sleep(20)
            run = await gateway.reconcile(desk, "s1", "END")
            assert (kinds(run), told(run)) == ([], ["CORRECTED_EXECUTION"])

    runs()
    revisions = [exec_id[-2:] for exec_id in Execution.objects.values_list("exec_id", flat=True)]
    assert revisions == ["01", "02"]
    assert OrderRecord.objects.get().filled == 1


def stranger(simulated: Simulated, grant: OrderGrant) -> AbstractAsyncContextManager[Desk]:
    """Another client, whose orders are not of the scope's own record."""
    target = replace(simulated.target, endpoint_id=grant.endpoint_id)
    return gateway.connect(target, readonly=False)


def test_a_foreign_position_shuts_the_door_until_it_is_gone(grant: OrderGrant) -> None:
    @story
    async def runs() -> None:
        async with (
            reconciled(grant) as (simulated, desk),
            stranger(simulated, grant) as other,
        ):
            await (await buy(other, grant, ref="s1/RS-08/outside")).done()
            run = await gateway.reconcile(desk, "s1")
            assert kinds(run) == ["FOREIGN_POSITION"]
            for opening in (desk, other):
                with pytest.raises(OrderRefused, match="unexplained difference") as refused:
                    await buy(opening, grant, f"k-{opening.client_id}")
                assert refused.value.reason == "RECONCILIATION"
            await (await sell(other, grant)).done()
            assert (await gateway.reconcile(desk, "s1")).clean
            await (await buy(desk, grant, "k9")).done()

    runs()
    assert [row.state for row in ReconciliationDiff.objects.all()] == ["RESOLVED"]
    assert Alert.objects.get(kind="reconciliation").state == "RESOLVED"


async def sell(desk: Desk, grant: OrderGrant) -> gateway.Ticket:
    """Close what `buy` has bought: permitted also while the door is shut."""
    contract = await desk.qualify(SPY)
    quote = await desk.quote(contract)
    price = round(quote.bid - 0.5, 2)
    ref = "s1/RS-08/outside"
    intent = Intent("sell", contract, "SELL", 1, limit_price=price, ref=ref)
    return await desk.place(intent, door(desk, grant))


def settle(diff: ReconciliationDiff, people: People) -> None:
    corrections.propose(diff, people.op, "The broker has none of it.", row=True)
    corrections.approve(diff, people.qa)


def test_a_phantom_is_set_right_by_a_row_beside_it(grant: OrderGrant, people: People) -> None:
    @story
    async def runs() -> None:
        async with reconciled(grant) as (_, desk):
            contract = await desk.qualify(SPY)
            await Correction.objects.acreate(
                endpoint_id=grant.endpoint_id, scope="s1", con_id=contract.con_id, quantity=1,
                text="a position that is nowhere", by_name="test",
            )  # fmt: skip
            assert kinds(await gateway.reconcile(desk, "s1")) == ["PHANTOM"]
            diff = await ReconciliationDiff.objects.aget()
            await sync_to_async(settle)(diff, people)
            assert (await gateway.reconcile(desk, "s1")).clean

    runs()
    assert [row.quantity for row in Correction.objects.all()] == [1, -1]
    assert ReconciliationDiff.objects.get().state == "EXPLAINED"


def test_an_execution_that_the_broker_does_not_know_is_voided_by_a_row(
    grant: OrderGrant, people: People
) -> None:
    @story
    async def runs() -> None:
        async with reconciled(grant) as (_, desk):
            contract = await desk.qualify(SPY)
            await Execution.objects.acreate(
                exec_id="made.up.01.01", scope="s1", ref="s1/OE-01", con_id=contract.con_id,
                symbol="SPY", side="BUY", quantity=1, price=500, at=desk.now(),
            )  # fmt: skip
            assert kinds(await gateway.reconcile(desk, "s1")) == ["PHANTOM", "PHANTOM"]
            diff = await ReconciliationDiff.objects.aget(subject__startswith="execution")
            await sync_to_async(settle)(diff, people)
            assert (await gateway.reconcile(desk, "s1")).clean

    runs()
    assert Execution.objects.count() == 1


def test_the_door_is_shut_by_its_own_gateway_s_differences_alone(grant: OrderGrant) -> None:
    elsewhere = Endpoint.objects.create(name="other", kind="SIMULATED", port=4010)
    run = reconciliation.begin(elsewhere.target(), "s1", "CYCLE", 210)
    ReconciliationDiff.objects.create(run=run, endpoint=elsewhere, scope="s1", kind="PHANTOM")

    @story
    async def buys() -> None:
        async with reconciled(grant) as (_, desk):
            assert await (await buy(desk, grant)).done() is OrderState.FILLED

    buys()


def test_a_difference_that_opens_while_an_order_is_at_the_door_stops_it(
    grant: OrderGrant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the door's look and the sending: the last look is in the sending's transaction."""
    from_within = reconciliation.begin(grant.endpoint.target(), "s1", "CYCLE", 210)

    @story
    async def buys() -> None:
        async with reconciled(grant) as (simulated, desk):
            intent = await buying(desk, await desk.qualify(SPY))
            gate = door(desk, grant)
            look = gate.check

            async def passes_then_differs(*args: object) -> object:
                permit = await look(*args)  # type: ignore[arg-type]
                await ReconciliationDiff.objects.acreate(
                    run=from_within, endpoint_id=grant.endpoint_id, scope="s1", kind="PHANTOM"
                )
                return permit

            monkeypatch.setattr(gate, "check", passes_then_differs)
            with pytest.raises(OrderRefused, match="unexplained difference"):
                await desk.place(intent, gate)
            assert not simulated.gateway.orders_received()

    buys()


def test_nothing_is_opened_while_an_own_order_s_fate_is_unknown(grant: OrderGrant) -> None:
    @story
    async def buys() -> None:
        async with reconciled(grant) as (_, desk):
            await (await buy(desk, grant, far=True)).acked()
            await desk.book.flush()
            await OrderRecord.objects.filter(scope="s1").aupdate(state="UNKNOWN")
            with pytest.raises(OrderRefused, match="reconcile first") as refused:
                await buy(desk, grant, "k2")
            assert refused.value.reason == "UNSETTLED"

    buys()


def test_a_gateway_that_can_t_be_read_ends_it_as_an_error(grant: OrderGrant) -> None:
    @story
    async def runs() -> None:
        async with reconciled(grant) as (simulated, desk):
            simulated.levers.no_positions_end = True
            run = await gateway.reconcile(desk, "s1")
            assert (run.state, run.clean) == ("ERROR", False)
            assert "positions" in run.error

    runs()


def test_history_is_never_edited(grant: OrderGrant) -> None:
    @story
    async def runs() -> None:
        async with reconciled(grant) as (simulated, desk):
            await (await buy(desk, grant)).done()
            await desk.book.flush()
            before = await rows()
            simulated.gateway.faults.on("callbacks_lost")
            await buy(desk, grant, "k2")
            await desk.clock.sleep(10)
            await gateway.reconcile(desk, "s1")
            assert (await rows())[: len(before)] == before

    async def rows() -> list[tuple[object, ...]]:
        events = [tuple(row) async for row in OrderEvent.objects.values_list("pk", "kind", "at")]
        fills = [tuple(row) async for row in Execution.objects.values_list("pk", "exec_id", "at")]
        return events[:3] + fills[:1]

    runs()
    assert timezone.now() >= ReconciliationRun.objects.all()[0].started_at


def test_clean_up_closes_what_stands_outside_under_its_own_name(grant: OrderGrant) -> None:
    @story
    async def runs() -> None:
        async with (
            reconciled(grant) as (simulated, desk),
            stranger(simulated, grant) as other,
        ):
            await (await buy(desk, grant)).done()
            await (await buy(other, grant, "k2", ref="s1/RS-08/outside")).done()
            report = await gateway.cleanup(desk, "s1")
            assert (report.ok, list(report.closed.values())) == (True, [2.0])
            assert (await gateway.reconcile(desk, "s1", "END")).clean

    runs()
    sold = OrderRecord.objects.filter(side="SELL").order_by("pk").values_list("ref", flat=True)
    assert list(sold) == ["s1/RS-08/outside/cleanup", "s1/cleanup"]


def test_an_order_of_another_connection_that_a_list_leaves_out_does_not_end_on_record(
    grant: OrderGrant,
) -> None:
    @story
    async def runs() -> None:
        async with (
            reconciled(grant) as (simulated, desk),
            stranger(simulated, grant) as watch,
        ):
            await (await buy(desk, grant, far=True)).acked()
            await desk.book.flush()
            fault = simulated.gateway.faults.on("orders_not_listed")
            assert kinds(await gateway.reconcile(watch, "s1")) == ["MISSING_THERE"]
            assert (await OrderRecord.objects.aget()).state == "SUBMITTED"
            simulated.gateway.faults.off(fault)
            assert (await gateway.reconcile(watch, "s1")).clean

    runs()
