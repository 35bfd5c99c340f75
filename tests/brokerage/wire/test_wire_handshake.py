"""Connecting: handshake, start, synchronisation, client ids, other versions."""

import asyncio
import socket
import time

import pytest
from ib_async import IB, Client, StartupFetchNONE

from brokerage.simulator.server import Gateway
from tests.brokerage.wire.conftest import client, codes


async def test_connecting_with_defaults_takes_less_than_a_second(gateway):
    ib, began = IB(), time.perf_counter()
    await ib.connectAsync("127.0.0.1", gateway.port, raiseSyncErrors=True)
    assert time.perf_counter() - began < 1.0
    assert ib.client.serverVersion() == 178
    ib.disconnect()


async def test_accounts_and_next_id_are_told(gateway, ib):
    assert ib.managedAccounts() == ["DU1234567"]
    assert ib.client.getReqId() > 100


async def test_the_clock_is_the_simulated_one(gateway, ib):
    told = await ib.reqCurrentTimeAsync()
    assert abs((gateway.clock.now() - told).total_seconds()) < 3


async def test_a_port_that_was_shut_sends_each_message_at_once_as_before(gateway):
    gateway.shut_port()
    gateway.open_port()
    await gateway._opening
    async with client(gateway):
        (peer,) = gateway.peers()
        used = peer.transport.get_extra_info("socket")
        assert used.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize("version", [157, 163, 176, 178])
async def test_every_layout_synchronises(gateway, version, monkeypatch):
    monkeypatch.setattr(Client, "MaxClientVersion", version)
    async with client(gateway, raiseSyncErrors=True) as ib:
        assert ib.client.serverVersion() == version
        assert len(await ib.accountSummaryAsync()) > 20


async def test_a_client_too_old_is_turned_away(gateway, monkeypatch):
    monkeypatch.setattr(Client, "MinClientVersion", 100)
    monkeypatch.setattr(Client, "MaxClientVersion", 156)
    with pytest.raises((TimeoutError, ConnectionError)):
        await IB().connectAsync("127.0.0.1", gateway.port, timeout=0.3)
    assert [frame.name for frame in gateway.transcript] == ["Hello"]


async def test_a_client_id_in_use_is_refused_with_326(gateway, ib):
    second, told = IB(), []
    second.errorEvent += lambda req_id, code, text, contract: told.append(code)
    with pytest.raises((TimeoutError, ConnectionError)):
        await second.connectAsync("127.0.0.1", gateway.port, clientId=1, timeout=0.3)
    assert told == [326]
    assert ib.isConnected()


async def test_a_client_id_is_free_again_after_leaving(gateway):
    for _ in range(2):
        async with client(gateway, 9) as ib:
            assert ib.isConnected()
        await asyncio.sleep(0.02)


async def test_no_more_than_32_clients_are_let_in(gateway):
    clients = [IB() for _ in range(32)]
    for number, ib in enumerate(clients):
        await ib.connectAsync(
            "127.0.0.1", gateway.port, clientId=number, fetchFields=StartupFetchNONE
        )
    with pytest.raises((TimeoutError, ConnectionError)):
        await IB().connectAsync("127.0.0.1", gateway.port, clientId=99, timeout=0.3)
    for ib in clients:
        ib.disconnect()


async def test_several_accounts_are_all_synchronised():
    names = ("DU1000001", "DU1000002")
    async with Gateway.serve(speed=25, accounts=names) as gateway, client(gateway) as ib:
        assert ib.managedAccounts() == list(names)
        assert {value.account for value in ib.accountValues()} == set(names)


async def test_the_transcript_holds_both_directions(gateway, ib):
    names = [(frame.direction, frame.name) for frame in gateway.transcript]
    assert names[:3] == [("in", "Hello"), ("out", "Welcome"), ("in", "StartApi")]
    assert ("in", "ReqPositions") in names
    assert ("out", "PositionEnd") in names
    assert {frame.client_id for frame in gateway.transcript} == {None, 1}


async def test_cutting_every_connection_is_noticed_by_the_client(gateway, ib):
    await gateway.drop_all()
    await asyncio.sleep(0.05)
    assert not ib.isConnected()
    assert codes(ib) == []
