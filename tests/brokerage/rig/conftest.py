"""Processes of the command line, and pytest runs of a stranger's project."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

ANNOUNCED = re.compile(r"(listening on|relaying|replaying .* on) 127\.0\.0\.1:(\d+).*\n")
RIG = [sys.executable, "-m", "brokerage.rig"]
Served = Callable[..., AbstractContextManager[tuple["subprocess.Popen[str]", int]]]


@pytest.fixture
def served() -> Served:
    """A command that serves, as a process, and the port it announced."""

    @contextmanager
    def serve(*arguments: str) -> Iterator[tuple["subprocess.Popen[str]", int]]:
        pipe = subprocess.PIPE
        command = [*RIG, *arguments, "--port", "0"]
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
            try:
                match = ANNOUNCED.match(process.stdout.readline())
                assert match, process.stderr.read()
                yield process, int(match[2])
            finally:
                process.kill()

    return serve


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Another project's directory: its pytest has our plugin and knows nothing of Crucible."""
    for name in [name for name in os.environ if name.startswith(("DJANGO", "PYTEST_XDIST"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:django -p no:cacheprovider")
    pytester.makeini(
        "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"
    )
    return pytester
