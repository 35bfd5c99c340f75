"""Faults of what the product rests on: broker, database, disk; and a web process that dies."""

import threading
import time
from typing import ClassVar

from tests.faults.fault import Fault, Run, fault
from tests.faults.moments import held_before_commit
from tests.journeys.visitor import Visitor

READ_ONLY = "ALTER DATABASE postgres SET default_transaction_read_only = on"
WRITABLE = "ALTER DATABASE postgres RESET default_transaction_read_only"


class Outage(Fault):
    """Something that everybody needs is away for some seconds."""

    blinds = True
    hold = (1.0, 7.0)


@fault("broker killed", "broker")
class BrokerKilled(Outage):
    """SIGKILL to the Redis server; it starts again with what its file says."""

    def strike(self, run: Run) -> None:
        run.stage.valkey.kill()

    def heal(self, run: Run) -> None:
        run.stage.valkey.start()


@fault("broker flushed", "broker")
class BrokerFlushed(Fault):
    """FLUSHALL: every message and every queue is forgotten."""

    def strike(self, run: Run) -> None:
        run.stage.valkey.flush()


@fault("broker partitioned", "broker")
class BrokerPartitioned(Outage):
    """The line to Redis swallows everything, and nobody is told; then it is restored."""

    def strike(self, run: Run) -> None:
        run.stage.broker_line.partition()

    def heal(self, run: Run) -> None:
        run.stage.broker_line.restore()


@fault("broker unreachable at the click", "broker")
class BrokerUnreachable(Outage):
    """Redis refuses connections while the session is started."""

    moments = ("clicked",)

    def before(self, run: Run) -> None:
        run.stage.broker_line.refuse()

    def heal(self, run: Run) -> None:
        run.stage.broker_line.restore()


@fault("database restarted", "database")
class DatabaseRestarted(Outage):
    """PostgreSQL is stopped in good order and started again; all connections are ended."""

    hold = (0.1, 4.0)

    def strike(self, run: Run) -> None:
        run.stage.postgres.ask_to_end()
        assert run.stage.postgres.child
        run.stage.postgres.child.wait(30)

    def heal(self, run: Run) -> None:
        run.stage.postgres.start()


@fault("database crashed", "database")
class DatabaseCrashed(DatabaseRestarted):
    """PostgreSQL ends at once and recovers from its log when it starts again."""

    def strike(self, run: Run) -> None:
        run.stage.postgres.crash()


@fault("database read-only", "database")
class DatabaseReadOnly(Outage):
    """Every connection is ended, and those that follow may only read, as after a failover."""

    def strike(self, run: Run) -> None:
        run.stage.postgres.admin(READ_ONLY)
        run.stage.postgres.disconnect_clients()

    def heal(self, run: Run) -> None:
        run.stage.postgres.admin(WRITABLE)
        run.stage.postgres.disconnect_clients()


@fault("disk of the database full", "database")
class DiskFull(Outage):
    """Not one byte can be added; the server may end of it, and is started again with space."""

    hold = (2.0, 7.0)

    def strike(self, run: Run) -> None:
        run.stage.disk.fill()
        run.notes.append("disk filled" if run.stage.disk.mounted else "no disk could be mounted")

    def heal(self, run: Run) -> None:
        run.stage.disk.clear()
        run.stage.postgres.ensure()


@fault("worker's connections to the database cut", "database")
class DatabaseCut(Fault):
    """The worker's connections are reset, again and again; new ones are let in."""

    times: ClassVar[int] = 5

    def strike(self, run: Run) -> None:
        for _ in range(self.times):
            run.stage.worker_line.cut()
            time.sleep(run.chance.uniform(0.02, 0.4))


@fault("worker partitioned from the database", "database")
class DatabasePartitioned(Fault):
    """The worker alone does not reach the database, for less or more than its lease."""

    hold = (2.0, 25.0)

    def strike(self, run: Run) -> None:
        run.stage.worker_line.partition()

    def heal(self, run: Run) -> None:
        run.stage.worker_line.restore()


@fault("web killed before the commit", "web")
class WebKilledBeforeCommit(Fault):
    """The click has been heard and its transaction is not committed: nothing was started."""

    moments = ("clicked",)

    def click(self, run: Run, visitor: Visitor) -> None:
        clicking = threading.Thread(target=_swallow, args=(run, visitor))
        with held_before_commit(run.stage):
            clicking.start()
            # The lock is ours: the click waits for it inside of its transaction.
            time.sleep(run.chance.uniform(0.3, 0.8))
            run.stage.web.kill()
        clicking.join(30)
        run.stage.web.start()
        run.click(visitor)


@fault("web killed after the commit", "web")
class WebKilledAfterCommit(Fault):
    """The session stands, the workers have not been told, and nobody got an answer."""

    moments = ("clicked",)

    def before(self, run: Run) -> None:
        run.stage.broker_line.partition()

    def click(self, run: Run, visitor: Visitor) -> None:
        before = run.newest()
        clicking = threading.Thread(target=_swallow, args=(run, visitor))
        clicking.start()
        deadline = time.monotonic() + 20
        while run.newest() == before and time.monotonic() < deadline:
            time.sleep(0.005)
        run.stage.web.kill()
        run.stage.broker_line.restore()
        clicking.join(30)
        run.number = run.newest()
        run.stage.web.start()


def _swallow(run: Run, visitor: Visitor) -> None:
    """Click once and expect no answer."""
    try:
        answer = visitor.call("/api/v1/sessions", {"scenarios": list(run.scenarios)})
        run.notes.append(f"answered: {answer[0]}")
    except (OSError, ValueError) as error:
        run.notes.append(f"no answer: {error}")
