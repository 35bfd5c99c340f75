"""Schedules are played side by side, each once, and a lane that dies takes only one with it."""

import sys
from pathlib import Path

import pytest

from tests.faults.lanes import played
from tests.faults.schedules import drawn

# A lane without a stage: it notes what it was asked for and answers, or dies of odd numbers.
LANE = """
import json, pathlib, sys
for line in sys.stdin:
    with pathlib.Path({note!r}).open("a") as note:
        note.write(line)
    schedule = json.loads(line)
    if {dies} and schedule["seed"] % 2:
        sys.exit(3)
    print(json.dumps({{"schedule": schedule, "violations": [], "compared": {{}}}}), flush=True)
"""


@pytest.fixture
def note(tmp_path: Path) -> Path:
    return tmp_path / "note"


def lanes_are(monkeypatch: pytest.MonkeyPatch, note: Path, *, dies: bool = False) -> None:
    program = LANE.format(note=str(note), dies=dies)
    monkeypatch.setattr("tests.faults.lanes.python", lambda *_: [sys.executable, "-c", program])


def test_every_schedule_is_played_once(monkeypatch: pytest.MonkeyPatch, note: Path) -> None:
    lanes_are(monkeypatch, note)
    schedules = drawn(1, 12)
    outcomes = list(played(schedules, 3, note.parent))
    assert sorted(one.schedule.seed for one in outcomes) == [one.seed for one in schedules]
    assert len(note.read_text().splitlines()) == 12


def test_a_lane_that_dies_is_a_violation_and_the_next_schedule_is_played(
    monkeypatch: pytest.MonkeyPatch, note: Path
) -> None:
    lanes_are(monkeypatch, note, dies=True)
    outcomes = {one.schedule.seed: one for one in played(drawn(1, 4), 1, note.parent)}
    assert [len(outcomes[seed].violations) for seed in sorted(outcomes)] == [0, 1, 0, 1]
    assert "the lane ended with 3" in outcomes[100_001].violations[0].text


def test_no_schedule_begins_after_a_campaign_was_broken_off(
    monkeypatch: pytest.MonkeyPatch, note: Path
) -> None:
    lanes_are(monkeypatch, note)
    outcomes = played(drawn(1, 2000), 2, note.parent)
    next(outcomes)
    outcomes.close()  # type: ignore[attr-defined]
    assert len(note.read_text().splitlines()) < 1000
