"""A relay on this machine before a gateway, to break the line of one connection and no other."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from brokerage.relay.relay import Relay
from brokerage.terms import Target


@dataclass(frozen=True)
class Relayed:
    """The running relay: `target` is the same gateway, reached through it."""

    target: Target
    relay: Relay

    def cut(self) -> None:
        """End every connection through the relay, and refuse new ones until `restore`."""
        self.relay.refuse()
        self.relay.cut()

    def half_open(self) -> None:
        """Swallow everything from now on, and tell neither side."""
        self.relay.half_open()

    async def restore(self) -> None:
        """Let connections through again."""
        await self.relay.restore()


@asynccontextmanager
async def relayed(target: Target) -> AsyncIterator[Relayed]:
    """Run a relay before the gateway on a free local port; raises OSError when there is none.

    Port and kind of the target stay the gateway's own, so that they are checked as ever.
    """
    async with Relay(target.host, target.port) as relay:
        yield Relayed(replace(target, through=relay.port), relay)
