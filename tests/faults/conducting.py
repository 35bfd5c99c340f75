"""Conduct one schedule: strike a session with its faults, wait for its end, and judge."""

import random
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import time as time_of_day

import psycopg

from tests.faults import checker, collecting
from tests.faults.checker import Violation
from tests.faults.fault import FAULTS, Fault, Run
from tests.faults.history import History
from tests.faults.processes import NotReadyError, until
from tests.faults.schedules import Schedule
from tests.faults.stage import Stage
from tests.faults.witness import Witness
from validation.build import code_version
from validation.models import CleanupState
from validation.models.session import IN_FLIGHT

SETTLES_WITHIN_S = 150.0
# The gateway's day must not end in a schedule: at its midnight it forgets the day's executions.
LATEST = time_of_day(20, 0)
WAITING = (CleanupState.PENDING, CleanupState.FAILED)


@dataclass
class Outcome:
    """What came of a schedule."""

    schedule: Schedule
    violations: list[Violation]
    state: str = ""
    detection_s: float | None = None
    seconds: float = 0.0
    missed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    compared: Counter[str] = field(default_factory=Counter)
    build: str = ""
    why: str = ""

    @property
    def result(self) -> str:
        """The result in a line."""
        words = f"→ {self.state or 'no session'} in {self.seconds:.0f} s"
        if self.detection_s is not None:
            words += f", noticed after {self.detection_s:.1f} s"
        return f"{words}, {len(self.violations) or 'no'} violations"


def conduct(stage: Stage, schedule: Schedule) -> Outcome:
    """Play a schedule to its end and judge it; the stage is whole again afterwards."""
    began = time.monotonic()
    make_whole(stage)
    begin_days(stage)
    chance = random.Random(schedule.seed)
    run = Run(stage, chance, schedule.scenarios)
    faults = [FAULTS[blow.fault]() for blow in schedule.blows]
    visitor = stage.operator()
    since = collecting.mark(stage)
    missed: list[str] = []
    with Witness(stage, since) as witness:
        for one in faults:
            one.restart(run)
        for one in faults:
            one.before(run)
        _clicker(faults).click(run, visitor)
        for one, blow in zip(faults, schedule.blows, strict=True):
            if not one.play(run, blow.moment):
                missed.append(blow.fault)
        make_whole(stage)
        settled = _settle(run)
    for one in faults:
        one.after(run)
    history = _collect(stage, since, witness, run, blind=any(one.blinds for one in faults))
    violations = checker.judge(history)
    if not settled:
        violations.append(Violation("no end", f"not settled within {SETTLES_WITHIN_S:g} s"))
    return Outcome(
        schedule, violations, history.session.state if history.session else "",
        history.witnessed.detection_s, time.monotonic() - began, missed, run.notes,
        compared(history), code_version(), history.session.outcome if history.session else "",
    )  # fmt: skip


def compared(history: History) -> Counter[str]:
    """Count what there was to compare: a checker that is given nothing finds nothing."""
    return Counter(
        {
            "orders on the wire": len(history.broker.placed),
            "executions": len(history.broker.executions),
            "checks": len(history.checks),
            "log lines and metrics": len(history.lines),
            "ledger entries": len(history.entries),
            "rows seen committed": len(history.witnessed.rows),
        }
    )


def _clicker(faults: list[Fault]) -> Fault:
    """The fault that has a click of its own, else the first."""
    own = [one for one in faults if type(one).click is not Fault.click]
    return (own or faults)[0]


def _collect(
    stage: Stage, since: collecting.Mark, witness: Witness, run: Run, *, blind: bool
) -> History:
    # While broker, database or beat were away nobody could notice anything.
    return collecting.collect(stage, since, witness.saw(None if blind else run.lost_at))


def _settle(run: Run) -> bool:
    """Wait until the session has ended, nobody holds it and its clean-up is through."""
    try:
        until(lambda: _settled(run), SETTLES_WITHIN_S, run.number, 0.2)
    except NotReadyError as error:
        run.notes.append(str(error))
        return False
    return True


def _settled(run: Run) -> bool:
    with suppress(psycopg.Error):
        sql = "SELECT state, lease_until, cleanup FROM validation_session WHERE number = %s"
        ((state, lease, cleanup),) = run.stage.rows(sql, run.number)
        return state not in IN_FLIGHT and lease is None and cleanup not in WAITING
    return False


def begin_days(stage: Stage) -> None:
    """Give every gateway whose day is nearly over another life, before anything is marked."""
    for gateway in stage.gateways:
        if gateway.now().time() > LATEST:
            assert gateway.process
            gateway.process.stop()
            gateway.start()


def make_whole(stage: Stage) -> None:
    """Heal every line and fault and start every process that does not run."""
    for line in stage.lines:
        line.restore()
    stage.postgres.ensure()
    stage.valkey.ensure()
    for gateway in stage.gateways:
        gateway.heal()
    for process in stage.processes:
        if not process.running:
            process.launch()
    stage.web.await_ready()
    stage.await_workers()
