"""Attempts, gaps and what a failed connection is called."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from asgiref.sync import sync_to_async

from brokerage import gateway
from brokerage.bounds import Bounds
from brokerage.clock import SessionClock
from brokerage.errors import AuthenticationError, ClientIdInUseError, GatewayConnectionError
from brokerage.gateway import Listener, Target
from brokerage.models import Endpoint, OrderGrant, OrderRecord
from tests.brokerage.port.stories import buy, open_desk, set_levers, story

pytestmark = pytest.mark.django_db


class Notes(Listener):
    """Remembers the attempts."""

    def __init__(self) -> None:
        self.attempts: list[tuple[int, str, float]] = []

    def attempt(self, number: int, error: Exception | None, gap: float) -> None:
        self.attempts.append((number, type(error).__name__, gap))


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def at(port: int, speed: float = 50.0) -> Target:
    return Target("t", "127.0.0.1", port, "SIMULATED", speed=speed)


async def connecting(target: Target, **more: object) -> None:
    async with gateway.connect(target, **more):  # type: ignore[arg-type]
        pass


@asynccontextmanager
async def listening(answer: bytes = b"", close: bool = False) -> AsyncIterator[int]:
    """Something that accepts connections and is no gateway."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        if close:
            writer.close()
        else:
            await reader.read()
            writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@story
async def test_a_sound_gateway_is_connected_at_the_first_attempt() -> None:
    async with open_desk(readonly=True) as (_, desk):
        assert (desk.attempts, desk.gaps, desk.client_id) == (1, [], 210)
        assert desk.accounts == ("DU1234567",)
        assert desk.next_order_id > 0
        assert desk.server_version == 178
        assert 0 < desk.connect_ms < 1000
        assert 0 < desk.handshake_ms < 1000


@story
async def test_a_closed_port_gets_three_attempts_with_growing_gaps() -> None:
    notes, port = Notes(), closed_port()
    with pytest.raises(GatewayConnectionError) as caught:
        await connecting(at(port, speed=5), listener=notes)
    assert [number for number, _, _ in notes.attempts] == [1, 2, 3]
    assert caught.value.attempts == 3
    assert caught.value.gaps == pytest.approx([1, 2], rel=0.2)
    assert f"127.0.0.1:{port}" in str(caught.value)
    assert "not running" in str(caught.value)


@story
async def test_reconnecting_waits_one_two_and_four_seconds() -> None:
    with pytest.raises(GatewayConnectionError) as caught:
        await connecting(at(closed_port(), speed=5), again=True)
    assert caught.value.gaps == pytest.approx([1, 2, 4], rel=0.2)
    assert caught.value.attempts == 3


@story
@pytest.mark.parametrize(
    ("bounds", "gaps"),
    [
        (Bounds(backoff_base=3), [1, 3, 9]),
        (Bounds(backoff_base=4, attempts=2), [1, 4]),
        (Bounds(attempts=1), [1]),
    ],
)
async def test_attempts_and_waits_are_those_of_the_target(
    bounds: Bounds, gaps: list[float]
) -> None:
    target = replace(at(closed_port(), speed=25), bounds=bounds)
    with pytest.raises(GatewayConnectionError) as caught:
        await connecting(target, again=True)
    assert caught.value.gaps == pytest.approx(gaps, rel=0.3)
    assert caught.value.attempts == len(gaps)


@story
async def test_a_listener_that_never_answers_is_an_authentication_error() -> None:
    async with listening() as port:
        clock = SessionClock(50)
        with pytest.raises(AuthenticationError, match="logged in") as caught:
            await connecting(at(port), timeout=0.9, clock=clock)
    assert f"127.0.0.1:{port}" in str(caught.value)
    assert caught.value.attempts == 3


@story
async def test_a_simulated_gateway_without_a_login_is_an_authentication_error() -> None:
    async with gateway.simulation(refuse_api=True) as simulated:
        with pytest.raises(AuthenticationError, match="did not answer"):
            await connecting(simulated.target, timeout=0.9, attempts=1)


@story
async def test_a_peer_that_hangs_up_is_noticed_at_once() -> None:
    async with listening(close=True) as port:
        clock = SessionClock(1)
        with pytest.raises(AuthenticationError, match="closed the connection"):
            await connecting(at(port, speed=1), attempts=1, clock=clock)
        assert clock.elapsed() < 5


@story
async def test_a_stranger_on_the_port_is_an_authentication_error() -> None:
    async with listening(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        with pytest.raises(AuthenticationError):
            await connecting(at(port), timeout=0.9, attempts=1)


@story
async def test_a_gateway_that_falls_silent_after_the_handshake_is_noticed() -> None:
    async with gateway.simulation(mute_after_handshake=True) as simulated:
        with pytest.raises(AuthenticationError, match="fell silent"):
            await connecting(simulated.target, attempts=1)


@story
async def test_positions_without_an_end_are_noticed() -> None:
    async with gateway.simulation(no_positions_end=True) as simulated:
        with pytest.raises(AuthenticationError, match="positions"):
            await connecting(simulated.target, attempts=1)


@story
async def test_a_client_id_in_use_leads_to_the_next() -> None:
    async with (
        open_desk(readonly=True) as (simulated, first),
        gateway.connect(simulated.target) as second,
    ):
        assert (first.client_id, second.client_id) == (210, 211)
        assert second.attempts == 1


@story
async def test_no_free_client_id_is_said_clearly() -> None:
    async with open_desk(readonly=True) as (simulated, _):
        with pytest.raises(ClientIdInUseError, match="210"):
            await connecting(simulated.target, client_ids=[210])


@story
async def test_a_client_id_is_free_again_after_the_desk_is_closed() -> None:
    async with gateway.simulation() as simulated:
        for _ in range(2):
            async with gateway.connect(simulated.target, client_ids=[210]) as desk:
                assert desk.client_id == 210


@story
async def test_a_lost_connection_is_told() -> None:
    async with open_desk(readonly=True) as (simulated, desk):
        await simulated.gateway.drop_all()
        await asyncio.sleep(0.05)
        assert not desk.connected
        assert desk.lost_at is not None
        with pytest.raises(GatewayConnectionError):
            await desk.server_time()


@story
async def test_a_gateway_that_refuses_after_a_restart_fails_after_three_attempts() -> None:
    async with gateway.simulation(refuse_reconnect=1) as simulated:
        await connecting(simulated.target)
        with pytest.raises((GatewayConnectionError, AuthenticationError)) as caught:
            await connecting(simulated.target, again=True)
        assert caught.value.attempts == 3


def test_the_endpoint_tells_what_was_seen(endpoint: Endpoint) -> None:
    @story
    async def probes() -> None:
        async with gateway.simulation() as simulated:
            endpoint.port, endpoint.speed = simulated.target.port, 25
            await sync_to_async(endpoint.save)()
            assert await gateway.probe(endpoint) == "CONNECTED"
            assert await gateway.probe(endpoint, fresh_for=60) == "CONNECTED"
            assert simulated.gateway.admitted == 1
            set_levers(simulated, refuse_api=True)
            assert await gateway.probe(endpoint) == "SILENT"
        assert await gateway.probe(endpoint) == "UNREACHABLE"

    probes()
    assert "Nothing listens" in endpoint.last_error
    assert endpoint.server_version == 178


def test_order_ids_never_go_back(grant: OrderGrant, endpoint: Endpoint) -> None:
    @story
    async def trades() -> None:
        async with open_desk() as (_, desk):
            object.__setattr__(desk.target, "endpoint_id", endpoint.pk)
            desk.book.highest_order_id = 5000
            await (await buy(desk, grant)).done()

    trades()
    assert OrderRecord.objects.get().order_id == 5001
