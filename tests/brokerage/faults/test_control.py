"""The control API: what it does for its clients, and what it does with everybody else."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from brokerage.simulator.control import Control, Remote, RemoteError, ask, asked
from tests.brokerage.faults.scenes import until


@pytest.fixture
async def control(gateway) -> AsyncIterator[Control]:
    """The control API of the gateway."""
    control = Control(gateway)
    await control.start()
    yield control
    await control.stop()


@pytest.fixture
async def remote(control) -> AsyncIterator[Remote]:
    """A client of it."""
    async with Remote(control.port) as remote:
        yield remote


async def test_it_switches_a_fault_on_and_off(gateway, remote):
    assert await remote.on("pacing_kick", refusals=5) == {
        "name": "pacing_kick",
        "with": {"refusals": 5, "silent": False},
    }
    assert gateway.faults.active()[0].refusals == 5
    assert await remote.active() == [
        {"name": "pacing_kick", "with": {"refusals": 5, "silent": False}}
    ]
    assert await remote.off("pacing_kick") is True
    assert await remote.off("pacing_kick") is False
    assert not gateway.faults.active()


async def test_every_switch_is_in_the_transcript(remote):
    await remote.on("pacing_kick")
    await remote.off("pacing_kick")
    told = await remote.ask("transcript", tail=2)
    assert [(frame["direction"], frame["name"]) for frame in told] == [
        ("fault", "On"),
        ("fault", "Off"),
    ]


async def test_it_tells_the_time_and_skips_it(gateway, remote):
    before = await remote.ask("time")
    assert await remote.ask("skip", seconds=100) >= before + 100
    assert gateway.clock.time() >= before + 100


async def test_it_lists_the_catalogue(remote):
    names = [fault["name"] for fault in await remote.ask("catalogue")]
    assert "link_lost" in names


async def test_it_runs_a_script(gateway, remote):
    assert await remote.ask("script", steps=[{"at": 5, "on": "pacing_kick"}]) == 1
    await remote.ask("skip", seconds=6)
    assert "pacing_kick" in gateway.faults


async def test_it_cuts_connections_and_moves_the_market(gateway, ib, remote):
    await remote.ask("drop_all")
    await until(lambda: not ib.isConnected())
    await remote.ask("halt", symbol="SPY")
    con_id = gateway.venue.floor.listings.find(symbol="SPY", sec_type="STK")[0].con_id
    await gateway.skip(1)
    assert gateway.venue.floor.market.halted(con_id)


@pytest.mark.parametrize(
    ("do", "name", "params", "words"),
    [
        ("on", "no_such_fault", {}, "no fault called"),
        ("on", "link_lost", {"seconds": "x"}, "seconds must be a number"),
        ("on", "link_lost", {"seconds": -1}, "link_lost: seconds must not be below 0"),
        ("on", "preset_notice", {"times": -3}, "preset_notice: times must not be below 0"),
        ("off", "no_such_fault", {}, "no fault called"),
        ("explode", "", {}, "nothing called 'explode' to do; there is active"),
        ("skip", "", {"seconds": -1}, "seconds must be a number from 0"),
        ("skip", "", {"seconds": 1e12}, "seconds must be a number from 0"),
        ("skip", "", {}, "seconds must be a number"),
        ("transcript", "", {"tail": 10**9}, "tail must be a number from 1 to 1000"),
        ("halt", "", {"symbol": "NOPE"}, "not listed"),
        ("script", "", {"steps": [{}]}, "step 1"),
    ],
)
async def test_a_refusal_says_why_and_the_connection_goes_on(remote, do, name, params, words):
    with pytest.raises(RemoteError, match=words):
        await remote.ask(do, name, **params)
    assert await remote.ask("time") > 0


async def said(control: Control, data: bytes) -> bytes:
    """What comes back until the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", control.port)
    writer.write(data)
    try:
        async with asyncio.timeout(5):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize(
    "line",
    [
        b"GET / HTTP/1.1\r\n",
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n",
        b"API\0\0\0\0\tv157..178\n",
        b"\n",
        b"[]\n",
        b"null\n",
        b'{"do": 3}\n',
        b'{"do": "on", "name": ["x"]}\n',
        b'{"do": "on", "with": []}\n',
        b'{"do": "active", "extra": 1}\n',
        b"\xff\xfe\n",
        b"[" * 60_000 + b"\n",
        b"x" * 200_000,
    ],
    ids=lambda line: line[:20].decode("latin-1"),
)
async def test_a_line_that_is_no_request_ends_the_connection(gateway, control, line):
    valid = b'{"do": "on", "name": "pacing_kick"}\n'
    assert await said(control, line + valid) == b""
    assert not gateway.faults.active()
    async with Remote(control.port) as other:
        assert await other.ask("time") > 0


async def test_one_client_too_many_costs_the_longest_silent_its_place(control, remote):
    idle = [await asyncio.open_connection("127.0.0.1", control.port) for _ in range(7)]
    await remote.ask("time")
    more = [await asyncio.open_connection("127.0.0.1", control.port) for _ in range(3)]
    assert await asyncio.wait_for(idle[0][0].read(), 5) == b""
    assert await remote.ask("time") > 0
    for _, writer in (*idle, *more):
        writer.close()


async def test_it_listens_on_this_machine_alone(control):
    names = {name.getsockname()[0] for name in control._server.sockets}
    assert names == {"127.0.0.1"}


async def test_a_program_without_a_loop_asks_one_thing(gateway, control):
    result = await asyncio.to_thread(ask, control.port, "on", "pacing_kick", refusals=4)
    assert result["with"]["refusals"] == 4
    with pytest.raises(RemoteError, match="no fault called"):
        await asyncio.to_thread(ask, control.port, "on", "no_such")


async def test_a_port_where_nobody_listens_is_told_as_such(control):
    await control.stop()
    with pytest.raises(RemoteError, match=f"serve --control-port {control.port}"):
        await Remote(control.port).ask("time")
    with pytest.raises(RemoteError, match=f"serve --control-port {control.port}"):
        await asyncio.to_thread(ask, control.port, "time")


async def test_what_is_no_control_api_is_told_as_such():
    async def serve(reader, writer):
        writer.write(json.dumps([1]).encode() + b"\n")

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(RemoteError, match="no control API"):
        async with Remote(port) as remote:
            await remote.ask("time")
    server.close()


@pytest.mark.parametrize("name", ["fault", "self", "name"])
async def test_a_parameter_that_no_fault_has_is_refused_whatever_its_name(control, name):
    reader, writer = await asyncio.open_connection("127.0.0.1", control.port)
    writer.write(asked("on", "link_lost", {name: 1}))
    answer = json.loads(await reader.readline())
    assert (answer["ok"], "no parameter" in answer["error"]) == (False, True)
    writer.close()
