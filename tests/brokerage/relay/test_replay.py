"""A recording made through the relay replays to ib_async with the same events."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from ib_async import IB, LimitOrder, MarketOrder, Order, Stock

from brokerage.relay.recording import Recording
from brokerage.relay.relay import Relay
from brokerage.relay.replay import Replay
from brokerage.relay.sockets import reset
from brokerage.simulator.server import Gateway
from brokerage.tws.framing import frame
from tests.brokerage.relay.conftest import ended, recorded
from tests.brokerage.wire.conftest import client, spy, until

ACCOUNT, PLACEHOLDER = "DU1234567", "DU0000001"
Door = Relay | Replay | Gateway


def watch(ib: IB) -> list[tuple[Any, ...]]:
    """What ib_async tells a bot, in order, without the local clock."""
    seen: list[tuple[Any, ...]] = []
    ib.errorEvent += lambda req_id, code, text, _: seen.append(("error", req_id, code, text))
    ib.openOrderEvent += lambda trade: seen.append(("open", str(trade.order)))
    ib.orderStatusEvent += lambda trade: seen.append(("status", str(trade.orderStatus)))
    ib.execDetailsEvent += lambda _, fill: seen.append(("fill", str(fill.execution)))
    ib.commissionReportEvent += lambda *args: seen.append(("commission", str(args[2])))
    ib.positionEvent += lambda position: seen.append(("position", str(position)))
    ib.accountValueEvent += lambda value: seen.append(("value", str(value)))
    ib.updatePortfolioEvent += lambda item: seen.append(("portfolio", str(item)))
    return seen


async def place(ib: IB, order: Order) -> Any:
    """Send an order for SPY and wait until it is done, cancelling it if it rests."""
    trade = ib.placeOrder(Stock("SPY", "SMART", "USD"), order)
    await until(lambda: trade.isDone() or trade.orderStatus.status == "Submitted")
    if isinstance(order, LimitOrder):
        ib.cancelOrder(order)
    await until(trade.isDone)
    return trade


async def session(door: Door, client_id: int = 1) -> list[tuple[Any, ...]]:
    """A bot's short day: quotes, bars, an unknown share, a fill and a cancelled order."""
    ib = IB()
    seen = watch(ib)
    await ib.connectAsync("127.0.0.1", door.port, clientId=client_id)
    share = await spy(ib)
    bars = await ib.reqHistoricalDataAsync(share, "", "1 D", "1 hour", "TRADES", False)
    seen.append(("bars", str(bars)))
    seen.append(("unknown", str(await ib.qualifyContractsAsync(Stock("NOSUCH", "SMART", "USD")))))
    filled = await place(ib, MarketOrder("BUY", 1))
    await until(lambda: filled.fills and filled.fills[0].commissionReport.commission)
    # The account's new values come on their own half a second later: before the next request.
    await until(lambda: seen[-1][0] in {"value", "portfolio"})
    await place(ib, LimitOrder("BUY", 1, 1.0))
    await ib.qualifyContractsAsync(Stock("THEEND", "SMART", "USD"))
    ib.disconnect()
    # What follows the last answer is a matter of when the client happened to leave.
    return seen[: max(at for at, one in enumerate(seen) if one[0] == "error") + 1]


async def record(gateway: Gateway, path: Path, **options: object) -> list[tuple[Any, ...]]:
    """Record the bot's day."""
    async with recorded(gateway, path, **options) as relay:
        seen = await session(relay)
        await until(lambda: not relay.pairs)
    return seen


async def test_a_recording_replays_with_the_same_events_in_the_same_order(gateway, tmp_path):
    before = await record(gateway, tmp_path / "day", redact=False)
    async with Replay(Recording.load(tmp_path / "day"), speed=4) as replay:
        after = await session(replay)
    assert replay.mismatches == []
    assert after == before
    assert {"fill", "status", "commission", "error"} <= {name for name, *_ in after}


async def test_a_redacted_recording_replays_with_placeholders(gateway, tmp_path):
    before = await record(gateway, tmp_path / "day")
    async with Replay(Recording.load(tmp_path / "day"), speed=4) as replay:
        after = await session(replay)
    assert replay.mismatches == []
    assert [str(one) for one in after] == [str(one).replace(ACCOUNT, PLACEHOLDER) for one in before]


async def test_a_client_may_choose_other_ids(gateway, tmp_path):
    async with recorded(gateway, tmp_path / "ids") as relay, client(relay) as ib:
        await place(ib, MarketOrder("BUY", 1))
    async with Replay(Recording.load(tmp_path / "ids"), speed=4) as replay, client(replay) as ib:
        ib.client._reqIdSeq += 500
        trade = await place(ib, MarketOrder("BUY", 1))
        assert (trade.order.orderId > 500, trade.orderStatus.status) == (True, "Filled")
    assert replay.mismatches == []


async def test_another_request_is_refused_and_reported(gateway, tmp_path):
    async with recorded(gateway, tmp_path / "day") as relay, client(relay) as ib:
        await ib.qualifyContractsAsync(Stock("SPY", "SMART", "USD"))
        await place(ib, MarketOrder("BUY", 1))
    async with Replay(Recording.load(tmp_path / "day")) as replay, client(replay) as ib:
        assert await ib.qualifyContractsAsync(Stock("QQQ", "SMART", "USD")) == [None]
        assert 322 in [code for code, *_ in ib.errors]
        assert "contract" in str(replay.mismatches[0])
        assert "symbol='SPY'" in replay.mismatches[0].expected
        assert "symbol='QQQ'" in replay.mismatches[0].came


async def test_a_request_that_never_comes_is_reported_and_holds_nobody_up(gateway, tmp_path):
    async with recorded(gateway, tmp_path / "day") as relay, client(relay) as ib:
        await ib.qualifyContractsAsync(Stock("QQQ", "SMART", "USD"))
        await ib.reqCurrentTimeAsync()
    recording = Recording.load(tmp_path / "day")
    async with Replay(recording, patience=0.2) as replay, client(replay) as ib:
        assert await ib.reqCurrentTimeAsync()
        (missing,) = replay.mismatches
        assert ("QQQ" in missing.expected, missing.came) == (True, "nothing in time")


async def test_a_gateway_that_hung_up_hangs_up_again(gateway, tmp_path):
    async with recorded(gateway, tmp_path / "cut") as relay, client(relay) as ib:
        relay.cut()
        await ended(ib)
    async with Replay(Recording.load(tmp_path / "cut")) as replay, client(replay) as ib:
        await ended(ib)
    assert replay.mismatches == []


async def test_a_connection_more_than_recorded_is_reported(gateway, tmp_path):
    async with recorded(gateway, tmp_path / "one") as relay, client(relay):
        pass
    async with Replay(Recording.load(tmp_path / "one")) as replay:
        async with client(replay):
            pass
        reader, writer = await asyncio.open_connection("127.0.0.1", replay.port)
        assert await reader.read() == b""
        writer.close()
    assert replay.mismatches[-1].expected == "no further connection"


async def test_a_client_that_speaks_another_version_is_reported(gateway, tmp_path):
    async with recorded(gateway, tmp_path / "one") as relay, client(relay):
        pass
    async with Replay(Recording.load(tmp_path / "one")) as replay:
        reader, writer = await asyncio.open_connection("127.0.0.1", replay.port)
        writer.write(b"API\0" + frame(b"v100..157"))
        assert await reader.read() == b""
        writer.close()
    assert "speaks version 178" in replay.mismatches[0].expected


@pytest.mark.parametrize("speed", [0.0, -1.0])
def test_a_speed_must_be_positive(speed):
    with pytest.raises(ValueError, match="positive"):
        Replay(Recording({}), speed=speed)


async def test_what_a_client_does_to_its_socket_is_no_error_of_the_replay(gateway, tmp_path):
    async with recorded(gateway, tmp_path / "one") as relay:
        for _ in range(3):
            async with client(relay):
                pass
    failed = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failed.append(context))
    async with Replay(Recording.load(tmp_path / "one"), patience=0.1) as replay:
        for last in (b"", b"\x7f\xff\xff\xff", b"\0\0"):
            reader, writer = await asyncio.open_connection("127.0.0.1", replay.port)
            writer.write(b"API\0" + frame(b"v100..178"))
            await reader.readexactly(4)
            writer.write(last)
            await writer.drain()
            reset(writer.transport)
            await until(lambda: not replay._clients)
    assert failed == []
