"""Processes that a test may kill, freeze, end and start again, each with its log."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.servers import die_with_parent

ROOT = Path(__file__).resolve().parents[2]
STARTS_WITHIN_S = 180.0
ENDS_WITHIN_S = 30.0


class NotReadyError(Exception):
    """A process did not become what it should in its time; the text has the end of its log."""


def until(look: Callable[[], Any], seconds: float, what: str, pause: float = 0.05) -> Any:
    """Return the first true value; raises NotReadyError when none comes in so many seconds."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise NotReadyError(f"{what}: not within {seconds:g} s")
        time.sleep(pause)
    return found


@dataclass
class Process:
    """One process in a session of its own, so that a signal can reach its children as well."""

    name: str
    command: list[str]
    log: Path
    ready: Callable[[], bool] = lambda: True
    env: dict[str, str] | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    identity: dict[str, Any] = field(default_factory=dict)
    child: subprocess.Popen[bytes] | None = None
    log_begins: int = 0

    @property
    def running(self) -> bool:
        """Whether it has been started and has not ended."""
        return self.child is not None and self.child.poll() is None

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self.child
        return self.child.pid

    def launch(self) -> None:
        """Start it and do not wait; what runs would be lost sight of by a second start."""
        assert not self.running, f"{self.name} runs already"
        with self.log.open("ab") as log:
            self.log_begins = log.tell()
            self.child = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                env=self.env, cwd="/" if self.identity else ROOT, start_new_session=True,
                preexec_fn=die_with_parent, **self.identity,  # noqa: PLW1509 - one system call
            )  # fmt: skip

    def start(self) -> None:
        """Start it and wait until it is ready; raises NotReadyError."""
        self.launch()
        self.await_ready()

    def await_ready(self) -> None:
        """Wait until it is ready; raises NotReadyError."""
        try:
            until(lambda: self.ready() or not self.running, STARTS_WITHIN_S, self.name)
        except NotReadyError as error:
            raise NotReadyError(f"{error}\n{self.tail()}") from error
        if not self.running:
            raise NotReadyError(f"{self.name} ended at once\n{self.tail()}")

    def ensure(self) -> None:
        """Start it when it does not run."""
        if not self.running:
            self.start()

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal to the process and all its children; nothing to do when it has ended."""
        if self.child is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.child.pid, number)

    def kill(self) -> None:
        """End it and its children without any warning."""
        self.signal_group(signal.SIGKILL)
        if self.child is not None:
            self.child.wait(ENDS_WITHIN_S)

    def ask_to_end(self) -> None:
        """Send what asks it for a good end, and do not wait."""
        if self.child is not None and self.running:
            self.child.send_signal(self.stop_signal)

    def stop(self) -> None:
        """Ask for a good end and wait; what is left of the group is killed."""
        self.ask_to_end()
        if self.child is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.child.wait(ENDS_WITHIN_S)
        self.kill()

    def children(self) -> list[int]:
        """Return the process ids of its direct children."""
        listed = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(pid) for pid in listed.split()]

    def said(self) -> str:
        """Return what this life of it has written so far."""
        with self.log.open("rb") as log:
            log.seek(self.log_begins)
            return log.read().decode(errors="replace")

    def tail(self, lines: int = 15) -> str:
        """Return the end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def python(*words: str) -> list[str]:
    """Return a command of this interpreter."""
    return [sys.executable, *words]
