"""A process of a stage is never lost sight of, and its log is read from its own start on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.processes import Process, until


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    made = Process("speaker", ["sh", "-c", "echo ready; sleep 60"], tmp_path / "log")
    yield made
    made.kill()


def test_what_runs_is_not_started_a_second_time(process: Process) -> None:
    process.launch()
    with pytest.raises(AssertionError, match="runs already"):
        process.launch()


def test_what_an_earlier_life_said_does_not_count(process: Process) -> None:
    process.launch()
    until(lambda: "ready" in process.said(), 30, "the word")
    process.kill()
    process.command = ["sleep", "60"]
    process.launch()
    assert process.said() == ""
