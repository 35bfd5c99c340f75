"""Play schedules on several stages side by side: most of a schedule's time is waiting."""

import queue
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from pathlib import Path

from tests.faults.conducting import Outcome
from tests.faults.lane import broken_down
from tests.faults.processes import ROOT, python
from tests.faults.results import read_outcome, written
from tests.faults.schedules import Schedule


class Lane:
    """A process with a stage of its own; one that ends before its time is started again."""

    def __init__(self, kept: Path) -> None:
        self._kept = kept
        self._process: subprocess.Popen[str] | None = None

    def play(self, schedule: Schedule) -> Outcome:
        """Return what came of a schedule, also when the process ends of it."""
        process = self._running()
        assert process.stdin
        assert process.stdout
        try:
            process.stdin.write(f"{written(schedule)}\n")
            process.stdin.flush()
            if line := process.stdout.readline():
                return read_outcome(line)
        except OSError:
            pass
        self.close()
        return broken_down(schedule, f"the lane ended with {process.returncode}")

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            program = f"from tests.faults.lane import main; main({str(self._kept)!r})"
            command = python(str(ROOT / "manage.py"), "shell", "-v0", "-c", program)
            self._process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        return self._process

    def close(self) -> None:
        """Let the process take its stage down and end."""
        if self._process is not None:
            self._process.communicate()
        self._process = None


def played(schedules: Sequence[Schedule], lanes: int, kept: Path) -> Iterator[Outcome]:
    """Yield the outcome of each schedule, in the order in which they come to their ends."""
    idle: queue.SimpleQueue[Lane] = queue.SimpleQueue()

    def play(schedule: Schedule) -> Outcome:
        lane = idle.get()
        try:
            return lane.play(schedule)
        finally:
            idle.put(lane)

    with ExitStack() as stack, ThreadPoolExecutor(lanes) as pool:
        for _ in range(min(lanes, len(schedules))):
            lane = Lane(kept)
            stack.callback(lane.close)
            idle.put(lane)
        try:
            for future in as_completed([pool.submit(play, one) for one in schedules]):
                yield future.result()
        finally:
            # Ended before its time: what is being played comes to its end, and no more begins.
            pool.shutdown(wait=False, cancel_futures=True)
