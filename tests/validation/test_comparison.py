"""Comparing two sessions: what changed, and how each scenario stands against the earlier one."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from validation.comparison import (
    Measured,
    Outcome,
    Run,
    ScenarioRun,
    Standing,
    compare,
)
from validation.statistics import Interval

P, F, S = "PASSED", "FAILED", "SKIPPED"


def scenario(*states: str, version: str = "v1", **checks: bool) -> ScenarioRun:
    told = {name: (holds, "seen") for name, holds in checks.items()}
    return ScenarioRun("X", "Title", version, [Outcome(state, told) for state in states])


def run(found: ScenarioRun | None = None, **changes: Any) -> Run:
    plain = Run(
        number="S", kind="FULL", build="b1", config_number=1, config_sha256="c1",
        config={"thresholds": {"ack": 5}, "limits": {"max": 1}}, seed=7,
        scenarios={"X": found} if found else {}, metrics={},
    )  # fmt: skip
    return replace(plain, **changes)


def standing(before: Sequence[str], after: Sequence[str], **changes: Any) -> Standing:
    """How X stands, after a change of build unless told otherwise."""
    old = run(scenario(*before) if before else None)
    new = run(scenario(*after) if after else None, **({"build": "b2"} | changes))
    return compare(old, new).scenarios[0].standing


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ([P], [P], Standing.SAME),
        ([P], [F], Standing.NEW),
        ([P], ["TIMED_OUT"], Standing.NEW),
        ([S], ["ERROR"], Standing.NEW),
        ([F], [P], Standing.FIXED),
        ([F], ["ERROR"], Standing.STILL_FAILING),
        ([P], [S], Standing.NOT_RUN),
        ([F], ["ABORTED"], Standing.NOT_RUN),
        ([S], [S], Standing.SAME),
        ([], [P], Standing.ADDED),
        ([], [F], Standing.ADDED),
        ([P], [], Standing.REMOVED),
        ([P], [F, P], Standing.FLAKY),
        ([F, P], [P], Standing.SAME),
        ([F, P], [F], Standing.NEW),
    ],
)
def test_how_a_scenario_stands(
    before: Sequence[str], after: Sequence[str], wanted: Standing
) -> None:
    assert standing(before, after) == wanted


@pytest.mark.parametrize(("before", "after"), [([P], [F]), ([F], [P]), ([F, P], [P])])
def test_both_outcomes_of_the_same_trial_are_flaky(
    before: Sequence[str], after: Sequence[str]
) -> None:
    assert standing(before, after, build="b1") == Standing.FLAKY


@pytest.mark.parametrize(
    "changes", [{"build": "b2"}, {"config_sha256": "c2"}, {"seed": 8}, {"seed": None}]
)
def test_another_build_config_or_seed_is_no_flakiness(changes: dict[str, Any]) -> None:
    assert standing([P], [F], **({"build": "b1"} | changes)) == Standing.NEW


def test_another_scenario_version_is_no_flakiness() -> None:
    found = compare(run(scenario(P)), run(scenario(F, version="v2")))
    assert found.scenarios[0].standing == Standing.NEW
    assert [one.id for one in found.versions] == ["X"]


def test_an_unknown_build_proves_nothing() -> None:
    old, new = run(scenario(P), build="unknown"), run(scenario(F), build="unknown")
    assert compare(old, new).scenarios[0].standing == Standing.NEW


def test_a_pass_on_retry_is_amber_and_says_so() -> None:
    assert scenario(F, P).amber
    assert scenario(F, P).word == "Passed on retry"
    assert not scenario(P).amber
    assert not scenario("ABORTED", P).amber


def test_config_changes_are_told_by_field_thresholds_apart() -> None:
    after = run(config={"thresholds": {"ack": 9}, "limits": {"max": 2}, "new": True})
    found = compare(run(), after)
    assert [(one.path, one.before, one.after) for one in found.thresholds] == [
        ("thresholds.ack", 5, 9)
    ]
    assert [one.path for one in found.settings] == ["limits.max", "new"]


def test_checks_that_turned_or_came_are_named() -> None:
    old = run(scenario(P, fresh=True, right=True, gone=True))
    new = run(scenario(F, fresh=False, right=True, added=True), build="b2")
    changes = compare(old, new).scenarios[0].checks
    assert [(one.path, one.before, one.after) for one in changes] == [
        ("fresh", "passed: seen", "failed: seen"),
        ("gone", "passed: seen", None),
        ("added", None, "passed: seen"),
    ]


def test_the_gravest_comes_first() -> None:
    before = {name: scenario(state) for name, state in (("A", P), ("B", P), ("C", F), ("D", F))}
    after = {name: scenario(state) for name, state in (("A", P), ("B", F), ("C", F), ("D", P))}
    found = compare(run(scenarios=before), run(scenarios=after, build="b2"))
    assert [one.id for one in found.scenarios] == ["B", "C", "D", "A"]
    assert [count for _, count in found.counts()] == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("before", "after", "apart"),
    [
        ([1.0, 1.1, 0.9, 1.0], [5.0, 5.1, 4.9, 5.0], True),
        ([5.0, 5.1, 4.9, 5.0], [1.0, 1.1, 0.9, 1.0], True),
        ([1.0, 9.0], [2.0, 8.0], False),
        ([1.0], [100.0], None),
    ],
)
def test_metrics_are_told_apart_by_their_intervals(
    before: list[float], after: list[float], apart: bool | None
) -> None:
    old, new = run(metrics={"m": Measured("ms", before)}), run(metrics={"m": Measured("ms", after)})
    (found,) = compare(old, new).metrics
    assert found.apart is apart
    assert found.ratio == pytest.approx(sum(after) / len(after) / (sum(before) / len(before)))


def test_a_given_interval_counts_and_a_missing_side_stays_missing() -> None:
    old = run(metrics={"m": Measured("ms", [1.0], Interval(0.5, 1.5), 40)})
    new = run(metrics={"m": Measured("ms", [3.0], Interval(2.0, None), 40), "n": Measured("", [])})
    first, second = compare(old, new).metrics
    assert (first.apart, first.before and first.before.n) == (True, 40)
    assert (second.before, second.ratio, second.apart) == (None, None, None)
