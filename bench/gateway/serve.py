"""The process that is measured: our server or the floor. Prints its port, serves until killed."""

import asyncio
import sys
from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime
from pathlib import Path

from bench.gateway import floor, tape
from brokerage.simulator.collector import relax
from brokerage.simulator.server import Gateway

START = datetime(2026, 1, 7, 15, 0, tzinfo=UTC)
LINES = 10_000_000  # so that neither lines nor the message rate limit what is measured
CASH = 1e9
UNSENT = 2**32  # bytes: a client that is slower than the server is what is being measured


async def ours(options: Namespace) -> int:
    """The simulated gateway."""
    gateway = Gateway(
        seed=7, speed=options.speed, start=START, lines=LINES, cash=CASH, most_unsent=UNSENT
    )
    await gateway.start()
    return gateway.port


async def prepared(options: Namespace) -> int:
    """The floor."""
    flood = options.flood.read_bytes() if options.flood else b""
    server = await floor.serve(tape.load(options.tape), flood)
    port: int = server.sockets[0].getsockname()[1]
    return port


async def main() -> None:
    """Serve."""
    parser = ArgumentParser()
    parser.add_argument("which", choices=["ours", "floor"])
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--tape", type=Path)
    parser.add_argument("--flood", type=Path)
    options = parser.parse_args()
    port = await (ours(options) if options.which == "ours" else prepared(options))
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    relax()
    asyncio.run(main())
