"""Carry out one scenario under its timeout and say how it ended."""

import traceback
from dataclasses import dataclass, replace

from brokerage.clock import SessionClock
from brokerage.errors import (
    GatewayConnectionError,
    GatewayError,
    GatewayTimeout,
    PortError,
    SafetyViolation,
)
from brokerage.withholding import withheld
from validation.models import AttemptState
from validation.scenarios.catalogue import Definition
from validation.scenarios.trial import SkipScenario, Trial, clean
from validation.verdicts import attempt_state

FLOOR_S = 12.0
LONGEST_TRACE = 20_000


@dataclass(frozen=True)
class Ending:
    """How a scenario ended.

    `halted` says that the whole session must stop for safety, `critical` that no session goes on
    if this went wrong; `trace` is the whole of an error of which `reason` is the short form.
    """

    state: AttemptState
    reason: str = ""
    halted: bool = False
    critical: bool = False
    trace: str = ""


async def carry_out(definition: Definition, trial: Trial) -> Ending:
    """Run the scenario's function to one of its honest ends; cancellation passes through.

    A faster clock leaves its time-out more real time: the limits inside have a floor, too.
    """
    guard = SessionClock(trial.clock.speed, floor=FLOOR_S)
    limit = guard.timeout(definition.timeout)
    try:
        async with limit:
            await definition.function(trial)
    except SkipScenario as skip:
        return Ending(AttemptState.SKIPPED, clean(str(skip)))
    except SafetyViolation as violation:
        text = clean(str(violation))
        return Ending(AttemptState.ERROR, text, halted=True, trace=traced(violation))
    except Exception as error:  # noqa: BLE001 - whatever it raises is the scenario's result
        if limit.expired():
            reason = f"It took longer than {definition.timeout:g} s."
            return Ending(AttemptState.TIMED_OUT, reason, trace=traced(error))
        if not isinstance(error, GatewayError):
            return Ending(AttemptState.ERROR, explain(error), trace=traced(error))
        _blame(trial, error)
        return replace(judge(trial), trace=traced(error))
    return judge(trial)


def _blame(trial: Trial, error: GatewayError) -> None:
    """Make a failed check of what the gateway did to a step that had none of its own."""
    name, expected = "gateway does what is asked", "no refusal"
    if isinstance(error, GatewayTimeout):
        name, expected = "gateway answers", "every request within its limit"
    elif isinstance(error, GatewayConnectionError):
        name, expected = "connection holds", "to the end"
    trial.check(name, expected, str(error), passed=False)


def judge(trial: Trial) -> Ending:
    """Return the verdict on a scenario that came to its end."""
    state = attempt_state(trial.checks)
    if state == AttemptState.ERROR:
        return Ending(state, "The scenario checked nothing.")
    failed = [check.name for check in trial.checks if check.required and not check.passed]
    return Ending(state, f"Failed: {', '.join(failed)}." if failed else "")


def explain(error: BaseException) -> str:
    """Return an error in words: a gateway's own sentences, else type, text and place."""
    if isinstance(error, PortError):
        return clean(str(error))
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].name}, line {frames[-1].lineno})" if frames else ""
    return clean(f"{type(error).__name__}: {error}{place}")[:2000]


def traced(error: BaseException) -> str:
    """Return the whole trace of an error with its causes; account ids and logins are withheld.

    Of one that is longer than 20,000 characters the end is kept, where it was raised.
    """
    text = "".join(traceback.format_exception(error))
    return clean(withheld(text))[-LONGEST_TRACE:]
