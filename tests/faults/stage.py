"""The whole product for a fault suite: real servers behind relays, and every process by itself."""

import json
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from brokerage.simulator import control
from crucible.management.commands.demo import QUEUES
from tests.faults.lines import Line, Lines
from tests.faults.processes import STARTS_WITHIN_S, Process, python, until
from tests.faults.reading import Reader
from tests.faults.servers import Disk, Postgres, Valkey
from tests.journeys.visitor import Visitor
from tests.servers import directory, free_port

ROOT = Path(__file__).resolve().parents[2]
SPEED = 25.0
ET = ZoneInfo("America/New_York")
CHOSEN = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "PYTEST_CURRENT_TEST")


@dataclass
class SimulatedGateway:
    """One gateway process with its transcript; a new life has a new seed and a new file.

    No two may share a seed: execution ids come of it, and a broker's are unique.
    """

    home: Path
    number: int
    line: Line
    speed: float = SPEED
    port: int = field(default_factory=free_port)
    control_port: int = field(default_factory=free_port)
    life: int = 0
    process: Process | None = None

    @property
    def name(self) -> str:
        """What its files are called."""
        return f"gateway-{self.number}"

    @property
    def transcript(self) -> Path:
        """Where every message of this life is written."""
        return self.home / f"{self.name}-{self.life}.jsonl"

    def start(self) -> None:
        """Start it, with nothing of the life before."""
        self.life += 1
        # In the morning: at midnight of its clock it forgets the day's executions.
        day = datetime.now(ET).replace(hour=10, minute=0, second=0, microsecond=0).isoformat()
        flags = {
            "port": self.port, "control-port": self.control_port, "speed": self.speed,
            "seed": 1000 * self.number + self.life, "transcript": self.transcript, "start": day,
        }  # fmt: skip
        words = [f"--{name}={value}" for name, value in flags.items()]
        self.process = Process(
            self.name, python(str(ROOT / "manage.py"), "serve_gateway", *words),
            self.home / f"{self.name}.log", self._answers, _environment(self.home),
        )  # fmt: skip
        self.process.start()

    def _answers(self) -> bool:
        try:
            control.ask(self.control_port, "time")
        except control.RemoteError:
            return False
        return True

    def now(self) -> datetime:
        """Return the time of its clock."""
        seconds = float(control.ask(self.control_port, "time"))
        return datetime.fromtimestamp(seconds, ET)

    def switch(self, name: str, **params: Any) -> None:
        """Switch a fault of the catalogue on."""
        control.ask(self.control_port, "on", name, **params)

    def heal(self) -> None:
        """Switch every fault off."""
        control.ask(self.control_port, "clear")


class Stage:
    """Every process of the product, and the database as seen from outside."""

    def __init__(self, home: Path, lines: Lines, gateways: int, workers: int, speed: float) -> None:
        self.home, self.speed = home, speed
        self.disk = Disk(home / "pg")
        self.postgres, self.valkey = Postgres(home / "pg"), Valkey(_made(home / "kv"))
        self.reader = Reader(self.postgres.url)
        # The worker that trades has a line of its own to the database: it alone can lose it.
        self.database_line, self.worker_line = (
            lines.open(self.postgres.port),
            lines.open(self.postgres.port),
        )
        self.broker_line = lines.open(self.valkey.port)
        self.gateways = [self._gateway(lines, number) for number in range(1, gateways + 1)]
        self.env = self._env(self.database_line)
        self.web_port = free_port()
        self.web = self._web()
        celery = ("-m", "celery", "-A", "crucible")
        self.workers = [
            self._process(
                f"worker-{n}", self._env(self.worker_line), *celery, *_queue("gateway", n)
            )
            for n in range(1, workers + 1)
        ]
        self.keeper = self._process("keeper", self.env, *celery, *_queue("default", 1))
        schedule = str(home / "beat-1")
        self.beat = self._process("beat", self.env, *celery, *_beat(schedule))
        self.people: dict[str, list[str]] = {}
        self._operator: Visitor | None = None

    @property
    def gateway(self) -> SimulatedGateway:
        """The first gateway."""
        return self.gateways[0]

    @property
    def worker(self) -> Process:
        """The first worker that runs sessions."""
        return self.workers[0]

    @property
    def lines(self) -> list[Line]:
        """Every relayed line."""
        ours = [self.database_line, self.worker_line, self.broker_line]
        return [*ours, *(gateway.line for gateway in self.gateways)]

    @property
    def processes(self) -> list[Process]:
        """The product's own processes."""
        return [self.web, self.keeper, self.beat, *self.workers]

    def _gateway(self, lines: Lines, number: int) -> SimulatedGateway:
        line = lines.open(1)
        gateway = SimulatedGateway(self.home, number, line, self.speed)
        line.lead_to(gateway.port)
        return gateway

    def _env(self, line: Line) -> dict[str, str]:
        database = self.postgres.url.replace(f":{self.postgres.port}/", f":{line.port}/")
        broker = f"redis://127.0.0.1:{self.broker_line.port}/0"
        return _environment(self.home) | {"DATABASE_URL": database, "REDIS_URL": broker}

    def _process(self, name: str, env: dict[str, str], *words: str) -> Process:
        return Process(name, python(*words), self.home / f"{name}.log", env=env)

    def _web(self) -> Process:
        words = ("-m", "uvicorn", "crucible.asgi:application", "--port", str(self.web_port))
        web = self._process("web", self.env, *words)
        web.ready = self._web_answers
        return web

    def _web_answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/healthz", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    @property
    def address(self) -> str:
        """Where people's browsers go."""
        return f"http://127.0.0.1:{self.web_port}"

    def open(self) -> None:
        """Start everything and wait until the workers answer."""
        self.postgres.start()
        self.valkey.start()
        for gateway in self.gateways:
            gateway.start()
        self.people = self._prepare()
        for process in self.processes:
            process.launch()
        self.web.await_ready()
        self.await_workers()

    def _prepare(self) -> dict[str, list[str]]:
        ports = [(one.line.port, one.control_port) for one in self.gateways]
        program = f"from tests.faults.prepare import main; main({ports}, {self.speed})"
        command = python(str(ROOT / "manage.py"), "shell", "-v0", "-c", program)
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr[-3000:])
        return dict(json.loads(done.stdout.strip().splitlines()[-1]))

    def await_workers(self) -> None:
        """Wait until every worker that runs has said that it is ready, since it was started."""
        for worker in (*self.workers, self.keeper):
            what = f"{worker.name} is ready"
            until(lambda w=worker: _says_ready(w), STARTS_WITHIN_S, what)

    def close(self) -> None:
        """End everything."""
        self.reader.close()
        for process in self.processes:
            process.kill()
        for gateway in self.gateways:
            if gateway.process:
                gateway.process.stop()
        self.valkey.stop()
        self.postgres.stop()
        self.disk.unmount()

    def operator(self) -> Visitor:
        """Return the operator, who has signed in once."""
        if self._operator is None:
            self._operator = Visitor(self.address, *self.people["OP"])
        return self._operator

    def connect(self) -> psycopg.Connection[Any]:
        """Open a connection of our own to the database, past the relays."""
        return psycopg.connect(self.postgres.url, connect_timeout=10)

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Read the database from outside."""
        return self.reader.rows(sql, *values)


@contextmanager
def stage(gateways: int = 1, workers: int = 1, speed: float = SPEED) -> Iterator[Stage]:
    """Put everything up for the length of a block."""
    with ExitStack() as stack:
        home = stack.enter_context(directory("crucible-faults-"))
        home.chmod(0o755)
        made = Stage(home, stack.enter_context(Lines()), gateways, workers, speed)
        stack.callback(made.close)
        made.open()
        yield made


def _made(path: Path) -> Path:
    path.mkdir()
    return path


def _environment(home: Path) -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if name not in CHOSEN}
    ours = {"CRUCIBLE_VAR": str(home / "var"), "CRUCIBLE_DEMO": "true", "PYTHONUNBUFFERED": "1"}
    return env | ours | {"DJANGO_SETTINGS_MODULE": "crucible.settings"}


def _queue(name: str, number: int) -> list[str]:
    host = f"{name}-{number}@stage"
    children = str(QUEUES[name])
    return ["worker", "-Q", name, "-c", children, "-n", host, "--without-mingle", "-l", "INFO"]


def _beat(schedule: str) -> list[str]:
    return ["beat", "--pidfile=", "-s", schedule, "-l", "INFO"]


def _says_ready(worker: Process) -> bool:
    return " ready." in worker.said() or not worker.running
