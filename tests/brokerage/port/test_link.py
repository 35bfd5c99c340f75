"""When the gateway itself loses its broker, and what else it says by itself."""

import asyncio

import pytest

from brokerage import gateway
from brokerage.errors import ErrorClass, GatewayTimeout, OrderRefused, RequestRefusedError
from brokerage.gateway import BrokerMessage, Listener, OrderState, Simulated, Stream
from brokerage.models import OrderGrant
from tests.brokerage.port.stories import SPY, buy, granted, open_desk, story

pytestmark = pytest.mark.django_db
LOST = (1100, "Connectivity between IBKR and Trader Workstation has been lost.")
KEPT = (1102, "Connectivity has been restored - data maintained.")
GONE = (1101, "Connectivity has been restored - data lost.")


class Ear(Listener):
    """Remembers what it hears."""

    def __init__(self) -> None:
        self.codes: list[int] = []
        self.losses: list[str] = []
        self.orders: list[str] = []

    def message(self, message: BrokerMessage) -> None:
        self.codes.append(message.code)

    def lost(self, why: str) -> None:
        self.losses.append(why)

    def order(self, order_pk: int, kind: str, detail: dict[str, object]) -> None:
        self.orders.append(kind)


async def exhaust(stream: Stream) -> None:
    """Read until it ends."""
    async for _ in stream:
        pass


async def says(simulated: Simulated, code: int, text: str) -> None:
    """Let the gateway tell its client 210 something."""
    simulated.gateway.venue.floor.sessions[210].error(code, text)
    simulated.gateway.flush()
    await asyncio.sleep(0.05)


def test_a_gateway_without_its_broker_takes_no_orders(grant: OrderGrant) -> None:
    @story
    async def trades() -> None:
        async with open_desk() as (simulated, desk):
            ticket = await (await buy(desk, grant, far=True)).acked()
            await says(simulated, *LOST)
            assert not desk.connected
            assert ticket.status is OrderState.UNKNOWN
            with pytest.raises(OrderRefused) as caught:
                await buy(desk, grant, "k2")
            assert caught.value.reason == "CONNECTION"

    trades()


@pytest.mark.parametrize("restored", [KEPT, GONE])
def test_when_the_link_is_back_orders_are_read_again(
    grant: OrderGrant, restored: tuple[int, str]
) -> None:
    @story
    async def trades() -> None:
        async with open_desk() as (simulated, desk):
            ticket = await (await buy(desk, grant, far=True)).acked()
            await says(simulated, *LOST)
            await says(simulated, *restored)
            assert desk.connected
            await asyncio.sleep(0.1)
            assert ticket.status is OrderState.SUBMITTED

    trades()


@pytest.mark.parametrize(("restored", "requests"), [(KEPT, 1), (GONE, 2)])
@story
async def test_streams_are_asked_for_again_only_when_data_were_lost(
    restored: tuple[int, str], requests: int
) -> None:
    async with open_desk(readonly=True) as (simulated, desk):
        async with desk.stream(await desk.qualify(SPY)) as stream:
            await says(simulated, *restored)
            before = stream.count
            await desk.clock.sleep(5)
            assert stream.count > before
            assert desk.lines == 1
        asked = [frame for frame in simulated.transcript if frame.name == "ReqMktData"]
        assert len(asked) == requests


@story
async def test_messages_are_classed_kept_and_passed_on() -> None:
    ear = Ear()
    async with (
        gateway.simulation() as simulated,
        gateway.connect(simulated.target, listener=ear) as desk,
    ):
        await says(simulated, 2110, "Connectivity between TWS and server is broken.")
        kept = desk.messages[-1]
        assert (kept.code, kept.cls, kept.req_id) == (2110, ErrorClass.TRANSIENT, -1)
        assert abs((kept.at - desk.now()).total_seconds()) < 60
        assert not desk.connected
        await says(simulated, 2104, "Market data farm connection is OK:usfarm")
        # No 1101 or 1102 need follow a 2110.
        assert desk.connected
    assert 2110 in ear.codes
    assert len(ear.losses) == 1


@story
async def test_a_farm_s_report_does_not_end_1100() -> None:
    async with gateway.simulation() as simulated, gateway.connect(simulated.target) as desk:
        await says(simulated, 1100, "Connectivity between IBKR and TWS has been lost.")
        await says(simulated, 2104, "Market data farm connection is OK:usfarm")
        assert not desk.connected


def test_a_listener_hears_of_orders(grant: OrderGrant) -> None:
    ear = Ear()

    @story
    async def trades() -> None:
        async with gateway.simulation() as simulated:
            target = await granted(simulated.target)
            opening = gateway.connect(target, readonly=False, listener=ear)
            async with opening as desk:
                await (await buy(desk, grant)).done()

    trades()
    assert {"SUBMITTED", "FILL", "FILLED"} <= set(ear.orders)


@story
async def test_a_stream_ends_with_what_the_broker_said() -> None:
    async with open_desk(readonly=True) as (simulated, desk):
        contract = await desk.qualify(SPY)
        async with desk.stream(contract) as stream:
            req_id = next(iter(desk._link.open_lines))
            simulated.gateway.venue.floor.sessions[210].error(354, "Not subscribed.", req_id)
            simulated.gateway.flush()
            with pytest.raises(RequestRefusedError, match="no market-data subscription"):
                await exhaust(stream)


@story
async def test_a_muted_symbol_times_out_and_the_desk_lives_on() -> None:
    async with open_desk(readonly=True, mute_symbol="SPY") as (_, desk):
        contract = await desk.qualify(SPY)
        with pytest.raises(GatewayTimeout):
            await desk.quote(contract, limit=0.9)
        assert await desk.server_time()
