"""The hang rule: twice the expected time in the session's seconds, and no sooner."""

from datetime import UTC, datetime, timedelta

import pytest

from validation.hanging import overdue_since
from validation.models import Attempt, AttemptState

BEGAN = datetime(2026, 3, 2, 15, 30, tzinfo=UTC)


def running(expected: float | None = 60.0, **changes: object) -> Attempt:
    kept = {"state": AttemptState.RUNNING, "started_at": BEGAN, "expected_s": expected} | changes
    return Attempt(scenario="BC-06", timeout_s=150, **kept)


@pytest.mark.parametrize(
    ("speed", "after", "due"),
    [(1, 120.5, 120), (1, 119, None), (5, 24.5, 24), (5, 23, None), (60, 12.5, 12), (60, 11, None)],
)
def test_an_attempt_is_overdue_after_twice_the_expected_session_seconds(
    speed: float, after: float, due: float | None
) -> None:
    since = overdue_since(running(), speed, BEGAN + timedelta(seconds=after))
    assert since == (None if due is None else BEGAN + timedelta(seconds=due))


@pytest.mark.parametrize(
    "attempt",
    [
        running(state=AttemptState.PASSED),
        running(state=AttemptState.PENDING, started_at=None),
        running(expected=None),
    ],
)
def test_nothing_else_is_overdue(attempt: Attempt) -> None:
    assert overdue_since(attempt, 1.0, BEGAN + timedelta(days=1)) is None
