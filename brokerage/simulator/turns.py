"""Long answers in short turns: one step at a time, so that every client is served in between."""

from collections import deque
from collections.abc import Iterator

from brokerage.simulator.venue_floor import Floor, Session

Steps = Iterator[object]


class Turns:
    """Answers that take longer than others should wait; each client's come one after another.

    However much is waiting, a turn of the agenda costs one step, and the clients take turns.
    """

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._waiting: dict[Session, deque[Steps]] = {}

    def take(self, session: Session, steps: Steps) -> None:
        """Carry out the first step now, unless an earlier answer to this client is under way."""
        if session in self._waiting:
            self._waiting[session].append(steps)
        elif self._goes_on(steps):
            self._waiting[session] = deque([steps])
            if len(self._waiting) == 1:
                self._book()

    def leave(self, session: Session) -> None:
        """Forget a client."""
        self._waiting.pop(session, None)

    def _book(self) -> None:
        self._floor.agenda.at(self._floor.clock.running(), self._turn)

    def _turn(self) -> None:
        try:
            self._step()
        finally:
            if self._waiting:
                self._book()

    def _step(self) -> None:
        """Do a step for the client whose turn it is; it goes to the end of the line."""
        if not self._waiting:
            return
        session = next(iter(self._waiting))
        queue = self._waiting.pop(session)
        steps = queue.popleft()
        if self._goes_on(steps):
            queue.appendleft(steps)
        if queue and self._floor.session(session.client_id) is session:
            self._waiting[session] = queue

    @staticmethod
    def _goes_on(steps: Steps) -> bool:
        """Do one step; say whether there is another."""
        return next(steps, None) is not None
