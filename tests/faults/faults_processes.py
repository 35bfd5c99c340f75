"""Faults of the product's own processes: killed, frozen, ended, doubled, with a wrong clock."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from celery import Celery

from tests.faults.fault import Fault, Run, fault
from tests.faults.moments import held_before_commit
from tests.faults.processes import Process, until
from tests.faults.stage import Stage
from tests.journeys.visitor import Visitor

HOUR_S = 3600
AFTER_CLAIM = (
    "claimed", "in a scenario", "order written down", "order working", "order filled",
    "after a result", "all results in",
)  # fmt: skip


@fault("worker killed", "worker")
class WorkerKilled(Fault):
    """SIGKILL to the worker and its pool, at any moment of the session."""

    hold = (0.1, 1.0)

    def strike(self, run: Run) -> None:
        run.stage.worker.kill()
        run.lose_worker()

    def heal(self, run: Run) -> None:
        run.stage.worker.launch()


@fault("worker killed before a commit", "worker")
class WorkerKilledBeforeCommit(WorkerKilled):
    """SIGKILL while the worker's transaction is written and not committed."""

    moments = AFTER_CLAIM[:-1]

    def strike(self, run: Run) -> None:
        with held_before_commit(run.stage) as caught:
            super().strike(run)
        run.notes.append("caught in a transaction" if caught else "no transaction came")


@fault("worker away at the click", "worker")
class WorkerAway(Fault):
    """No worker is there when the session is started; one comes later."""

    moments = ("clicked",)
    hold = (0.5, 3.0)

    def before(self, run: Run) -> None:
        run.stage.worker.kill()

    def heal(self, run: Run) -> None:
        run.stage.worker.launch()


@fault("worker killed with the message in hand", "worker")
class WorkerKilledWithMessage(Fault):
    """The worker has taken the message off the queue and dies before it claims the session."""

    moments = ("clicked",)
    hold = (0.1, 1.0)

    def before(self, run: Run) -> None:
        # Its pool stands still: the parent takes the message and nobody works on it.
        for pid in run.stage.worker.children():
            os.kill(pid, signal.SIGSTOP)

    def strike(self, run: Run) -> None:
        time.sleep(1.0)
        run.stage.worker.kill()

    def heal(self, run: Run) -> None:
        run.stage.worker.launch()


@fault("pool child killed", "worker")
class PoolChildKilled(Fault):
    """SIGKILL to the process that runs the session; the worker's parent lives on."""

    moments = AFTER_CLAIM

    def strike(self, run: Run) -> None:
        for pid in run.stage.worker.children():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        run.lose_worker()


@fault("deployment (SIGTERM)", "worker")
class Deployment(Fault):
    """The worker is asked to end, ends what it runs, and a new one is started."""

    moments = AFTER_CLAIM
    hold = (0.1, 0.5)

    def strike(self, run: Run) -> None:
        run.stage.worker.ask_to_end()

    def heal(self, run: Run) -> None:
        until(lambda: not run.stage.worker.running, 120, "the worker's good end")
        run.stage.worker.launch()


@fault("impatient deployment", "worker")
class ImpatientDeployment(Fault):
    """SIGTERM, and SIGKILL to what has not ended half a second later."""

    moments = AFTER_CLAIM[:-1]
    hold = (0.1, 0.5)

    def strike(self, run: Run) -> None:
        run.stage.worker.ask_to_end()
        time.sleep(0.5)
        if run.stage.worker.running:
            run.lose_worker()
        run.stage.worker.kill()

    def heal(self, run: Run) -> None:
        run.stage.worker.launch()


@fault("frozen beyond the lease", "worker")
class Zombie(Fault):
    """SIGSTOP until the session was taken away, then SIGCONT: its writes must be refused."""

    moments = AFTER_CLAIM
    hold = (18.0, 24.0)

    def strike(self, run: Run) -> None:
        run.stage.worker.signal_group(signal.SIGSTOP)
        run.lose_worker()

    def heal(self, run: Run) -> None:
        run.stage.worker.signal_group(signal.SIGCONT)


@fault("frozen in a transaction", "worker")
class ZombieWithLocks(Zombie):
    """The same while a transaction of the worker is open: it holds the session's row."""

    moments = AFTER_CLAIM[:-1]

    def strike(self, run: Run) -> None:
        with held_before_commit(run.stage) as caught:
            super().strike(run)
        run.notes.append("caught in a transaction" if caught else "no transaction came")


@fault("frozen for a moment", "worker")
class Stutter(Fault):
    """SIGSTOP for less than the lease, then SIGCONT: the worker goes on."""

    moments = AFTER_CLAIM
    hold = (1.0, 8.0)

    def strike(self, run: Run) -> None:
        run.stage.worker.signal_group(signal.SIGSTOP)

    def heal(self, run: Run) -> None:
        run.stage.worker.signal_group(signal.SIGCONT)


class WrongClock(Fault):
    """The worker's wall clock is wrong from its start to the end of the schedule."""

    moments = ("all results in",)
    hold = (0.0, 0.1)
    seconds = 0

    def restart(self, run: Run) -> None:
        restart_with_clock(run.stage, run.stage.worker, self.seconds)

    def after(self, run: Run) -> None:
        run.stage.worker.kill()


@fault("worker's clock an hour ahead", "clock")
class ClockAhead(WrongClock):
    """Its leases would seem to live for an hour, if they were written by its own clock."""

    seconds = HOUR_S


@fault("worker's clock an hour behind", "clock")
class ClockBehind(WrongClock):
    """Its leases would seem to have ended, if they were written by its own clock."""

    seconds = -HOUR_S


@fault("worker's clock an hour ahead, then killed", "clock")
class ClockAheadAndKilled(ClockAhead):
    """A lost worker is noticed in time, whatever its clock said."""

    moments = AFTER_CLAIM
    hold = (0.1, 1.0)

    def strike(self, run: Run) -> None:
        run.stage.worker.kill()
        run.lose_worker()

    def heal(self, run: Run) -> None:
        run.stage.worker.launch()


@fault("keeper's clock an hour ahead", "clock")
class KeeperClockAhead(Fault):
    """The process that looks after lost workers has a wrong clock, and the worker is killed."""

    moments = AFTER_CLAIM
    hold = (0.1, 1.0)
    seconds = HOUR_S

    def restart(self, run: Run) -> None:
        restart_with_clock(run.stage, run.stage.keeper, self.seconds)

    def after(self, run: Run) -> None:
        run.stage.keeper.kill()

    def strike(self, run: Run) -> None:
        run.stage.worker.kill()
        run.lose_worker()

    def heal(self, run: Run) -> None:
        run.stage.worker.launch()


@fault("keeper's clock an hour behind", "clock")
class KeeperClockBehind(KeeperClockAhead):
    """The same, the other way."""

    seconds = -HOUR_S


@fault("beat dead", "beat")
class BeatDead(Fault):
    """Nobody sends the sweeper round while the session runs; then beat is back."""

    blinds = True
    hold = (2.0, 8.0)

    def before(self, run: Run) -> None:
        run.stage.beat.kill()

    def heal(self, run: Run) -> None:
        run.stage.beat.launch()


@fault("two beats", "beat")
class TwoBeats(Fault):
    """A second beat sends everything twice."""

    moments = ("all results in",)
    hold = (1.0, 5.0)

    def before(self, run: Run) -> None:
        words = list(run.stage.beat.command)
        words[words.index("-s") + 1] += "-second"
        log = run.stage.home / "beat-2.log"
        self.second = Process("beat-2", words, log, env=run.stage.beat.env)
        self.second.launch()

    def after(self, run: Run) -> None:
        self.second.kill()


@fault("message delivered many times", "messages")
class MessageManyTimes(Fault):
    """The word that a session waits comes five times more, to two workers."""

    hold = (1.0, 2.0)

    def before(self, run: Run) -> None:
        words = [word.replace("gateway-1@", "gateway-9@") for word in run.stage.worker.command]
        log = run.stage.home / "worker-9.log"
        self.second = Process("worker-9", words, log, env=run.stage.worker.env)
        self.second.launch()

    def strike(self, run: Run) -> None:
        for _ in range(5):
            send(run.stage, run.number)

    def heal(self, run: Run) -> None:
        # Whichever of the two has the session may end it; then the second leaves.
        ended = "SELECT ended_at IS NOT NULL FROM validation_session WHERE number = %s"
        until(lambda: run.stage.rows(ended, run.number)[0][0], 90, "the session's end", 0.5)
        self.second.stop()

    def after(self, run: Run) -> None:
        self.second.kill()


@fault("messages out of order", "messages")
class MessagesOutOfOrder(Fault):
    """Words of sessions that ended long ago, and of none that ever was, come late."""

    def click(self, run: Run, visitor: Visitor) -> None:
        old = run.stage.rows("SELECT number FROM validation_session ORDER BY id DESC LIMIT 3")
        self.old = [str(row[0]) for row in old]
        self.strike(run)
        super().click(run, visitor)

    def strike(self, run: Run) -> None:
        for number in [*self.old, "prelive_20200101_001"]:
            send(run.stage, number)


def send(stage: Stage, number: str) -> None:
    """Tell the workers once more that a session waits."""
    with Celery(broker=f"redis://127.0.0.1:{stage.valkey.port}/0") as app:
        task = "validation.tasks.execute_session"
        app.send_task(task, kwargs={"number": number}, queue="gateway")


def restart_with_clock(stage: Stage, process: Process, seconds: int) -> None:
    """Start a process again whose wall clock is so many seconds ahead."""
    process.kill()
    right = process.env
    wrong = {"LD_PRELOAD": str(shim(stage)), "CLOCK_SHIFT_S": str(seconds)}
    process.env = (right or {}) | wrong
    process.launch()
    process.env = right
    # Who comes late notices late, and that would say nothing about its clock.
    stage.await_workers()


def shim(stage: Stage) -> Path:
    """Build, once for a stage, the library that shifts a process's wall clock."""
    made = stage.home / "clock.so"
    if not made.exists():
        source = Path(__file__).with_name("clock.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-o", made, source, "-ldl"], check=True)
    return made
