"""What a day has brought outlives a restart of the gateway, and ends with the day."""

from dataclasses import replace
from pathlib import Path

import pytest
from ib_async import ExecutionFilter

from brokerage.simulator.server import Gateway
from brokerage.simulator.state import NAME, StateError
from brokerage.tws import messages as tws
from tests.brokerage.wire.conftest import client
from tests.brokerage.wire.raw import Raw
from tests.brokerage.wire.test_wire_restart import BUY, SPY, resting, run

NOON, TUESDAY = 2 * 3600.0, 24 * 3600.0
ID = 756733


async def trade(raw: Raw, number: int, side: str = "BUY", **fields: object) -> None:
    """Send an order and let it fill."""
    await raw.say(tws.PlaceOrder(number, SPY, replace(BUY, action=side, **fields)))
    await raw.gateway.skip(2)
    await raw.catch_up()


def journal(directory: Path) -> Path:
    """The only journal there is."""
    (path,) = directory.glob("*.jsonl")
    return path


async def executions(gateway: Gateway, **wanted: object) -> list[tuple[object, ...]]:
    """What ib_async, another client, is told was executed."""
    async with client(gateway, 9) as ib:
        fills = await ib.reqExecutionsAsync(ExecutionFilter(**wanted))
        return [
            (fill.execution.execId, fill.time, fill.execution.clientId, fill.execution.orderId,
             fill.execution.side, fill.execution.shares, fill.execution.price,
             fill.execution.permId, fill.execution.cumQty, fill.contract.symbol,
             fill.commissionReport.commission, fill.commissionReport.realizedPNL)
            for fill in fills
        ]  # fmt: skip


@pytest.fixture
async def morning(tmp_path):
    """A day on which two clients bought and sold, and one order was cancelled."""
    async with run(tmp_path) as gateway:
        async with Raw(gateway, 1) as one, Raw(gateway, 2) as two:
            await trade(one, 200)
            await trade(two, 300, "SELL", quantity=2)
            await one.say(tws.PlaceOrder(201, SPY, resting(gateway)))
            await gateway.skip(1)
            await one.say(tws.CancelOrder(201))
        told = await executions(gateway)
        assert len(told) == 2
    return tmp_path, told


async def test_executions_keep_their_ids_times_and_commissions(morning):
    directory, told = morning
    async with run(directory, NOON) as gateway:
        assert await executions(gateway) == told
    async with run(directory, NOON + 60) as gateway:
        assert await executions(gateway) == told


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"clientId": 2}, [1]),
        ({"side": "BUY"}, [0]),
        ({"symbol": "QQQ"}, []),
        ({"time": "20261123 10:00:01"}, [1]),
        ({"acctCode": "DU1234567", "secType": "STK"}, [0, 1]),
    ],
)
async def test_kept_executions_are_filtered(morning, wanted, found):
    directory, told = morning
    async with run(directory, NOON) as gateway:
        assert await executions(gateway, **wanted) == [told[place] for place in found]


async def test_completed_orders_are_listed_as_before(tmp_path):
    lists = []
    for life in (0.0, NOON):
        async with run(tmp_path, life) as gateway, Raw(gateway, 1) as raw:
            if not life:
                await trade(raw, 200)
                await raw.say(tws.PlaceOrder(201, SPY, resting(gateway)))
                await gateway.skip(1)
                await raw.say(tws.CancelOrder(201))
            await raw.say(tws.ReqCompletedOrders())
            lists.append(raw.told(tws.CompletedOrder))
    assert lists[0] == lists[1]
    assert [one.status for one in lists[1]] == ["Filled", "Cancelled"]
    assert [one.completed_status for one in lists[1]] == ["Filled Size: 3", "Cancelled by Trader"]


async def test_orders_that_ended_are_known_for_what_they_are(morning):
    directory, _ = morning
    async with run(directory, NOON) as gateway, Raw(gateway, 1) as raw:
        await raw.say(tws.PlaceOrder(200, SPY, replace(BUY, quantity=5)), tws.CancelOrder(200))
        await raw.say(tws.CancelOrder(201))
        codes = [one.code for one in raw.told(tws.Error) if not 2100 < one.code < 2200]
        assert codes == [104, 10148, 161]


async def test_what_has_filled_of_a_working_order_stays_executed(tmp_path):
    async with run(tmp_path) as gateway, Raw(gateway, 1) as raw:
        gateway.levers.fill_at_most = 1
        limit = gateway.venue.floor.market.quote(ID).ask
        order = replace(BUY, order_type="LMT", limit_price=limit, tif="GTC", quantity=500)
        await raw.say(tws.PlaceOrder(200, SPY, order))
        await gateway.skip(1)
        gateway.move(ID, 1.05)
        told = await executions(gateway)
        assert 1 <= len(told) < 500
    async with run(tmp_path, 60) as gateway:
        gateway.levers.no_fill = True
        assert await executions(gateway) == told
        async with client(gateway, 1) as ib:
            (open_trade,) = ib.openTrades()
            assert open_trade.orderStatus.filled == len(told)


async def test_the_days_profit_goes_on(tmp_path):
    async with run(tmp_path) as gateway, Raw(gateway, 1) as raw:
        await trade(raw, 200)
        account = gateway.venue.floor.account()
        account.begin_day()  # as if held since yesterday
        gateway.move(ID, 1.02)
        await trade(raw, 201, "SELL", quantity=1)
        before = account.daily(ID) - account.unrealized(ID), account.realized()
    async with run(tmp_path, 60) as gateway:
        account = gateway.venue.floor.account()
        assert (account.daily(ID) - account.unrealized(ID), account.realized()) == before


async def test_day_trades_are_counted_over_restarts(tmp_path):
    def begin(after: float):
        return run(tmp_path, after - 365 * TUESDAY, cash=20_000.0)  # before the rule was retired

    async with begin(0.0) as gateway, Raw(gateway, 1) as raw:
        await trade(raw, 200)
    async with begin(60.0) as gateway, Raw(gateway, 1) as raw:
        await trade(raw, 201, "SELL")
        assert gateway.venue.floor.account().day_trades_remaining() == 2
    for life in (120.0, TUESDAY):
        async with begin(life) as gateway:
            assert gateway.venue.floor.account().day_trades_remaining() == 2


async def test_on_another_day_the_records_of_yesterday_are_gone(morning):
    directory, _ = morning
    old = journal(directory)
    async with run(directory, TUESDAY) as gateway, Raw(gateway, 1) as raw:
        assert await executions(gateway) == []
        await raw.say(tws.ReqCompletedOrders(), tws.ReqPositions())
        assert raw.told(tws.CompletedOrder) == []
        assert [one.position for one in raw.told(tws.PositionData)] == [1.0]
        account = gateway.venue.floor.account()
        assert (account.realized(), account.daily(ID)) == (0.0, 0.0)
        await trade(raw, 400)
        assert journal(directory).name == "gateway.2026-11-24.jsonl" != old.name


async def test_a_gateway_that_runs_through_midnight_begins_a_new_journal(tmp_path):
    async with run(tmp_path) as gateway, Raw(gateway, 1) as raw:
        await trade(raw, 200)
        await gateway.skip(TUESDAY)
        await trade(raw, 201)
        told = await executions(gateway)
        assert [one[3] for one in told] == [201]
    async with run(tmp_path, TUESDAY + 60) as gateway, Raw(gateway, 1) as raw:
        assert await executions(gateway) == told
        await raw.say(tws.ReqCompletedOrders())
        assert len(raw.told(tws.CompletedOrder)) == 1


async def test_what_is_executed_on_the_stroke_of_midnight_is_kept(tmp_path):
    async with run(tmp_path) as gateway, Raw(gateway, 1) as raw:
        await trade(raw, 200)
        at_midnight = "20261124 00:00:00 US/Eastern"
        await trade(raw, 201, good_after=at_midnight, tif="GTC")
        await gateway.skip(TUESDAY)
        told = await executions(gateway)
        assert [one[3] for one in told] == [201]
    async with run(tmp_path, TUESDAY + 60) as gateway:
        assert await executions(gateway) == told


async def test_an_account_that_was_not_served_for_a_while_has_its_executions_again(tmp_path):
    async with run(tmp_path, accounts=("DU1",)) as gateway, Raw(gateway, 1) as raw:
        await trade(raw, 200)
        told = await executions(gateway)
    async with run(tmp_path, 60, accounts=("DU2",)) as gateway, Raw(gateway, 1) as raw:
        assert await executions(gateway) == []
        await trade(raw, 201)
    async with run(tmp_path, 120, accounts=("DU1", "DU2")) as gateway:
        assert (await executions(gateway))[0] == told[0]


async def test_an_untransmitted_order_is_forgotten_and_its_id_stays_used(tmp_path):
    async with run(tmp_path) as gateway, Raw(gateway, 1) as raw:
        await raw.say(tws.PlaceOrder(200, SPY, replace(BUY, transmit=False)))
    async with run(tmp_path, 60) as gateway, Raw(gateway, 1) as raw:
        assert raw.told(tws.NextValidId)[0].order_id == 201
        await raw.say(tws.ReqOpenOrders(), tws.CancelOrder(200))
        assert raw.told(tws.OpenOrder) == []
        assert raw.told(tws.Error)[-1].code == 10147


async def test_a_crash_before_the_state_was_replaced_loses_nothing_that_was_told(morning):
    directory, told = morning
    with journal(directory).open("ab") as file:
        file.write(b'{"executed": {"half": "a li')
    async with run(directory, NOON) as gateway, Raw(gateway, 1) as raw:
        assert await executions(gateway) == told
        await trade(raw, 400)
    async with run(directory, NOON + 60) as gateway:
        assert len(await executions(gateway)) == 3


@pytest.mark.parametrize("damage", ["short", "changed", "missing"])
async def test_a_damaged_journal_keeps_the_gateway_from_starting(morning, damage):
    directory, _ = morning
    path = journal(directory)
    whole, state = path.read_bytes(), (directory / NAME).read_bytes()
    changed = whole[:50] + bytes([whole[50] ^ 1]) + whole[51:]
    damaged = {"short": whole[:-1], "changed": changed, "missing": b""}
    path.unlink() if damage == "missing" else path.write_bytes(damaged[damage])
    with pytest.raises(StateError, match=f"{path.name} cannot be used: it .*Move it away"):
        async with run(directory, NOON):
            pass
    assert (directory / NAME).read_bytes() == state
    assert damage == "missing" or path.read_bytes() == damaged[damage]


async def test_the_state_of_another_release_is_named_and_left_alone(morning):
    directory, _ = morning
    path = directory / NAME
    older = path.read_bytes().replace(b"gateway state 2", b"gateway state 1", 1)
    path.write_bytes(older)
    with pytest.raises(StateError, match="another release of the gateway wrote it"):
        async with run(directory, NOON):
            pass
    assert path.read_bytes() == older
