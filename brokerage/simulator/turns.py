"""Long answers in short turns: one step at a time, so that every client is served in between."""

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from brokerage.simulator.refusals import HOSTILE, choked
from brokerage.simulator.venue_floor import Floor, Session
from brokerage.tws.table import Message

Steps = Iterator[object]


class Answer(NamedTuple):
    """What a client has asked, and how it is answered."""

    message: Message
    steps: Steps


class Turns:
    """Answers that take longer than others should wait, of all desks together.

    However much is waiting, a turn of the agenda costs one step. The clients take turns, and so do
    the answers to one client, but for those of one lane, which come one after another.
    """

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._waiting: dict[Session, dict[object, deque[Answer]]] = {}
        self._served: set[Session] = set()  # at once, since the last turn
        self._booked = False
        self.taken = 0  # steps so far

    def take(self, session: Session, message: Message, steps: Steps, lane: object = None) -> None:
        """Answer a message. The first step is done now if it is the client's only one so far.

        Steps that fail end the answer with error 322.
        """
        answer, free = Answer(message, steps), session not in self._served | self._waiting.keys()
        self._served.add(session)
        if not free or self._goes_on(session, answer):
            lanes = self._waiting.setdefault(session, {})
            lanes.setdefault(steps if lane is None else lane, deque()).append(answer)
        self._book()

    def leave(self, session: Session) -> None:
        """Forget a client."""
        self._waiting.pop(session, None)

    def _book(self) -> None:
        if not self._booked:
            self._booked = True
            self._floor.agenda.at(self._floor.clock.running(), self._turn)

    def _turn(self) -> None:
        self._booked = False
        self._served.clear()
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
        lanes = self._waiting.pop(session)
        self._step_of(session, lanes)
        if lanes and self._floor.session(session.client_id) is session:
            self._waiting[session] = lanes

    def _step_of(self, session: Session, lanes: dict[object, deque[Answer]]) -> None:
        """Do a step of the lane whose turn it is; it goes behind the client's others."""
        lane = next(iter(lanes))
        queue = lanes.pop(lane)
        answer = queue.popleft()
        if self._goes_on(session, answer):
            queue.appendleft(answer)
        if queue:
            lanes[lane] = queue

    def _goes_on(self, session: Session, answer: Answer) -> bool:
        """Do one step; say whether there is another."""
        self.taken += 1
        try:
            return next(answer.steps, None) is not None
        except HOSTILE:
            choked(session, answer.message)
            return False
