"""Take samples of the worker's host while a session runs, for its metrics (ME-28)."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, fields
from typing import Any

from django.conf import settings

from validation.host_load import HostSample, sample

# Real seconds: the host's clock is nobody's session clock.
EVERY_S = 5.0
HOST = "host"


@dataclass
class HostFigures:
    """Sums over the samples so far: processor ticks, shares of memory, GB (10^9 bytes) of disk."""

    samples: int = 0
    busy: float = 0.0
    total: float = 0.0
    memory_sum: float = 0.0
    memory_peak: float = 0.0
    least_free_gb: float | None = None

    @classmethod
    def resumed(cls, content: Mapping[str, Any]) -> "HostFigures":
        """Go on from what an earlier part of the session has kept."""
        return cls(**{one.name: content[one.name] for one in fields(cls) if one.name in content})

    def add(self, now: HostSample, before: HostSample | None, free_gb: float | None) -> None:
        """Take a sample in; the processors are judged from one to the next."""
        self.samples += 1
        self.memory_sum += now.memory
        self.memory_peak = max(self.memory_peak, now.memory)
        if before is not None:
            self.busy += now.busy - before.busy
            self.total += now.total - before.total
        if free_gb is not None:
            known = self.least_free_gb
            self.least_free_gb = free_gb if known is None else min(known, free_gb)

    @property
    def processors(self) -> float | None:
        """The share of the processors' time that was used; None without two samples."""
        return self.busy / self.total if self.total > 0 else None

    @property
    def memory(self) -> float | None:
        """The share of memory in use, on average."""
        return self.memory_sum / self.samples if self.samples else None


@asynccontextmanager
async def host_watched(facts: dict[str, Any], every: float = EVERY_S) -> AsyncIterator[None]:
    """Keep `facts["host"]` up to date while the block runs; some systems tell nothing."""
    task = asyncio.create_task(_keep(facts, every))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _keep(facts: dict[str, Any], every: float) -> None:
    figures = HostFigures.resumed(facts.get(HOST, {}))
    before: HostSample | None = None
    while (now := sample()) is not None:
        figures.add(now, before, _free_gb())
        facts[HOST] = asdict(figures)
        before = now
        await asyncio.sleep(every)


def _free_gb() -> float | None:
    try:
        return shutil.disk_usage(settings.VAR_DIR).free / 1e9
    except OSError:
        return None
