"""Serve the simulated gateway from a terminal: its options, and the run until told to stop."""

import asyncio
import signal
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from brokerage.rig import reading
from brokerage.rig.errors import RefusedError, unable_to_listen
from brokerage.rig.scripts import load
from brokerage.simulator.collector import relax
from brokerage.simulator.control import HOST, Control
from brokerage.simulator.faults.script import Script
from brokerage.simulator.rates import LINES
from brokerage.simulator.server import Gateway
from brokerage.simulator.state import StateError

Say = Callable[[str], None]


def add_arguments(parser: ArgumentParser) -> None:
    """Address, market, clock and accounts of one gateway."""
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on")
    add("--port", type=reading.port, default=4002, help="0 takes a free one")
    add("--seed", type=reading.seed, default=7, help="another seed, another market")
    add("--speed", type=reading.speed, default=1.0, help="how fast its clock runs, 1 to 1000")
    add("--start", type=reading.moment, help="time of its clock, UTC or as 2026-03-03T10:30-05:00")
    add("--hours", action="store_true", help="follow the exchange's hours")
    add(
        "--account",
        action="append",
        dest="accounts",
        type=reading.account,
        help="account id (repeat for several)",
    )
    add("--cash", type=reading.dollars, default=100_000.0, help="dollars in each account")
    add("--lines", type=reading.count, default=LINES, help="most quotes streamed to a client")
    add("--latency", type=reading.seconds, default=0.0, help="wall seconds before each answer")
    add("--reject-over-rate", action="store_true", help="answer error 100 to more than 50/s")
    add("--state-dir", type=Path, metavar="DIR", help="keep ids and orders here over restarts")
    add("--transcript", type=Path, metavar="FILE", help="write every message into a new file")
    add("--script", type=Path, metavar="FILE", help="faults to switch, in YAML")
    add("--control-port", type=reading.port, help="serve the control API there; 0: a free port")


def settings(options: Namespace) -> dict[str, Any]:
    """What `Gateway` is made with."""
    return {
        "seed": options.seed,
        "speed": options.speed,
        "start": options.start,
        "accounts": tuple(options.accounts or ("DU1234567",)),
        "cash": options.cash,
        "always_open": not options.hours,
        "lines": options.lines,
        "latency": options.latency,
        "reject_over_rate": options.reject_over_rate,
        "state_dir": options.state_dir,
        "transcript_path": options.transcript,
    }


def run(options: Namespace, say: Say) -> None:
    """Serve until SIGTERM or Ctrl-C; raises RefusedError when it cannot begin."""
    script = load(options.script) if options.script else None
    relax()
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(options, script, say))


async def _serve(options: Namespace, script: Script | None, say: Say) -> None:
    gateway, stop = _gateway(options), told_to_stop()
    await _listen(gateway, options)
    try:
        say(
            f"listening on {options.host}:{gateway.port} · SIMULATED · seed {options.seed}"
            f" · speed {options.speed:g}"
        )
        for account in gateway.venue.keeping.elsewhere:
            say(
                f"{options.state_dir} keeps account {account} too, which this gateway does not"
                f" have; serve it with --account {account}"
            )
        if script:
            script.start(gateway)
        async with _control(gateway, options.control_port, say):
            await stop.wait()
    finally:
        await gateway.stop()


@asynccontextmanager
async def _control(gateway: Gateway, port: int | None, say: Say) -> AsyncIterator[None]:
    """The control API for the length of a block, if it has a port."""
    if port is None:
        yield
        return
    control = Control(gateway)
    try:
        await control.start(port)
    except OSError as error:
        raise unable_to_listen(HOST, port, error, "--control-port") from error
    say(f"control API on {HOST}:{control.port}")
    try:
        yield
    finally:
        await control.stop()


def _gateway(options: Namespace) -> Gateway:
    try:
        return Gateway(**settings(options))
    except FileExistsError:
        text = f"{options.transcript} exists already; name another file or move it away."
        raise RefusedError(text) from None
    except OSError as error:
        raise RefusedError(f"{options.transcript} cannot be written: {error.strerror}.") from None


async def _listen(gateway: Gateway, options: Namespace) -> None:
    try:
        await gateway.start(options.host, options.port)
    except StateError as error:
        raise RefusedError(str(error)) from None
    except OSError as error:
        raise unable_to_listen(options.host, options.port, error) from error


def told_to_stop() -> asyncio.Event:
    """Set by SIGTERM or Ctrl-C from now on, where the system has such signals."""
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        with suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
    return stop
