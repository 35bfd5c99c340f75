"""Connections, side by side: how long it takes to connect as many clients as there may be."""

import asyncio
from pathlib import Path

from bench.gateway import client, tape
from bench.gateway.process import serving
from brokerage.relay.recorder import Recorder
from brokerage.relay.relay import Relay

CLIENTS = 32


async def compare(folder: Path, rounds: int) -> tuple[list[list[float]], list[list[float]]]:
    """Seconds to connect each client to our server and to the floor, by turns."""
    path = folder / "connections"
    with serving("ours") as server, Recorder(path, redact=False) as recorder:
        async with Relay("127.0.0.1", server.port, witness=recorder) as relay:
            await client.connecting(relay.port, CLIENTS)
            await asyncio.sleep(0.1)
    tape.save(folder / "connections.tape", tape.tapes(path))
    ours, floor = [], []
    for _ in range(rounds):
        with serving("ours") as server:
            ours.append(await client.connecting(server.port, CLIENTS))
        with serving("floor", tape=folder / "connections.tape") as server:
            floor.append(await client.connecting(server.port, CLIENTS))
    return ours, floor
