"""The results as text in the style of pytest's own report: rendered from what is stored."""

from collections.abc import Iterator

from validation.artefacts.junit import failures
from validation.artefacts.markup import moment
from validation.facts import Facts
from validation.models import Attempt, AttemptState

WIDTH = 80
A = AttemptState
WORDS = {A.PASSED: "PASSED", A.FAILED: "FAILED", A.ERROR: "ERROR", A.TIMED_OUT: "ERROR"}
SUMMARY = (("failed", "FAILED"), ("passed", "PASSED"), ("skipped", "SKIPPED"), ("error", "ERROR"))


def pytest_text(facts: Facts) -> str:
    """Return one line for each scenario with its outcome, the failures, and the summary."""
    return "\n".join([*_head(facts), *_outcomes(facts), *_details(facts), _summary(facts)]) + "\n"


def _head(facts: Facts) -> Iterator[str]:
    session = facts.session
    yield _rule("test session starts")
    label = " SIMULATED" if session.simulated else ""
    yield f"session {session.number}{label}, gateway {session.endpoint_name}"
    yield f"code version {session.code_version}, configuration revision {session.config.number}"
    yield f"started {moment(session.started_at)}"
    yield f"collected {len(facts.counted)} items"
    yield ""


def _outcomes(facts: Facts) -> Iterator[str]:
    total = len(facts.counted)
    for number, attempt in enumerate(facts.counted, start=1):
        share = f"[{number * 100 // total:3d}%]"
        again = f" (attempt {attempt.number})" if attempt.number > 1 else ""
        line = f"{_name(attempt)} {_word(attempt)}{again}"
        yield f"{line:<{WIDTH - len(share) - 1}} {share}"
    yield ""


def _details(facts: Facts) -> Iterator[str]:
    bad = [attempt for attempt in facts.counted if _word(attempt) in {"FAILED", "ERROR"}]
    skipped = [attempt for attempt in facts.counted if _word(attempt) == "SKIPPED"]
    if bad:
        yield _rule("FAILURES")
    for attempt in bad:
        yield _rule(_name(attempt), "_")
        yield from (f"E   {line}" for line in failures(facts.checks_of(attempt)))
        yield from (f"    {line}" for line in attempt.reason.splitlines())
        yield ""
    if bad or skipped:
        yield _rule("short test summary info")
    yield from (f"{_word(one)} {_name(one)} - {_first_line(one)}" for one in [*bad, *skipped])


def _summary(facts: Facts) -> str:
    found = [_word(attempt) for attempt in facts.counted]
    counts = [f"{found.count(word)} {name}" for name, word in SUMMARY if word in found]
    seconds = sum(attempt.duration_ms or 0 for attempt in facts.counted) / 1000
    return _rule(f"{', '.join(counts) or 'no tests ran'} in {seconds:.2f}s")


def _name(attempt: Attempt) -> str:
    return f"{attempt.category}::{attempt.scenario}::{attempt.slug}"


def _word(attempt: Attempt) -> str:
    return WORDS.get(A(attempt.state), "SKIPPED")


def _first_line(attempt: Attempt) -> str:
    return (attempt.reason.splitlines() or [A(attempt.state).label])[0]


def _rule(text: str, mark: str = "=") -> str:
    return f" {text} ".center(WIDTH, mark)
