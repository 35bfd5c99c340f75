"""Watch a running schedule from outside: what was committed when, and how states moved."""

import contextlib
import threading
import time
from typing import Self

import psycopg

from tests.faults.collecting import Mark, kept
from tests.faults.history import Seen, Witnessed
from tests.faults.reading import Reader
from tests.faults.stage import Stage
from validation.models.session import IN_FLIGHT, SessionState

PAUSE_S = 0.1


class Witness:
    """Reads the database ten times a second; a database that is away is simply not seen."""

    def __init__(self, stage: Stage, since: Mark) -> None:
        self.reader, self.since = Reader(stage.postgres.url), since
        self.ended_at: float | None = None
        self._rows: set[Seen] = set()
        self._tokens: list[int] = []
        self._states: list[str] = []
        self._results: dict[int, str] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        self._thread.join(30)
        # Whoever waited for the end may have seen it first.
        self._look_if_it_answers()
        self.reader.close()

    def _watch(self) -> None:
        while not self._over.wait(PAUSE_S):
            self._look_if_it_answers()

    def _look_if_it_answers(self) -> None:
        with contextlib.suppress(psycopg.Error, OSError):
            self._look()

    def _look(self) -> None:
        self._rows |= kept(self.reader, self.since)
        found = self.reader.rows(
            "SELECT state, token FROM validation_session WHERE id > %s ORDER BY id DESC LIMIT 1",
            self.since.rows["validation_session"],
        )
        for state, token in found:
            self._note(state, token)
        results = self.reader.rows(
            "SELECT a.id, a.state FROM validation_attempt a JOIN validation_session s "
            "ON s.id = a.session_id WHERE s.id > %s AND a.ended_at IS NOT NULL",
            self.since.rows["validation_session"],
        )
        for pk, state in results:
            # The first that was seen: it must be the last.
            self._results.setdefault(pk, state)

    def _note(self, state: str, token: int) -> None:
        if self._states[-1:] != [state]:
            self._states.append(state)
        self._tokens.append(token)
        if state not in IN_FLIGHT and self.ended_at is None:
            self.ended_at = time.monotonic()

    @property
    def _interrupted(self) -> bool:
        return self._states[-1:] == [SessionState.INTERRUPTED]

    def saw(self, lost_at: float | None) -> Witnessed:
        """Return what was seen; `lost_at` is when the worker was gone for good, if it was."""
        detection = None
        if lost_at is not None and self.ended_at is not None and self._interrupted:
            detection = self.ended_at - lost_at
        return Witnessed(
            rows=frozenset(self._rows), tokens=tuple(self._tokens), states=tuple(self._states),
            results=tuple(sorted(self._results.items())), detection_s=detection,
        )  # fmt: skip
