"""The hang rule: what runs longer than twice the time that it should take is overdue (SC-07)."""

from datetime import datetime, timedelta

from django.utils import timezone

from brokerage.clock import SessionClock
from validation.models import Attempt, AttemptState
from validation.trials import FLOOR_S

# How often the expected time must have passed before a person may take an attempt for hung.
HANG_FACTOR = 2.0


def due_at(attempt: Attempt, speed: float) -> datetime | None:
    """Return when the attempt is overdue, or would be; None if it has not begun or names no time.

    `speed` is the session's: its seconds are that much shorter than ours, with the time-out's floor
    under them, so that a busy machine is not taken for a hung scenario.
    """
    if attempt.started_at is None or attempt.expected_s is None:
        return None
    clock = SessionClock(speed, floor=FLOOR_S)
    return attempt.started_at + timedelta(seconds=clock.wall(HANG_FACTOR * attempt.expected_s))


def overdue_since(attempt: Attempt, speed: float, now: datetime | None = None) -> datetime | None:
    """Return since when the running attempt is overdue; None when it is not."""
    due = due_at(attempt, speed) if attempt.state == AttemptState.RUNNING else None
    return due if due is not None and due < (now or timezone.now()) else None
