"""Run the watch beside a session's scenarios, and let what nobody can explain fail the session."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from django.utils import timezone

from brokerage import gateway
from brokerage.terms import SIMULATED, Target
from validation.configuration import Config
from validation.lease import Lease
from validation.models import Attempt, SessionState
from validation.observation import Observation
from validation.recorder import Recorder
from validation.scenarios.trial import Trial
from validation.verdicts import Stop
from validation.watch import Assignment, Watch
from validation.watch.notebook import Notebook
from validation.watch.process import Reconcile

# Where scenarios find the watch of their session, and facts what it has added up.
WATCH = "watch"
EXPLAIN = (
    "Find out who traded or what was lost, explain or correct each difference, then start a new "
    "session."
)
# Session seconds in which the gateway must be there for the last comparison.
END_S, STOPPED_S = 30.0, 10.0
WRONG_ACCOUNT = "Trade nothing. Find out which account the gateway is logged in to."


class Watched(Protocol):
    """What the watch must know of a session on its way."""

    lease: Lease
    target: Target
    config: Config
    recorder: Recorder
    facts: dict[str, Any]
    shared: dict[str, Any]
    attempt: Attempt | None
    trial: Trial | None
    observation: Observation | None


@asynccontextmanager
async def watching(job: Watched, decide: Callable[[Stop], None]) -> AsyncIterator[Watch]:
    """Watch while the block runs; `decide` hears that the gateway names another account."""

    def unsafe(why: str) -> None:
        decide(
            Stop(SessionState.HALTED, f"Safety violation seen by the watch: {why}", WRONG_ACCOUNT)
        )

    notebook = Notebook(
        job.lease.session_id, job.recorder.keep, lambda: job.attempt, partial(reset_window, job)
    )
    watch = Watch(
        Assignment(
            target=job.target, scope=job.lease.number, notebook=notebook, unsafe=unsafe,
            provoked=lambda: bool(job.trial and job.trial.planned),
            earlier=job.facts.get(WATCH, {}), reconcile=_reconciling(job.observation),
        )
    )  # fmt: skip
    job.shared[WATCH] = watch
    await watch.begin()
    try:
        yield watch
    finally:
        job.facts[WATCH] = await watch.stop()


def reset_window(job: Watched) -> str:
    """Name the reset window that a broker's gateway is in now; empty: in none."""
    if job.target.kind == SIMULATED:
        return ""
    now = timezone.now()
    return job.config.reset_between(now, now)


def _reconciling(observation: Observation | None) -> Reconcile:
    """Return how the books are compared: own orders, or those of others that are observed."""
    if observation is None:
        return gateway.reconcile
    return partial(gateway.reconcile_observed, keep=observation.keep)


async def conclude(watch: Watch, job: Watched, stop: Stop | None) -> Stop | None:
    """Compare for the last time and end the watch; return why the session must stop, if it must.

    One that stops anyway is compared too: where orders were cut off, differences are likeliest.
    """
    left = await watch.conclude(END_S if stop is None else STOPPED_S)
    job.facts[WATCH] = await watch.stop()
    if not left:
        return stop
    words = " ".join(condition.text for condition in left[:5])
    more = f" And {len(left) - 5} more." if len(left) > 5 else ""
    why = f"Own record, wire and broker differ, and nobody can explain it: {words}{more}"
    if stop is None:
        return Stop(SessionState.BLOCKED, why, EXPLAIN)
    return replace(stop, why=f"{stop.why} {why}", do=f"{stop.do} {EXPLAIN}")
