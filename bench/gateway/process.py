"""Starts a server in its own process, and reads what it has cost from /proc (Linux)."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

STARTUP = 60.0  # seconds


@dataclass(frozen=True)
class Server:
    """A running server."""

    port: int
    pid: int

    def cpu(self) -> float:
        """Seconds that its main thread has spent on a processor."""
        return int(Path(f"/proc/{self.pid}/schedstat").read_text().split()[0]) / 1e9

    def memory(self) -> float:
        """Resident memory in MiB."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextmanager
def serving(which: str, **options: object) -> Iterator[Server]:
    """A server for the length of a block; raises RuntimeError if it does not start."""
    words = [f"--{name}={value}" for name, value in options.items()]
    command = [sys.executable, "-m", "bench.gateway.serve", which, *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:  # noqa: S603
        assert child.stdout is not None
        try:
            line = child.stdout.readline()
            if not line.strip().isdigit():
                raise RuntimeError(f"the server {which} did not start")
            yield Server(int(line), child.pid)
        finally:
            child.kill()
