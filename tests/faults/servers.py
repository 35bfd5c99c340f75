"""The servers that a stage rests on: PostgreSQL that keeps its word, and Valkey on a TCP port."""

import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import psycopg
import redis

from crucible.embedded import broker_command
from tests.faults.processes import Process
from tests.servers import free_port, prepare_postgresql, redis_answers

# The machine does not lose its power in a test, but the server is killed: a commit that it has
# confirmed must be found again.
PG_OPTIONS = (
    "fsync=off", "synchronous_commit=on", "max_connections=100", "max_wal_size=64MB",
    "min_wal_size=32MB",
)  # fmt: skip
DISK_MB = 256


class Postgres(Process):
    """A PostgreSQL server that can be stopped at once or in good order, and started again."""

    def __init__(self, home: Path) -> None:
        made = prepare_postgresql(home, PG_OPTIONS)
        # SIGINT is PostgreSQL's fast shutdown: clients are disconnected.
        super().__init__(
            "postgresql", made.command, home / "server.log", made.answers,
            stop_signal=signal.SIGINT, identity=made.identity,
        )  # fmt: skip
        self.url = made.url
        self.port = int(made.url.rsplit(":", 1)[1].split("/")[0])

    def crash(self) -> None:
        """End it without a checkpoint (immediate shutdown): it recovers when it starts again."""
        assert self.child
        self.child.send_signal(signal.SIGQUIT)
        self.child.wait(30)

    def admin(self, statement: str) -> None:
        """Run one statement as the owner of everything."""
        # Whatever the database is set to, this connection may write.
        options = "-c default_transaction_read_only=off"
        with psycopg.connect(
            self.url, autocommit=True, connect_timeout=10, options=options
        ) as connection:
            connection.execute(statement)  # type: ignore[call-overload]

    def disconnect_clients(self) -> None:
        """End every connection but our own, so that new settings count for all."""
        self.admin(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )


class Disk:
    """A small disk of its own in memory, where this machine lets us mount one."""

    def __init__(self, place: Path) -> None:
        self.place = place
        place.mkdir()
        words = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(place)]
        self.mounted = _done(words)

    def fill(self) -> None:
        """Leave not one byte free; nothing happens where nothing could be mounted."""
        if not self.mounted:
            return
        with suppress(OSError), (self.place / "ballast").open("wb", buffering=0) as ballast:
            while True:
                ballast.write(bytes(4096))

    def clear(self) -> None:
        """Give the space back."""
        (self.place / "ballast").unlink(missing_ok=True)

    def unmount(self) -> None:
        """Take the disk away again."""
        if self.mounted:
            _done(["umount", "-l", str(self.place)])


def _done(words: list[str]) -> bool:
    with suppress(OSError):
        return subprocess.run(words, check=False, capture_output=True).returncode == 0
    return False


class Valkey(Process):
    """A Redis-protocol server on a TCP port, with an append-only file like the demo's."""

    def __init__(self, home: Path) -> None:
        self.port = free_port()
        command = broker_command(home / "s", home / "data")
        command += ["--port", str(self.port), "--bind", "127.0.0.1"]
        self.client = redis.Redis(port=self.port, socket_timeout=5, retry=None)
        super().__init__("valkey", command, home / "valkey.log", lambda: redis_answers(self.client))

    def flush(self) -> None:
        """Forget everything, as FLUSHALL does."""
        with suppress(redis.RedisError):
            self.client.flushall()
