"""`manage.py serve_gateway` as a process of its own, and a stranger's script against it."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SERVE = [sys.executable, str(ROOT / "manage.py"), "serve_gateway"]
ANNOUNCED = re.compile(r"listening on 127\.0\.0\.1:(\d+) · SIMULATED · seed 7 · speed 20\n")


@pytest.fixture
def served() -> Iterator[tuple[subprocess.Popen[str], int]]:
    command = [*SERVE, "--port", "0", "--seed", "7", "--speed", "20"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            match = ANNOUNCED.fullmatch(process.stdout.readline())
            assert match
            yield process, int(match[1])
        finally:
            process.kill()


def test_a_strangers_script_buys_a_weekly_call_and_is_flat_again(served):
    script = Path(__file__).with_name("weekly_call.py")
    command = [sys.executable, "-I", str(script), str(served[1])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "flat"
    assert re.search(r"^bought \d+\.\d+ commission 1\.0", done.stdout, re.MULTILINE)


def test_the_script_has_none_of_our_code():
    text = Path(__file__).with_name("weekly_call.py").read_text()
    assert not re.search(r"^\s*(from|import) (brokerage|crucible|validation|approvals)", text, re.M)


def test_it_ends_when_told_to(served):
    served[0].send_signal(signal.SIGTERM)
    assert served[0].wait(timeout=60) == 0


def test_a_taken_port_gives_a_clear_message():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [*SERVE, "--port", port]
        done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 2
    assert f"Port {port} on 127.0.0.1 is taken" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("speed", ["0", "x", "1e9"])
def test_an_absurd_speed_is_refused(speed):
    command = [*SERVE, "--port", "0", "--speed", speed]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 2
    assert "--speed" in done.stderr
