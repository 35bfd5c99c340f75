"""Orders, side by side: round trips and what they cost the server."""

import asyncio
import gc
from dataclasses import dataclass
from pathlib import Path

from bench.gateway import client, tape
from bench.gateway.process import Server, serving
from brokerage.relay.recorder import Recorder
from brokerage.relay.relay import Relay


@dataclass(frozen=True)
class Round:
    """One round on one server: seconds of each order, CPU seconds an order."""

    acknowledged: list[float]
    filled: list[float]
    cpu_acknowledged: float  # placing and cancelling
    cpu_filled: float


async def session(port: int, warm_up: int, orders: int, server: Server | None) -> Round:
    """A client's session, always the same: warm up, acknowledgements, warm up, fills."""
    async with client.connected(port) as ib:
        (share,) = await client.qualified(ib, "SPY")
        await client.acknowledgements(ib, share, warm_up)
        gc.collect()
        marks = [server.cpu() if server else 0.0]
        acknowledged = await client.acknowledgements(ib, share, orders)
        marks.append(server.cpu() if server else 0.0)
        await client.fills(ib, share, warm_up)
        gc.collect()
        marks.append(server.cpu() if server else 0.0)
        filled = await client.fills(ib, share, orders)
        marks.append(server.cpu() if server else 0.0)
    costs = (marks[1] - marks[0]) / orders, (marks[3] - marks[2]) / orders
    return Round(acknowledged, filled, *costs)


async def recorded(folder: Path, warm_up: int, orders: int) -> tape.Tape:
    """What our server sends in such a session."""
    with serving("ours") as server, Recorder(folder / "orders", redact=False) as recorder:
        async with Relay("127.0.0.1", server.port, witness=recorder) as relay:
            await session(relay.port, warm_up, orders, None)
            await asyncio.sleep(0.1)
    return tape.tapes(folder / "orders")[0]


async def compare(
    folder: Path, rounds: int, warm_up: int, orders: int
) -> tuple[list[Round], list[Round], tape.Tape]:
    """Rounds on our server and on the floor, by turns, each on a fresh process."""
    prepared = await recorded(folder, warm_up, orders)
    tape.save(folder / "orders.tape", [prepared])
    ours, floor = [], []
    for _ in range(rounds):
        with serving("ours") as server:
            ours.append(await session(server.port, warm_up, orders, server))
        with serving("floor", tape=folder / "orders.tape") as server:
            floor.append(await session(server.port, warm_up, orders, server))
    return ours, floor, prepared
