"""The supervisor starts in order, waits for readiness, restarts what dies and orphans nothing."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crucible.supervisor import Child, NotReadyError, Supervisor

SLEEPER = "import time; open({path!r}, 'w').close(); time.sleep(60)"
FAMILY = (
    "import subprocess, sys, time;"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
    "open({path!r}, 'w').write(str(child.pid)); time.sleep(60)"
)


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    said: list[str] = []
    made = Supervisor(tmp_path / "log", dict(os.environ), said.append)
    made.said = said  # type: ignore[attr-defined]
    yield made
    made.stop()


def python(name: str, code: str, ready: Callable[[], bool], seconds: float = 10) -> Child:
    return Child(name, [sys.executable, "-c", code], ready, seconds)


def alive(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False


def eventually(condition: Callable[[], bool], seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_start_returns_when_the_child_is_ready(supervisor: Supervisor, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    child = python("sleeper", SLEEPER.format(path=str(flag)), flag.exists)
    supervisor.start(child)
    assert flag.exists()
    assert child.running


def test_a_child_that_dies_at_once_is_reported_with_its_last_words(supervisor: Supervisor) -> None:
    child = python("broken", "raise SystemExit('the port is taken')", lambda: False)
    with pytest.raises(NotReadyError, match="the port is taken"):
        supervisor.start(child)


def test_a_child_that_is_never_ready_is_given_up(supervisor: Supervisor) -> None:
    child = python("mute", "import time; time.sleep(60)", lambda: False, seconds=0.2)
    with pytest.raises(NotReadyError, match="mute did not start"):
        supervisor.start(child)


def test_a_killed_child_is_started_again(supervisor: Supervisor) -> None:
    child = python("sleeper", "import time; time.sleep(60)", lambda: True)
    supervisor.start(child)
    assert child.process
    first = child.process.pid
    os.kill(first, signal.SIGKILL)
    child.process.wait()
    supervisor.watch_once()
    child.next_start = 1e-9
    supervisor.watch_once()
    assert child.running
    assert child.process.pid != first


def test_the_grandchildren_of_a_killed_child_are_ended_before_its_restart(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    note = tmp_path / "pid"
    child = python(
        "family", FAMILY.format(path=str(note)), lambda: note.exists() and note.read_text() != ""
    )
    supervisor.start(child)
    assert child.process
    grandchild = int(note.read_text())
    child.process.kill()
    child.process.wait()
    assert alive(grandchild)
    supervisor.watch_once()
    assert eventually(lambda: not alive(grandchild))


def test_stop_leaves_no_process(supervisor: Supervisor, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    child = python(
        "family", FAMILY.format(path=str(note)), lambda: note.exists() and note.read_text() != ""
    )
    supervisor.start(child)
    supervisor.stop()
    assert child.process
    assert eventually(lambda: not alive(int(note.read_text())))
    assert not child.running


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's")
def test_children_die_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    code = (
        "import os, sys, time; from pathlib import Path;"
        "from crucible.supervisor import Child, Supervisor;"
        f"note = Path({str(note)!r}); log = Path({str(tmp_path / 'log')!r});"
        "s = Supervisor(log, dict(os.environ), print);"
        "c = Child('c', [sys.executable, '-c', 'import time; time.sleep(60)'], lambda: True);"
        "s.start(c); note.write_text(str(c.process.pid)); time.sleep(60)"
    )
    outer = Supervisor(tmp_path / "outer", dict(os.environ), print)
    child = python("outer", code, lambda: note.exists() and note.read_text() != "")
    outer.start(child)
    assert child.process
    child.process.kill()
    assert eventually(lambda: not alive(int(note.read_text())))
