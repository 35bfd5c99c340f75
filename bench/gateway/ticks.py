"""Ticks, side by side: how many a second a client gets, and what one costs the server."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from bench.gateway import client, tape
from bench.gateway.process import serving
from brokerage.relay.recorder import Recorder
from brokerage.relay.recording import Kind, Recording
from brokerage.relay.relay import Relay
from brokerage.tws.framing import frame

FLAT_OUT = 1500.0  # speed at which our server has more ticks to send than a client can take
STEADY = 150.0  # speed with which a client keeps up
CHUNK = 128 * 1024  # bytes that the floor writes at once


@dataclass(frozen=True)
class Steady:
    """A long stream at a pace that the client holds."""

    ticks: int
    seconds: float
    cpu_per_tick: float  # seconds
    memory_before: float  # MiB
    memory_after: float


async def prepare(folder: Path) -> None:
    """Record what our server sends to a client that watches all shares, as tape and flood."""
    path = folder / "ticks"
    with serving("ours", speed=STEADY) as server, Recorder(path, redact=False) as recorder:
        relay = Relay("127.0.0.1", server.port, witness=recorder)
        async with relay, client.connected(relay.port) as ib:
            await client.watch(ib)
            await asyncio.sleep(3)
    records = next(iter(Recording.load(path).connections().values()))
    last = max(at for at, one in enumerate(records) if one.kind is Kind.TO_GATEWAY)
    tape.save(folder / "ticks.tape", [tape.Tape.of(records[: last + 1])])
    stream = [frame(one.payload) for one in records[last + 200 :] if one.kind is Kind.TO_CLIENT]
    flood = bytearray()
    for one in stream:
        if len(flood) < CHUNK:
            flood += one
    (folder / "flood").write_bytes(flood)


async def throughput(port: int, warm_up: float, seconds: float) -> float:
    """Messages a second that a client takes."""
    async with client.connected(port) as ib:
        await client.watch(ib)
        await asyncio.sleep(warm_up)
        return await client.rate(ib, seconds)


async def compare(
    folder: Path, rounds: int, warm_up: float, seconds: float
) -> tuple[list[float], list[float]]:
    """Messages a second from our server and from the floor, by turns."""
    await prepare(folder)
    files = {"tape": folder / "ticks.tape", "flood": folder / "flood"}
    ours, floor = [], []
    for _ in range(rounds):
        with serving("ours", speed=FLAT_OUT) as server:
            ours.append(await throughput(server.port, warm_up, seconds))
        with serving("floor", **files) as server:
            floor.append(await throughput(server.port, warm_up, seconds))
    return ours, floor


async def steady(wanted: int) -> Steady:
    """Let our server send so many ticks at a pace that the client holds."""
    with serving("ours", speed=STEADY) as server:
        async with client.connected(server.port) as ib:
            await client.watch(ib)
            await asyncio.sleep(1)
            first, memory, cpu = client.received(ib), server.memory(), server.cpu()
            began = perf_counter()
            while client.received(ib) - first < wanted:  # noqa: ASYNC110
                await asyncio.sleep(0.2)
            ticks = client.received(ib) - first
            cost = (server.cpu() - cpu) / ticks
            return Steady(ticks, perf_counter() - began, cost, memory, server.memory())
