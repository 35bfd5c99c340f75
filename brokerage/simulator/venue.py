"""The venue: every client's messages go to the desk that handles them, and the market moves on.

Pure: it neither reads nor writes a socket. What it does depends on the messages, the seed and
simulated time alone. Like a real gateway it serves 32 clients, each under an id of its own (326
for one in use, then the end), each within its own message rate. The connection of one client too
many is closed without a word: what a real gateway says then is not known.
"""

from collections.abc import Callable
from math import floor
from typing import Any

from brokerage.simulator.keeping import Keeping
from brokerage.simulator.rates import Counting, Pacing, rate_for
from brokerage.simulator.refusals import HOSTILE, choked
from brokerage.simulator.turns import Turns
from brokerage.simulator.venue_accounts import AccountsDesk
from brokerage.simulator.venue_bars import BarsDesk
from brokerage.simulator.venue_days import DaysDesk
from brokerage.simulator.venue_details import DetailsDesk
from brokerage.simulator.venue_fills import FillsDesk
from brokerage.simulator.venue_floor import Floor, Session
from brokerage.simulator.venue_history import HistoryDesk
from brokerage.simulator.venue_lines import Allowance
from brokerage.simulator.venue_lists import ListsDesk
from brokerage.simulator.venue_orders import OrdersDesk
from brokerage.simulator.venue_past_ticks import PastTicksDesk
from brokerage.simulator.venue_positions import PositionsDesk
from brokerage.simulator.venue_quotes import QuotesDesk
from brokerage.simulator.venue_records import Records
from brokerage.simulator.venue_tick_by_tick import TickByTickDesk
from brokerage.tws.connection import Malformed
from brokerage.tws.messages import (
    CurrentTime,
    ManagedAccts,
    NextValidId,
    ReqCurrentTime,
    ReqIds,
    ReqManagedAccts,
    StartApi,
)
from brokerage.tws.table import Message

MOST_CLIENTS = 32
CLIENT_IDS = range(2**31)  # what a gateway can read
EVERY_TWENTIETH = 20  # message is refused by the fault `max_rate_error`
STEP = 0.25  # simulated seconds between market steps …
STEP_WALL = 0.02  # … but never more often than this on the wall
IN_USE = (
    326,
    "Unable to connect as the client id is already in use. Retry with a unique client id.",
)
OVER_RATE = (100, "Max rate of messages per second has been exceeded:max=50 rec=51 (1)")
FARMS = (
    (2104, "Market data farm connection is OK:usfarm"),
    (2106, "HMDS data farm connection is OK:ushmds"),
    (2158, "Sec-def data farm connection is OK:secdefnj"),
)


class Venue:
    """The gateway's inside, one for all its clients."""

    def __init__(self, floor: Floor) -> None:
        self.floor = floor
        records = Records(floor.ids)
        lines = Allowance(floor)
        self.turns = Turns(floor)
        self.details, self.bars = DetailsDesk(floor, self.turns), BarsDesk(floor, lines, self.turns)
        self.quotes, self.ticks = QuotesDesk(floor, lines), TickByTickDesk(floor)
        self.history = HistoryDesk(floor, self.bars, self.turns)
        self.past_ticks = PastTicksDesk(floor, self.history.pacing, self.turns)
        self.positions = PositionsDesk(floor)
        self.accounts = AccountsDesk(floor, self.positions)
        self.fills = FillsDesk(floor, records, self.positions)
        self.lists = ListsDesk(floor, records)
        self.orders = OrdersDesk(floor, records, self.fills, self.lists)
        self.days = DaysDesk(floor, records, self.fills, self.positions)
        self.keeping = Keeping(floor, records, self.fills, self.positions, self.days)
        self._handlers = self._table()
        self._started = 0
        floor.agenda.later(self._step_seconds(), self._step)

    def _table(self) -> dict[type[Any], Callable[[Session, Any], None]]:
        table: dict[type[Any], Callable[[Session, Any], None]] = {
            Malformed: self._malformed,
            ReqCurrentTime: self._current_time,
            ReqIds: self._next_id,
            ReqManagedAccts: self._managed,
            StartApi: lambda session, message: None,
        }
        data = (self.details, self.quotes, self.bars, self.history, self.ticks, self.past_ticks)
        desks = (self.positions, self.accounts, self.fills, self.lists, self.orders)
        for desk in (*data, *desks):
            table |= desk.handlers
        return table

    def enter(self, session: Session) -> bool:
        """Let a client in and greet it; False after refusing its id, or one client too many."""
        if session.client_id not in CLIENT_IDS:
            text = f"Error reading request. Message id:71. {session.client_id} is no client id."
            session.error(320, text)
            session.hang_up()
            return False
        in_use = session.client_id in self.floor.sessions
        if in_use or len(self.floor.sessions) >= MOST_CLIENTS:
            if in_use:
                session.error(*IN_USE)
            session.hang_up()
            return False
        self.floor.sessions[session.client_id] = session
        rate = rate_for(self.floor.lines)
        session.pacing, session.counting = Pacing(rate), Counting(rate)
        self._started += 1
        self.lists.greet(session)
        self._managed(session)
        self._next_id(session)
        for code, text in FARMS:
            session.error(code, text)
        session.muted = self.floor.levers.mute_after_handshake
        return True

    def leave(self, session: Session) -> None:
        """Forget a client; its orders stay."""
        if self.floor.sessions.get(session.client_id) is session:
            del self.floor.sessions[session.client_id]
        session.muted = True
        session.backlog.clear()
        data = (self.turns, self.quotes, self.bars, self.history, self.ticks, self.past_ticks)
        for one in (*data, self.positions, self.accounts):
            one.leave(session)

    def lose_streams(self) -> None:
        """Forget every stream of data; what clients still want they must request again."""
        for desk in (self.quotes, self.ticks, self.bars):
            desk.lose()

    def receive(self, session: Session, message: Message) -> None:
        """Handle a message now, or when the client's rate allows it; a frame that is none too."""
        session.received += 1
        levers, now = self.floor.levers, self.floor.clock.time()
        if levers.rate_refusals > 0:
            levers.rate_refusals -= 1
            session.error(*OVER_RATE)
        elif levers.max_rate_error and session.received % EVERY_TWENTIETH == 0:
            session.error(*OVER_RATE)
        elif self.floor.reject_over_rate and not self._admits(session, now):
            return
        elif session.backlog or self._wait(session, now) > 0:
            self._queue(session, message, now)
        else:
            self._handle(session, message, now)

    def _admits(self, session: Session, now: float) -> bool:
        """Whether a message is within the rate; who comes near it, or exceeds it, hears of it."""
        counting = session.counting
        admitted = counting.admits(now)
        if counting.near:
            session.error(0, counting.warning())
        elif counting.first_over:
            self.floor.agenda.at(counting.ends, lambda: self._violated(session))
        return admitted

    def _violated(self, session: Session) -> None:
        violation = session.counting.violation()
        session.error(100, violation.text, violation.number)
        if violation.last:
            session.hang_up()

    def _queue(self, session: Session, message: Message, now: float) -> None:
        if self.floor.levers.drop_over_rate and session.blocked_until <= now:
            session.hang_up()
            return
        session.backlog.append(message)
        if len(session.backlog) == 1:
            self.floor.agenda.later(self._wait(session, now), lambda: self._drain(session))

    def _drain(self, session: Session) -> None:
        """Handle what has been waiting, as far as the rate allows."""
        now = self.floor.clock.time()
        while session.backlog and self._wait(session, now) <= 0:
            self._handle(session, session.backlog.popleft(), now)
        if session.backlog:
            self.floor.agenda.later(self._wait(session, now), lambda: self._drain(session))
        else:
            session.drained()

    def _wait(self, session: Session, now: float) -> float:
        """Seconds until one more message of this client may be handled."""
        rate = 0.0 if self.floor.reject_over_rate else session.pacing.wait(now)
        return max(rate, session.blocked_until - now)

    def _handle(self, session: Session, message: Message, now: float) -> None:
        """Let the desk answer; what it chokes on is the client's own trouble, nobody else's."""
        session.pacing.take(now)
        if session.muted:
            return
        try:
            self._handlers[type(message)](session, message)
        except HOSTILE:
            choked(session, message)

    def _malformed(self, session: Session, frame: Malformed) -> None:
        """Answer a frame that is no message; the connection lives on."""
        number = frame.fields[0][:10] if frame.fields else ""
        session.error(320, f"Error reading request. Message id:{number}. {frame.reason}")

    def advance(self) -> None:
        """Do everything that has become due; what that adds waits for the next time."""
        self.floor.agenda.run(self.floor.clock.time())

    def catch_up(self, until: float) -> bool:
        """Do everything due by then, and what that adds; whether there was anything."""
        agenda, found = self.floor.agenda, False
        while agenda.is_due(until):
            agenda.run(until)
            found = True
        return found

    def next_due(self) -> float:
        """When to call `advance` again, in epoch seconds of simulated time."""
        due = self.floor.agenda.next_due()
        return self.floor.clock.time() + STEP if due is None else due

    def _step_seconds(self) -> float:
        return max(STEP, STEP_WALL * self.floor.clock.speed)

    def _step(self) -> None:
        """Move the market: fill orders, then serve the lines. Steps long overdue become one."""
        step, clock = self._step_seconds(), self.floor.clock
        missed = floor((clock.running() - clock.time()) / step)
        self.floor.agenda.later(step * (1 + missed), self._step)
        self.fills.catch_up_all()
        for desk in (self.quotes, self.ticks, self.bars):
            desk.push()

    def _current_time(self, session: Session, message: ReqCurrentTime) -> None:
        offset = self.floor.levers.server_time_offset_s
        session.send(CurrentTime(int(self.floor.clock.time() + offset)))

    def _managed(self, session: Session, message: ReqManagedAccts | None = None) -> None:
        session.send(ManagedAccts(",".join(self.floor.names())))

    def _next_id(self, session: Session, message: ReqIds | None = None) -> None:
        backwards = self.floor.levers.next_id_goes_back and self._started > 1
        session.send(NextValidId(1 if backwards else self.orders.next_id(session.client_id)))
