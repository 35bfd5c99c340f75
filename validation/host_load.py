"""How busy this machine is: samples of its counters, and what they come to over a minute (C-88).

Only Linux tells them here, in /proc; where nothing can be read nothing is known.
"""

import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

PROC = Path("/proc")
# The averages are over a minute; what is younger than most of one, or has gaps, says too little.
MINUTE_S, LEAST_S, LONGEST_GAP_S = 60.0, 45.0, 20.0


@dataclass(frozen=True)
class HostSample:
    """The counters at one moment: UNIX seconds, ticks of the processors, share of memory in use."""

    at: float
    busy: float
    total: float
    memory: float


@dataclass(frozen=True)
class HostLoad:
    """Shares in use (1.0 is all), averaged over the last minute; None with `why` if unknown."""

    processors: float | None = None
    memory: float | None = None
    why: str = ""


def sample(proc: Path = PROC) -> HostSample | None:
    """Read the counters now; None where the system does not tell them."""
    ticks = processor_ticks(_text(proc / "stat"))
    memory = memory_share(_text(proc / "meminfo"))
    if ticks is None or memory is None:
        return None
    return HostSample(time.time(), *ticks, memory)


def machine(proc: Path = PROC) -> str:
    """Name this machine since it was started; containers on it share the name, empty if unknown."""
    return _text(proc / "sys/kernel/random/boot_id").strip()


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def processor_ticks(text: str) -> tuple[float, float] | None:
    """Return the ticks in which the processors worked, and all, from the text of /proc/stat."""
    first = text.partition("\n")[0].split()
    try:
        # user, nice, system, idle, iowait, irq, softirq, steal; guests are in user already.
        ticks = [float(figure) for figure in first[1:9]]
        idle = ticks[3] + ticks[4]
    except (ValueError, IndexError):
        return None
    return (sum(ticks) - idle, sum(ticks)) if first[0] == "cpu" else None


def memory_share(text: str) -> float | None:
    """Return the share of memory in use from the text of /proc/meminfo; None without its lines."""
    lines = (line.split(":", 1) for line in text.splitlines() if ":" in line)
    sizes = {name: value.split()[0] for name, value in lines if value.split()}
    try:
        return 1 - int(sizes["MemAvailable"]) / int(sizes["MemTotal"])
    except (KeyError, ValueError, ZeroDivisionError):
        return None


def carry(before: dict[str, Any], name: str, new: HostSample | None) -> dict[str, Any]:
    """Return what a heartbeat carries: the last minute's samples of the machine of that name."""
    kept = before.get("samples", []) if before.get("machine") == name else []
    if new is None:
        return {}
    young = [row for row in kept if 0 <= new.at - row[0] <= MINUTE_S]
    return {"machine": name, "samples": [*young, list(astuple(new))]}


def carried(content: dict[str, Any], name: str, now: float) -> HostLoad:
    """Return the averages that a heartbeat carries of the machine of that name."""
    if not name:
        return HostLoad(why="Load and memory can't be read on this system.")
    if content.get("machine") != name:
        return HostLoad(why="Nobody takes samples of this machine: start a worker and beat here.")
    return averages([HostSample(*row) for row in content["samples"]], now)


def averages(samples: Sequence[HostSample], now: float) -> HostLoad:
    """Return the averages of the samples of the last minute; unknown if they do not cover it."""
    young = [one for one in samples if 0 <= now - one.at <= MINUTE_S + LONGEST_GAP_S]
    moments = [*(one.at for one in young), now]
    gaps = [after - before for before, after in pairwise(moments)]
    span = young[-1].at - young[0].at if young else 0.0
    ticks = young[-1].total - young[0].total if young else 0.0
    if span < LEAST_S or max(gaps, default=0.0) > LONGEST_GAP_S or ticks <= 0:
        return HostLoad(why=f"Too few samples for an average: {len(young)} over {span:.0f} s.")
    busy = (young[-1].busy - young[0].busy) / ticks
    return HostLoad(busy, sum(one.memory for one in young) / len(young))
