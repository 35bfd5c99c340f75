"""A session watch that has watched for two hours and found nothing, for tests of other things."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from validation.verdicts import Stop
from validation.watch.conditions import Condition

FIGURES = {
    "total_s": 7300.0, "watched_s": 7300.0, "regular_s": 7300.0, "outage_s": 0.0,
    "planned_outage_s": 0.0, "uptime": 1.0, "answers": 1460, "misses": 0, "rtt_p95_ms": 1.0,
    "reconciliations": 120, "failures": 0,
}  # fmt: skip


class QuietWatch:
    """Watches nothing; `left` are the differences that it finds at the end."""

    def __init__(self) -> None:
        self.left: list[Condition] = []

    @asynccontextmanager
    async def over(self, desk: Any) -> AsyncIterator[None]:
        """Follow a desk."""
        yield

    async def look_at(self, desk: Any) -> None:
        """Compare what a desk was told."""

    async def conclude(self, limit: float) -> list[Condition]:
        """Return the differences that nobody can explain."""
        return self.left

    async def stop(self) -> dict[str, Any]:
        """Return the figures."""
        return dict(FIGURES)

    @asynccontextmanager
    async def watching(self, job: Any, decide: Callable[[Stop], None]) -> AsyncIterator[Any]:
        """Stand in for `watching`."""
        yield self
        job.facts["watch"] = await self.stop()
