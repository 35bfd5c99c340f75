"""Start child processes in order, wait until each is ready, restart what dies, end all together."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1
LONGEST_BACKOFF_SECONDS = 30.0
STOP_SECONDS = 8.0


class NotReadyError(Exception):
    """A child did not become ready in its time; the text carries the end of its log."""


@dataclass
class Child:
    """One process: how to start it, and how to tell that it is ready."""

    name: str
    command: list[str]
    ready: Callable[[], bool]
    seconds: float = 30.0
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    failures: int = field(default=0, init=False)
    next_start: float = field(default=0.0, init=False)

    @property
    def running(self) -> bool:
        """Whether the process has been started and has not ended."""
        return self.process is not None and self.process.poll() is None


def _die_with_parent() -> None:
    """Ask the kernel (Linux) for SIGTERM when the supervisor dies, so that nothing is orphaned."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Supervisor:
    """Own a list of children; `say` receives one line for people at a time."""

    def __init__(self, log_dir: Path, env: dict[str, str], say: Callable[[str], None]) -> None:
        self.log_dir = log_dir
        self.env = env
        self.say = say
        self.children: list[Child] = []
        log_dir.mkdir(parents=True, exist_ok=True)

    def log_path(self, child: Child) -> Path:
        """Return where the child's output goes."""
        return self.log_dir / f"{child.name}.log"

    def start(self, child: Child) -> None:
        """Start a child and wait until it is ready; raises NotReadyError."""
        if child not in self.children:
            self.children.append(child)
        self._spawn(child)
        deadline = time.monotonic() + child.seconds
        while not child.ready():
            if not child.running or time.monotonic() > deadline:
                raise NotReadyError(f"{child.name} did not start.\n{self.tail(child)}")
            time.sleep(0.05)

    def _spawn(self, child: Child) -> None:
        with self._open_log(child) as log:
            child.process = subprocess.Popen(  # noqa: S603 - our own commands
                child.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.env,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - before any thread is started
            )

    def _open_log(self, child: Child) -> IO[bytes]:
        return self.log_path(child).open("ab")

    def tail(self, child: Child, lines: int = 12) -> str:
        """Return the end of the child's log."""
        text = self.log_path(child).read_text(errors="replace").splitlines()[-lines:]
        return "\n".join(f"  {line}" for line in text)

    def watch_once(self) -> None:
        """Restart every child that ended, after 1, 2, 4 … 30 s."""
        now = time.monotonic()
        for child in self.children:
            if child.running:
                continue
            if child.next_start == 0.0:
                self._plan_restart(child, now)
            elif now >= child.next_start:
                child.next_start = 0.0
                self._spawn(child)
                self.say(f"{child.name} restarted")

    def _plan_restart(self, child: Child, now: float) -> None:
        delay = min(2.0**child.failures, LONGEST_BACKOFF_SECONDS)
        child.failures += 1
        child.next_start = now + delay
        # A killed Celery parent leaves its pool behind: end the group before a new one starts.
        _signal_group(child, signal.SIGKILL)
        status = child.process.returncode if child.process else "?"
        self.say(f"{child.name} ended (status {status}); starting it again in {delay:.0f} s")
        self.say(self.tail(child, 4))

    def stop(self) -> None:
        """End all: SIGTERM to the others at once, then to the first one, on which they rest."""
        for group in (self.children[1:], self.children[:1]):
            for child in group:
                if child.running and child.process:
                    child.process.terminate()
            deadline = time.monotonic() + STOP_SECONDS
            for child in group:
                _wait_and_kill(child, max(deadline - time.monotonic(), 0))


def _wait_and_kill(child: Child, seconds: float) -> None:
    """Wait for the child's end, then send SIGKILL to what is left of its group."""
    if child.process:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.process.wait(seconds)
    _signal_group(child, signal.SIGKILL)


def _signal_group(child: Child, number: int) -> None:
    if child.process:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.process.pid, number)
