"""Start the whole product on the embedded default and end it again on Ctrl-C."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import types
import urllib.request
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import redis
from django.conf import settings
from django.core.management import BaseCommand, CommandError

from crucible.celery import app
from crucible.embedded import broker_command
from crucible.roles import Role
from crucible.supervisor import Child, NotReadyError, Supervisor
from validation.build import code_version

# Processes for each queue: a gateway that answers slowly to one must not hold up the sweeper.
QUEUES = {"gateway": 1, "default": 2}
FIRST = (Role.OP, Role.QA, Role.CRO, Role.PM, Role.CO)


def free_port(host: str, wanted: int) -> int:
    """Return `wanted` if nothing listens there, else a free port."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise CommandError(f"No free port on {host}.")


def listens(host: str, port: int) -> bool:
    """Say whether something accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout=0.5):
            return True
    except OSError:
        return False


class StopRequested(Exception):  # noqa: N818 - a request, not an error
    """Raised by a signal: end everything."""


class Command(BaseCommand):
    """Supervise broker, simulated gateway, workers, beat and web server."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Addresses and the speed of the simulated gateway's clock."""
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--gateway-port", type=int, default=settings.DEMO_GATEWAY_PORT)
        parser.add_argument("--speed", type=float, default=settings.DEMO_SPEED)
        parser.add_argument("--seed", type=int, default=settings.DEMO_SEED)

    def handle(self, *args: Any, **options: Any) -> None:
        """Start all, wait for a signal, stop all."""
        os.environ["CRUCIBLE_DEMO"] = "true"
        # One version for all, whatever is committed or checked out while they run.
        os.environ["CRUCIBLE_CODE_VERSION"] = code_version()
        os.environ["PYTHONUNBUFFERED"] = "1"
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        self.supervisor = Supervisor(Path(settings.VAR_DIR) / "log", dict(os.environ), self.say)
        try:
            self._start(options)
            while True:
                self.supervisor.watch_once()
                time.sleep(0.5)
        except StopRequested:
            self.say("Stopping …")
        except (NotReadyError, ValueError) as error:
            raise CommandError(str(error)) from error
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            self.supervisor.stop()
        self.say("All processes have ended.")

    def _stop(self, number: int, frame: types.FrameType | None) -> None:
        raise StopRequested

    def say(self, text: str) -> None:
        """Print one line for the person at the terminal."""
        if text:
            self.stdout.write(text)
            self.stdout.flush()

    def _start(self, options: dict[str, Any]) -> None:
        host = options["host"]
        port = self._port("The web server", host, options["port"])
        gateway_port = self._port("The simulated gateway", "127.0.0.1", options["gateway_port"])
        if "REDIS_URL" not in os.environ:
            self._start_broker()
        control_port = free_port("127.0.0.1", 0)
        people = self._prepare(gateway_port, control_port, options["speed"])
        self._start_gateway(gateway_port, control_port, options)
        self._start_workers()
        self._start_web(host, port)
        self._welcome(f"http://{host}:{port}/", people)

    def _port(self, what: str, host: str, wanted: int) -> int:
        port = free_port(host, wanted)
        if wanted not in (port, 0):
            self.say(f"{what}: port {wanted} is in use, taking {port} instead.")
        return port

    def _start_broker(self) -> None:
        path = Path(settings.BROKER_SOCKET)
        if _broker_answers():
            raise CommandError(
                f"Another demo is running in this directory (its broker answers at {path}). "
                "Stop it with Ctrl-C first."
            )
        path.unlink(missing_ok=True)
        command = broker_command(path, Path(settings.VAR_DIR) / "broker")
        self.supervisor.start(Child("broker", command, _broker_answers))

    def _prepare(self, gateway_port: int, control_port: int, speed: float) -> dict[str, list[str]]:
        self.say("Preparing the database …")
        ports = [f"--gateway-port={gateway_port}", f"--control-port={control_port}"]
        done = subprocess.run(  # noqa: S603 - our own command
            [*_manage("prepare_demo"), *ports, f"--speed={speed}"],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CommandError(f"The database could not be prepared.\n{done.stderr[-2000:]}")
        people: dict[str, list[str]] = json.loads(done.stdout.strip().splitlines()[-1])
        return people

    def _start_gateway(self, port: int, control_port: int, options: dict[str, Any]) -> None:
        self.say("Starting the simulated gateway, the workers and the web server …")
        flags = [f"--port={port}", f"--seed={options['seed']}", f"--speed={options['speed']}"]
        command = [*_manage("serve_gateway"), *flags, f"--control-port={control_port}"]
        self.supervisor.start(Child("gateway", command, lambda: listens("127.0.0.1", port)))

    def _start_workers(self) -> None:
        # Quiet: no banner between the lines of the log.
        celery = [sys.executable, "-m", "celery", "-q", "-A", "crucible"]
        for queue, children in QUEUES.items():
            name = f"{queue}@crucible"
            flags = ["worker", "-Q", queue, "-c", str(children), "-n", name, "--without-mingle"]
            child = Child(f"worker-{queue}", [*celery, *flags, "-l", "INFO"], lambda: True)
            self.supervisor.start(child)
        beat = [*celery, "beat", "--pidfile=", "-l", "INFO"]
        self.supervisor.start(Child("beat", beat, lambda: True))

    def _start_web(self, host: str, port: int) -> None:
        flags = ["--host", host, "--port", str(port), "--timeout-graceful-shutdown", "3"]
        command = [sys.executable, "-m", "uvicorn", "crucible.asgi:application", *flags]
        self.supervisor.start(Child("web", command, lambda: _web_answers(host, port), 60))
        deadline = time.monotonic() + 30
        while len(app.control.ping(timeout=0.5) or []) < len(QUEUES):
            if time.monotonic() > deadline:
                self.say("The workers have not answered yet; see var/log/worker-*.log.")
                return

    def _welcome(self, address: str, people: dict[str, list[str]]) -> None:
        self.say(f"\nCrucible is ready: {address}\n\nDemo people (user name, password):")
        order = [*FIRST, *(Role(code) for code in people if Role(code) not in FIRST)]
        for role in order:
            username, password = people[role.value]
            self.say(f"  {role.label:<26}{username:<10}{password}")
        self.say("\nA first validation session is running. Ctrl-C ends everything.\n")


def _manage(command: str) -> list[str]:
    return [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), command]


def _broker_answers() -> bool:
    try:
        return bool(redis.Redis.from_url(settings.LIVE_URL, socket_timeout=1).ping())
    except redis.RedisError:
        return False


def _web_answers(host: str, port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{host}:{port}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
