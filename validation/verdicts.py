"""Judge: what checks make of an attempt, when a session must stop, how it ends. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from validation.models.run import AttemptState
from validation.models.session import SessionState

BAD = (AttemptState.FAILED, AttemptState.ERROR, AttemptState.TIMED_OUT)
CRITICAL = "S-CRIT"


class Judged(Protocol):
    """A comparison that was made."""

    @property
    def passed(self) -> bool:
        """Whether it holds."""

    @property
    def required(self) -> bool:
        """Whether the verdict depends on it."""


@dataclass(frozen=True)
class Told:
    """What happened, why, and what to do next: a sentence each."""

    what: str
    why: str
    do: str

    def __str__(self) -> str:
        return " ".join(sentence(part) for part in (self.what, self.why, self.do) if part)


def sentence(text: str) -> str:
    """Return a text that a person may have typed with the full stop that it lacks."""
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


@dataclass(frozen=True)
class Stop:
    """Why a session must not go on, and the state in which it ends."""

    state: SessionState
    why: str
    do: str
    actor: str = "worker"


def attempt_state(checks: Sequence[Judged], *, cleanup_ok: bool = True) -> AttemptState:
    """Judge a scenario that came to its end.

    ERROR when its clean-up failed or when it checked nothing that counts; FAILED when a required
    check is false; else PASSED.
    """
    required = [check for check in checks if check.required]
    if not cleanup_ok or not required:
        return AttemptState.ERROR
    return AttemptState.PASSED if all(check.passed for check in required) else AttemptState.FAILED


def failure_share(states: Iterable[str], planned: int) -> float:
    """Return failed, errored and timed-out scenarios as a share of all planned ones."""
    return sum(state in BAD for state in states) / planned if planned else 0.0


def stop_now(
    states: Iterable[str], planned: int, *, share: float = 0.20, fail_fast: bool = False
) -> Stop | None:
    """Return why a session must stop after these outcomes, or None.

    Strictly more than `share` of the planned scenarios went wrong, or, with `fail_fast`, one did.
    """
    states = list(states)
    bad = sum(state in BAD for state in states)
    if fail_fast and bad:
        why = "A scenario went wrong, and the session was to stop at the first failure."
        return Stop(SessionState.BLOCKED, why, REPEAT)
    # Whole numbers: 0.2 * 25 is not exactly 5 in every arithmetic.
    if planned and bad > share * planned + 1e-9:
        why = f"{bad} of {planned} planned scenarios went wrong: more than {share:.0%}."
        return Stop(SessionState.BLOCKED, why, REPEAT)
    return None


def latest(attempts: Iterable[tuple[str, int, str]]) -> Mapping[str, str]:
    """Return the state of each scenario's last attempt, given (scenario, number, state)."""
    found: dict[str, tuple[int, str]] = {}
    for scenario, number, state in attempts:
        if scenario not in found or number > found[scenario][0]:
            found[scenario] = (number, state)
    return {scenario: state for scenario, (_, state) in found.items()}


def critical_stop(scenario: str, state: str, reason: str) -> Stop | None:
    """Return why a session must stop after a critical scenario's outcome, or None.

    Critical is one of severity S-CRIT, and one with a failed check that is. A skip stops nothing.
    """
    if state not in BAD:
        return None
    why = f"{scenario} went wrong, and nothing may run after that: {sentence(reason)}"
    return Stop(SessionState.BLOCKED, why, REPEAT)


REPEAT = "Read the failed scenarios, remove the cause, then start a new session."
