"""Run a session's scenarios one after the other, in one event loop, under a lease."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from asgiref.sync import sync_to_async
from django.utils import timezone

from brokerage import gateway
from brokerage.calendar import is_regular_hours, order_window_open
from brokerage.clock import SessionClock
from brokerage.errors import GatewayError, SafetyViolation
from brokerage.gateway import Desk
from brokerage.safety import Door
from brokerage.terms import Target
from crucible.alerts.raising import raise_alert
from crucible.correlation import correlated
from validation import bookkeeping, preflight
from validation.cleanup import Cleaned, clean_up
from validation.configuration import Config
from validation.host_watch import host_watched
from validation.lease import RENEW_EVERY_S, Lease, StaleToken, fence, renew
from validation.models import Attempt, AttemptState, CleanupState, SessionState
from validation.observation import OBSERVATION, Observation
from validation.recorder import Recorder
from validation.scenarios.catalogue import FAULTS, MARKET_HOURS, ORDERS, Definition
from validation.scenarios.trial import Trial, TrialListener
from validation.trials import Ending, carry_out, explain, traced
from validation.verdicts import CRITICAL, Stop, critical_stop, stop_now
from validation.watch import Watch
from validation.watching import conclude, reset_window, watching

logger = logging.getLogger(__name__)
PULSE_S = 1.0
Watcher = Callable[[Attempt, Trial | None], None]


@dataclass
class Control:
    """What the outside has decided meanwhile: go on, stop, or the lease is gone."""

    stop: Stop | None = None
    lost: StaleToken | None = None
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    def decide(self, stop: Stop | None) -> None:
        """Take over a reason to stop; the first one stands."""
        if stop is not None and self.stop is None:
            self.stop = stop
            self.wake.set()

    def lose(self, error: StaleToken) -> None:
        """Note that nothing may be written any more."""
        self.lost = error
        self.wake.set()

    def check(self) -> None:
        """Raise StaleToken when the lease is gone."""
        if self.lost is not None:
            raise self.lost


@dataclass
class Run:
    """One session on its way: what is planned, where, and what was seen around the scenarios."""

    lease: Lease
    plan: list[tuple[Attempt, Definition]]
    target: Target
    config: Config
    grant_id: int | None
    fail_fast: bool
    verbose: bool
    planned: int
    states: dict[str, str]
    recorder: Recorder
    control: Control
    hours_required: bool = True
    observation: Observation | None = None
    watcher: Watcher | None = None
    shared: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    pausing: bool = False
    concluded: bool = False
    attempt: Attempt | None = None
    trial: Trial | None = None

    def count(self, name: str) -> None:
        """Count one more of something."""
        self.facts[name] = self.facts.get(name, 0) + 1


async def run(lease: Lease, watcher: Watcher | None = None) -> None:
    """Take the claimed session through its preflight, if it needs one, and run it to its end.

    When the lease is lost, it stops writing at once.
    """
    recorder, control = Recorder(lease), Control()
    try:
        async with _beating(lease, recorder, control):
            if not await _prepared(lease, control):
                return
            work = await sync_to_async(bookkeeping.open_run)(lease)
            job = Run(lease=lease, recorder=recorder, control=control, watcher=watcher, **work)
            with fence(lease):
                await _carry_out(job)
    except StaleToken as error:
        logger.warning("%s: stopped, somebody else has taken the session", error)


@asynccontextmanager
async def _beating(lease: Lease, recorder: Recorder, control: Control) -> AsyncIterator[None]:
    with correlated(session=lease.number):
        pulse = asyncio.create_task(_pulse(lease, recorder, control))
        try:
            yield
        finally:
            pulse.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await pulse


async def _prepared(lease: Lease, control: Control) -> bool:
    """Make the preflight; what comes from outside meanwhile ends it."""
    task = asyncio.ensure_future(preflight.prepare(lease))
    if await _first(control, task):
        return task.result()
    control.check()
    if control.stop is not None:
        await sync_to_async(bookkeeping.give_up)(lease, control.stop)
    return False


async def _first(control: Control, task: "asyncio.Future[Any]") -> bool:
    """Await a task unless the outside wants a stop, which cancels it; say whether it ended."""
    waker = asyncio.ensure_future(control.wake.wait())
    try:
        await asyncio.wait({task, waker}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return True
        task.cancel()
        await asyncio.wait({task})
        return False
    finally:
        waker.cancel()
        task.cancel()


async def _carry_out(job: Run) -> None:
    if "opening_balance" not in job.facts:
        await _read_balance(job, "opening_balance")
    job.shared[OBSERVATION] = job.observation
    async with host_watched(job.facts), watching(job, job.control.decide) as watch:
        stop = await _scenarios(job, watch)
        if job.pausing and stop is None:
            stop = await _pause(job, watch)
            if stop is None:
                return
        await _end(job, watch, stop)


async def _pause(job: Run, watch: Watch) -> Stop | None:
    """Leave nothing behind that works or is held, then pause; return why it must stop instead."""
    cleaned = await clean_up(job.target, job.lease.number)
    job.recorder.line(f"Clean-up before the pause: {cleaned.note}", source="clean-up")
    stop, job.concluded = await conclude(watch, job, None), True
    if stop is not None:
        return stop
    job.control.check()
    await job.recorder.settle()
    return await sync_to_async(bookkeeping.enter_pause)(job.lease, cleaned, job.facts)


async def _pulse(lease: Lease, recorder: Recorder, control: Control) -> None:
    """Each second write what was collected and look for orders from outside; renew in time."""
    loop = asyncio.get_running_loop()
    renewed = loop.time()
    while True:
        await asyncio.sleep(PULSE_S)
        try:
            if loop.time() - renewed >= RENEW_EVERY_S:
                await sync_to_async(renew)(lease)
                renewed = loop.time()
            await recorder.flush()
            control.decide(await sync_to_async(bookkeeping.look_outside)(lease))
        except StaleToken as error:
            control.lose(error)
            return
        except Exception:
            # The pulse outlives every fault: by it the kill switch and an abort are heard.
            logger.exception("%s: the database did not answer", lease.number)


async def _scenarios(job: Run, watch: Watch) -> Stop | None:
    """Run what is planned; return why it stopped early, if it did."""
    for attempt, definition in job.plan:
        job.control.check()
        if job.control.stop is not None:
            return job.control.stop
        if window := reset_window(job):
            return _resets(window)
        if await sync_to_async(bookkeeping.wants_pause)(job.lease):
            job.pausing = True
            return None
        ending = await _one(job, watch, attempt, definition)
        job.states[definition.id] = ending.state
        if ending.halted or await sync_to_async(bookkeeping.saw_live_account)(job.lease):
            return _unsafe(definition.id, ending.reason or "not a paper account")
        stop = _too_bad(job, definition, ending)
        if stop is not None and job.control.stop is None:
            return stop
    return job.control.stop


def _too_bad(job: Run, definition: Definition, ending: Ending) -> Stop | None:
    """Return why nothing may follow this outcome, or None: a critical scenario, or too many."""
    if ending.critical and (stop := critical_stop(definition.id, ending.state, ending.reason)):
        return stop
    share = job.config.validation.max_failure_share
    return stop_now(job.states.values(), job.planned, share=share, fail_fast=job.fail_fast)


def _resets(window: str) -> Stop:
    why = f"The gateway's reset window has begun: {window}. What fails in it says nothing."
    return Stop(SessionState.ABORTED, why, "Start a new session when the window is over.")


def _unsafe(where: str, why: str) -> Stop:
    do = "Trade nothing. Find out which account the gateway is logged in to."
    return Stop(SessionState.HALTED, f"Safety violation in {where}: {why}", do)


async def _one(job: Run, watch: Watch, attempt: Attempt, definition: Definition) -> Ending:
    """Give one attempt its run, its clean-up and its end."""
    if reason := _unmet(definition, job):
        ending = Ending(AttemptState.SKIPPED, reason)
        await _finish(job, attempt, ending, None, None)
        return ending
    await sync_to_async(bookkeeping.start_attempt)(job.lease, attempt)
    _tell(job, attempt, None)
    clock = SessionClock(job.target.speed)
    began = clock.wall_ms()
    trial = _trial(job, attempt, clock)
    job.attempt, job.trial = attempt, trial
    with correlated(scenario=attempt.scenario):
        ending = await _interruptible(job, _attempt(job, watch, definition, trial))
    if definition.wants(ORDERS):
        ending = await _clean_after(job, attempt, ending)
    critical = definition.severity == CRITICAL or trial.critical
    ending = replace(ending, critical=critical)
    job.attempt = job.trial = None
    await _finish(job, attempt, ending, trial, round(clock.wall_ms() - began))
    return ending


def _trial(job: Run, attempt: Attempt, clock: SessionClock) -> Trial:
    async def alert(title: str, text: str, severity: str) -> None:
        await sync_to_async(bookkeeping.tell_people)(
            job.lease, attempt, title, text, severity=severity, drill=trial.planned
        )

    trial = Trial(
        target=job.target, config=job.config, ref=f"{job.lease.number}/{attempt.scenario}",
        clock=clock, sink=job.recorder.sink(attempt), raise_alert=alert, shared=job.shared,
        documented_positions=" ".join(job.config.paper_trading.documented_positions),
        verbose=job.verbose,
    )  # fmt: skip
    return trial


async def _attempt(job: Run, watch: Watch, definition: Definition, trial: Trial) -> Ending:
    """Give the scenario its desk and its faults and carry it out; no fault outlives it."""
    if definition.wants(FAULTS):
        trial.fault_switches = gateway.switches(job.target)
    try:
        return await _connected(job, watch, definition, trial)
    finally:
        await trial.end_faults()


async def _connected(job: Run, watch: Watch, definition: Definition, trial: Trial) -> Ending:
    """Connect if the scenario wants a desk, then carry it out."""
    if definition.own_connection:
        return await carry_out(definition, trial)
    orders = definition.wants(ORDERS)
    try:
        async with _desk(job, readonly=not orders, trial=trial) as desk, watch.over(desk):
            trial.connection = desk
            trial.order_door = Door(job.grant_id, trial.clock) if orders else None
            ending = await carry_out(definition, trial)
            if orders:
                await watch.look_at(desk)
            return ending
    except SafetyViolation as violation:
        text = str(violation)
        return Ending(AttemptState.ERROR, text, halted=True, trace=traced(violation))
    except GatewayError as error:
        reason = f"No connection: {explain(error)}"
        return Ending(AttemptState.ERROR, reason, trace=traced(error))


@asynccontextmanager
async def _desk(job: Run, *, readonly: bool, trial: Trial | None = None) -> AsyncIterator[Desk]:
    options: dict[str, Any] = {"timeout": job.config.gateway.timeout, "readonly": readonly}
    if trial is not None:
        options |= {"listener": TrialListener(trial), "clock": trial.clock}
    async with gateway.connect(job.target, **options) as desk:
        job.count("connections_opened")
        yield desk
    job.count("connections_released")


async def _interruptible(job: Run, work: Coroutine[Any, Any, Ending]) -> Ending:
    """Await the work, unless the outside wants the session to stop: then cancel it."""
    task = asyncio.ensure_future(work)
    if await _first(job.control, task):
        return task.result()
    job.control.check()
    why = job.control.stop.why if job.control.stop else "The session was stopped."
    return Ending(AttemptState.ABORTED, why)


async def _clean_after(job: Run, attempt: Attempt, ending: Ending) -> Ending:
    """Cancel and flatten what the attempt left; a failure makes it an ERROR with an alert."""
    # Whoever woke up after its lease was taken leaves the clean-up to the new owner.
    await sync_to_async(renew)(job.lease)
    cleaned = await clean_up(job.target, f"{job.lease.number}/{attempt.scenario}")
    job.recorder.line(f"Clean-up of {attempt.scenario}: {cleaned.note}", source="clean-up")
    if cleaned.ok:
        return ending
    await sync_to_async(raise_alert)(
        "cleanup-failed", f"Clean-up of {attempt.scenario} failed", cleaned.note,
        severity="CRITICAL", ref=job.lease.number,
    )  # fmt: skip
    note = f"Clean-up failed: {cleaned.note}"
    return replace(ending, state=AttemptState.ERROR, reason=note)


async def _finish(
    job: Run, attempt: Attempt, ending: Ending, trial: Trial | None, ms: int | None
) -> None:
    job.control.check()
    await job.recorder.settle()
    await sync_to_async(bookkeeping.finish_attempt)(job.lease, attempt, ending, ms)
    _tell(job, attempt, trial)


def _tell(job: Run, attempt: Attempt, trial: Trial | None) -> None:
    if job.watcher is not None:
        job.watcher(attempt, trial)


def _unmet(definition: Definition, job: Run) -> str:
    """Return why the scenario can't start now, or nothing."""
    if definition.wants(FAULTS) and gateway.switches(job.target) is None:
        return "Faults are switched on a simulated gateway with a control port only."
    if job.target.always_open:
        return ""
    now = timezone.now()
    if definition.wants(ORDERS) and not order_window_open(now):
        return "Orders start in regular trading hours only, not in the last 15 minutes."
    if definition.wants(MARKET_HOURS) and job.hours_required and not is_regular_hours(now):
        return "The exchange is closed, and the scenario needs regular trading hours."
    return ""


async def _read_balance(job: Run, name: str) -> None:
    """Note the account's net liquidation value in USD; a gateway that fails is the scenarios'."""
    try:
        async with _desk(job, readonly=True) as desk:
            summary = await desk.account_summary()
            job.facts[name] = summary.values.get("NetLiquidation")
    except SafetyViolation as violation:
        job.control.decide(_unsafe("reading the balance", str(violation)))
    except GatewayError as error:
        job.recorder.line(f"The balance could not be read: {error}", "WARNING")


async def _end(job: Run, watch: Watch, stop: Stop | None) -> None:
    """Clean up after the whole session, then hand it to people, or end it before its time."""
    await job.recorder.flush()
    needed = await sync_to_async(bookkeeping.enter_cleanup)(job.lease)
    cleaned = Cleaned(True, "No order scenario ran.")
    if needed == CleanupState.PENDING:
        cleaned = await clean_up(job.target, job.lease.number)
        job.recorder.line(f"Clean-up of the session: {cleaned.note}", source="clean-up")
    if stop is None:
        await _read_balance(job, "closing_balance")
        stop = job.control.stop
    if not job.concluded:
        stop = await conclude(watch, job, stop)
    job.control.check()
    await job.recorder.settle()
    await sync_to_async(bookkeeping.close_run)(job.lease, stop, cleaned, job.facts)
