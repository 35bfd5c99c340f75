"""Quotes, bars, contracts, streams and figures, and what the gateway does to spoil them."""

import asyncio
import math
from collections.abc import AsyncIterator

import pytest

from brokerage.errors import (
    ContractNotFoundError,
    GatewayConnectionError,
    GatewayTimeout,
    LinesExhaustedError,
    RateLimitError,
    RequestRefusedError,
)
from brokerage.gateway import ContractSpec, Desk, Simulated, Stream, Tick
from brokerage.tws.messages import SnapshotEnd
from tests.brokerage.port.stories import SPY, open_desk, set_levers, story

pytestmark = pytest.mark.django_db


async def option(desk: Desk) -> ContractSpec:
    chain = await desk.chain("SPY")
    quote = await desk.quote(await desk.qualify(SPY))
    strike = min(chain.strikes, key=lambda strike: abs(strike - quote.last * 1.03))
    return ContractSpec("SPY", "OPT", expiry=chain.expirations[0], strike=strike, right="CALL")


@story
async def test_the_time_of_the_gateway_is_known_between_answers() -> None:
    async with open_desk(readonly=True) as (simulated, desk):
        await desk.server_time()
        off = (desk.now() - simulated.gateway.clock.now()).total_seconds()
        assert abs(off) < 1.5


@story
async def test_concurrent_time_requests_are_all_answered() -> None:
    async with open_desk(readonly=True) as (_, desk):
        assert len(await asyncio.gather(*(desk.server_time() for _ in range(5)))) == 5


@story
async def test_a_quote_is_whole_fresh_and_carries_both_times() -> None:
    async with open_desk(readonly=True) as (_, desk):
        quote = await desk.quote(await desk.qualify(SPY))
        assert quote.quality == "OK"
        assert quote.ask >= quote.bid > 0
        assert quote.time_source == "exchange"
        assert quote.exchange_time
        assert quote.received_at
        assert quote.age(quote.received_at) < 5
        assert desk.last_quotes[quote.contract.con_id] == quote


@story
async def test_a_second_snapshot_holds_nothing_of_the_first() -> None:
    async with open_desk(readonly=True) as (simulated, desk):
        contract = await desk.qualify(SPY)
        assert (await desk.quote(contract)).quality == "OK"
        set_levers(simulated, mute_symbol="SPY")
        asked = asyncio.ensure_future(desk.quote(contract))
        await asyncio.sleep(0.03)
        session = simulated.gateway.venue.floor.sessions[210]
        session.send(SnapshotEnd(_last_snapshot(simulated)))
        simulated.gateway.flush()
        again = await asked
        assert again.quality == "INCOMPLETE"
        assert math.isnan(again.bid)
        assert again.time_source == "none"


def _last_snapshot(simulated: Simulated) -> int:
    frames = [frame for frame in simulated.transcript if frame.name == "ReqMktData"]
    return int(frames[-1].message.req_id)


@pytest.mark.parametrize(
    ("fault", "quality"),
    [("no_bid", "INCOMPLETE"), ("no_ask", "INCOMPLETE"), ("crossed_quotes", "CROSSED")],
)
@story
async def test_a_spoilt_quote_is_classed(fault: str, quality: str) -> None:
    async with open_desk(readonly=True, **{fault: True}) as (_, desk):
        assert (await desk.quote(await desk.qualify(SPY))).quality == quality


@story
async def test_frozen_quotes_show_their_age() -> None:
    async with open_desk(readonly=True, frozen_quotes=True) as (_, desk):
        quote = await desk.quote(await desk.qualify(SPY))
        assert quote.age(desk.now()) > 5


@story
async def test_delayed_data_are_named() -> None:
    async with open_desk(readonly=True, delayed_data=True) as (_, desk):
        assert (await desk.quote(await desk.qualify(SPY))).data_type == 3


@story
async def test_a_snapshot_without_an_end_times_out_and_is_cancelled() -> None:
    async with open_desk(readonly=True, snapshot_never_ends=True) as (simulated, desk):
        contract = await desk.qualify(SPY)
        with pytest.raises(GatewayTimeout, match="quote of SPY"):
            await desk.quote(contract, limit=0.9)
        await desk.server_time()
        assert any(frame.name == "CancelMktData" for frame in simulated.transcript)
        assert desk.connected


@story
async def test_a_refused_snapshot_is_an_error() -> None:
    async with open_desk(readonly=True, snapshots_always_fail=True) as (_, desk):
        contract = await desk.qualify(SPY)
        with pytest.raises(RequestRefusedError):
            await desk.quote(contract)


@story
async def test_concurrent_quotes_are_not_mixed_up() -> None:
    async with open_desk(readonly=True) as (_, desk):
        specs = [ContractSpec(symbol) for symbol in ("SPY", "QQQ", "IWM")]
        contracts = await asyncio.gather(*map(desk.qualify, specs))
        quotes = await asyncio.gather(*map(desk.quote, contracts))
        assert [quote.contract.symbol for quote in quotes] == ["SPY", "QQQ", "IWM"]
        assert len({quote.bid for quote in quotes}) == 3


@story
async def test_an_unknown_symbol_is_contract_not_found() -> None:
    async with open_desk(readonly=True) as (_, desk):
        with pytest.raises(ContractNotFoundError, match="not found") as caught:
            await desk.qualify(ContractSpec("INVALID_SYMBOL_XYZ"))
        assert caught.value.code == 200
        assert (await desk.qualify(SPY)).con_id > 0


@story
async def test_an_ambiguous_description_is_contract_not_found() -> None:
    async with open_desk(readonly=True) as (_, desk):
        chain = await desk.chain("SPY")
        vague = ContractSpec("SPY", "OPT", expiry=chain.expirations[0], right="C")
        with pytest.raises(ContractNotFoundError, match="matches"):
            await desk.qualify(vague)


@story
async def test_an_option_is_qualified_with_a_normalised_right() -> None:
    async with open_desk(readonly=True) as (_, desk):
        contract = await desk.qualify(await option(desk))
        assert (contract.right, contract.multiplier, contract.is_option) == ("C", 100, True)
        assert await desk.contract(contract.con_id) == contract


@story
async def test_an_etf_is_a_share_to_the_broker() -> None:
    async with open_desk(readonly=True) as (_, desk):
        assert (await desk.qualify(ContractSpec("SPY", "ETF"))).sec_type == "STK"


@story
async def test_a_day_has_seventy_eight_bars_in_order() -> None:
    async with open_desk(readonly=True) as (_, desk):
        bars = await desk.bars(await desk.qualify(SPY))
        assert len(bars) in {42, 78}
        assert [bar.at for bar in bars] == sorted({bar.at for bar in bars})
        assert all(bar.at.tzinfo and bar.close > 0 for bar in bars)


@story
async def test_daily_bars_have_aware_times_too() -> None:
    async with open_desk(readonly=True) as (_, desk):
        bars = await desk.bars(await desk.qualify(SPY), "5 D", "1 day")
        assert len(bars) == 5
        assert all(bar.at.tzinfo for bar in bars)


@story
async def test_history_that_never_comes_times_out_is_cancelled_and_blocks_nothing() -> None:
    async with open_desk(readonly=True, history_mute=True) as (simulated, desk):
        contract = await desk.qualify(SPY)
        waiting = asyncio.ensure_future(desk.bars(contract, limit=0.9))
        assert await desk.server_time()
        with pytest.raises(GatewayTimeout, match="cancelled"):
            await waiting
        await desk.server_time()
        assert any(frame.name == "CancelHistoricalData" for frame in simulated.transcript)
        set_levers(simulated, history_mute=False)
        assert await desk.bars(contract, "2 D")


@story
async def test_an_identical_historical_request_is_held_back_here() -> None:
    async with open_desk(readonly=True) as (simulated, desk):
        contract = await desk.qualify(SPY)
        await desk.bars(contract)
        await desk.bars(contract)
        frames = [f for f in simulated.transcript if f.name == "ReqHistoricalData"]
        assert frames[1].at - frames[0].at >= 14.9
        assert desk.history_held[0] < desk.history_held[1] <= 15


@story
async def test_two_hundred_requests_stay_under_the_gateways_limit() -> None:
    async with open_desk(readonly=True, speed=4, drop_over_rate=True) as (_, desk):
        report = await desk.burst(200)
        assert report.answered == 200
        assert report.max_in_second <= 50
        assert report.total_s >= 3.5
        assert report.rate_errors == 0
        assert desk.connected


@story
async def test_refusals_for_the_rate_are_answered_with_growing_pauses() -> None:
    async with open_desk(readonly=True, rate_refusals=4) as (_, desk):
        with pytest.raises(RateLimitError):
            await desk.qualify(SPY)
        assert desk.backoffs == pytest.approx([2, 4, 8], rel=0.2)


@story
async def test_after_a_pause_the_same_request_is_answered() -> None:
    async with open_desk(readonly=True, rate_refusals=1) as (_, desk):
        assert await desk.server_time()
        assert desk.backoffs == pytest.approx([2], rel=0.2)


@story
async def test_the_summary_names_the_figures_and_leaves_no_subscription() -> None:
    async with open_desk(readonly=True) as (_, desk):
        for _ in range(4):
            summary = await desk.account_summary()
        wanted = {"NetLiquidation", "TotalCashValue", "BuyingPower", "AvailableFunds"}
        assert wanted <= summary.values.keys()
        assert (summary.account, summary.currency) == ("DU1234567", "USD")


@story
async def test_a_stream_ticks_and_leaves_no_line_behind() -> None:
    async with open_desk(readonly=True) as (simulated, desk):
        contract = await desk.qualify(SPY)
        async with desk.stream(contract) as stream:
            assert desk.lines == 1
            seen = [tick async for tick in _first(stream, 10)]
        assert desk.lines == 0
        assert all(tick.price > 0 and tick.exchange_time for tick in seen)
        await desk.server_time()
        assert any(frame.name == "CancelMktData" for frame in simulated.transcript)


async def _first(stream: Stream, count: int) -> AsyncIterator[Tick]:
    async for tick in stream:
        count -= 1
        yield tick
        if not count:
            return


@story
async def test_a_slow_reader_loses_the_oldest_ticks_and_is_told() -> None:
    async with open_desk(readonly=True, speed=100) as (_, desk):
        async with desk.stream(await desk.qualify(SPY), bound=5) as stream:
            await desk.clock.sleep(20)
        assert stream.peak == 5
        assert stream.dropped == stream.count - 5 > 0


@story
async def test_the_twenty_first_line_is_refused_before_it_is_sent() -> None:
    async with open_desk(readonly=True) as (simulated, desk):
        contract = await desk.qualify(SPY)
        streams = [desk.stream(contract) for _ in range(21)]
        for stream in streams[:20]:
            await stream.__aenter__()
        with pytest.raises(LinesExhaustedError):
            await streams[20].__aenter__()
        for stream in streams[:20]:
            await stream.__aexit__(None, None, None)
        await desk.server_time()
        asked = [frame for frame in simulated.transcript if frame.name == "ReqMktData"]
        assert (len(asked), desk.lines) == (20, 0)


@story
async def test_a_stream_ends_with_an_error_when_the_connection_is_lost() -> None:
    async with open_desk(readonly=True) as (simulated, desk):
        contract = await desk.qualify(SPY)
        async with desk.stream(contract) as stream:
            await simulated.gateway.drop_all()
            with pytest.raises(GatewayConnectionError):
                await _exhaust(stream)
        with pytest.raises(GatewayConnectionError):
            await desk.stream(contract).__aenter__()
        assert desk.lines == 0


async def _exhaust(stream: Stream) -> None:
    async for _ in stream:
        pass
