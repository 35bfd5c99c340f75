"""Verdicts: how checks become results, when a session stops."""

from dataclasses import dataclass

import pytest

from validation.models import AttemptState as A
from validation.models import SessionState
from validation.verdicts import (
    REPEAT,
    Stop,
    Told,
    attempt_state,
    critical_stop,
    failure_share,
    latest,
    stop_now,
)


@dataclass(frozen=True)
class Row:
    passed: bool
    required: bool = True


@pytest.mark.parametrize(
    ("rows", "cleanup_ok", "state"),
    [
        ([Row(True)], True, A.PASSED),
        ([Row(True), Row(False)], True, A.FAILED),
        ([Row(True), Row(False, required=False)], True, A.PASSED),
        ([Row(True)], False, A.ERROR),
        ([], True, A.ERROR),
        ([Row(True, required=False)], True, A.ERROR),
    ],
)
def test_an_attempt_is_judged_by_its_required_checks(
    rows: list[Row], cleanup_ok: bool, state: A
) -> None:
    assert attempt_state(rows, cleanup_ok=cleanup_ok) == state


@pytest.mark.parametrize(
    ("bad", "planned", "stops"), [(5, 25, False), (6, 25, True), (3, 16, False), (4, 16, True)]
)
def test_more_than_a_fifth_of_the_plan_stops_the_session(
    bad: int, planned: int, stops: bool
) -> None:
    states = [A.FAILED] * bad + [A.PASSED]
    assert (stop_now(states, planned) is not None) == stops


def test_errors_and_timeouts_count_as_failures_and_skips_do_not() -> None:
    states = [A.FAILED, A.ERROR, A.TIMED_OUT, A.SKIPPED, A.ABORTED, A.PASSED]
    assert failure_share(states, 6) == 0.5
    assert failure_share(states, 0) == 0.0


def test_what_a_person_typed_gets_its_full_stop() -> None:
    told = Told("It ended.", "op aborted it: host restarts", "Start again!")
    assert str(told) == "It ended. op aborted it: host restarts. Start again!"


def test_fail_fast_stops_at_the_first_failure() -> None:
    assert stop_now([A.PASSED], 16, fail_fast=True) is None
    stop = stop_now([A.PASSED, A.FAILED], 16, fail_fast=True)
    assert isinstance(stop, Stop)
    assert stop.state == SessionState.BLOCKED


@pytest.mark.parametrize("state", [A.FAILED, A.ERROR, A.TIMED_OUT])
def test_a_critical_scenario_that_went_wrong_stops_and_names_its_checks(state: A) -> None:
    stop = critical_stop("OE-03", state, "Failed: after the cancel.")
    assert stop is not None
    assert (stop.state, stop.do) == (SessionState.BLOCKED, REPEAT)
    assert stop.why == "OE-03 went wrong, and nothing may run after that: Failed: after the cancel."


@pytest.mark.parametrize("state", [A.PASSED, A.SKIPPED, A.ABORTED])
def test_a_critical_scenario_that_did_not_go_wrong_stops_nothing(state: A) -> None:
    assert critical_stop("OE-03", state, "Outside of trading hours.") is None


def test_the_last_attempt_at_a_scenario_counts() -> None:
    rows = [("OE-01", 2, A.PASSED), ("OE-01", 1, A.FAILED), ("BC-01", 1, A.PASSED)]
    assert latest(rows) == {"OE-01": A.PASSED, "BC-01": A.PASSED}


def test_an_outcome_reads_as_three_sentences() -> None:
    assert str(Told("It ended.", "The gateway fell silent.", "")) == (
        "It ended. The gateway fell silent."
    )
