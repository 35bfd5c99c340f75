"""Broken counterparts for scenarios: a closed port, a listener that never answers."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any

from brokerage import gateway
from brokerage.clock import SessionClock
from brokerage.errors import GatewayError
from brokerage.listening import Listener
from brokerage.terms import SIMULATED
from validation.scenarios.trial import Trial, TrialListener

LOOPBACK = "localhost"
ATTEMPT_LIMIT_S = 10.0  # for each attempt to connect to one of them


@contextmanager
def closed_port() -> Iterator[int]:
    """A local port that refuses connections: bound, so that nobody takes it, not listening."""
    with socket.socket() as reserved:
        reserved.bind((LOOPBACK, 0))
        yield reserved.getsockname()[1]


@asynccontextmanager
async def silent_listener() -> AsyncIterator[int]:
    """A local port that accepts connections and never says a word."""
    visitors: list[asyncio.StreamWriter] = []

    async def accept(_: asyncio.StreamReader, visitor: asyncio.StreamWriter) -> None:
        visitors.append(visitor)

    server = await asyncio.start_server(accept, LOOPBACK, 0, family=socket.AF_INET)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for visitor in visitors:
            visitor.close()


async def refusal(
    trial: Trial, port: int, listener: Listener, *, again: bool = False
) -> GatewayError:
    """Connect to a broken local address and return the error; a connection is one, too.

    With `again` a wait comes before the first attempt as well, as after a lost connection.
    """
    target = replace(
        trial.target, name="broken", host=LOOPBACK, port=port, kind=SIMULATED, endpoint_id=None
    )
    options: dict[str, Any] = {
        "attempts": trial.config.validation.max_retry_attempts,
        "timeout": ATTEMPT_LIMIT_S,
        "clock": SessionClock(trial.target.speed, floor=0),
        "listener": listener,
        "again": again,
    }
    try:
        async with gateway.connect(target, **options):
            return GatewayError("A connection where nobody answers.")
    except GatewayError as error:
        return error


class AttemptLog(TrialListener):
    """Writes one log line for each connection attempt, and counts them."""

    def __init__(self, trial: Trial) -> None:
        super().__init__(trial)
        self.lines = 0

    def attempt(self, number: int, error: Exception | None, gap: float) -> None:
        """Count the line."""
        self.lines += 1
        super().attempt(number, error, gap)
