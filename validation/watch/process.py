"""Watch a gateway beside the scenarios, on a read-only connection of the watch's own."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import DatabaseError

from brokerage import gateway
from brokerage.clock import SessionClock
from brokerage.errors import GatewayError, GatewayTimeout, SafetyViolation
from brokerage.gateway import Desk, Reconciled
from brokerage.listening import Listener
from brokerage.terms import BrokerMessage, Contract, Target
from validation.models.watching import LaneState, Severity
from validation.watch.books import Books
from validation.watch.conditions import GRACE_S, Condition, Conditions, Provocation
from validation.watch.figures import Figures
from validation.watch.lanes import BROKER, GATEWAY, MARKET, NAMES, SCENARIO, LaneChange, Lanes
from validation.watch.liveness import Answers, Drift, Hours, Line, hours
from validation.watch.notebook import Notebook
from validation.watch.outage import Outage
from validation.watch.streams import Follower
from validation.watch.worth import Worth

logger = logging.getLogger(__name__)
# Session seconds between looks, for an answer, and between attempts to connect.
BEAT_S, ANSWER_S, RETRY_S = 5.0, 5.0, 5.0
# Real seconds: however fast the session's clock, a busy machine is no silence.
LEAST_BEAT, LEAST_SILENCE, LEAST_GRACE = 0.1, 1.5, 1.0
SYMBOLS = ("SPY",)
TOO_FAST = 100
Reconcile = Callable[[Desk, str, str], Awaitable[Reconciled]]
UNWATCHED = "The watch has no connection: nobody knows."


@dataclass(frozen=True)
class Assignment:
    """What is watched: a gateway, a session's own record, and whether faults are provoked now.

    `reconcile` compares that record with the wire and the broker.
    """

    target: Target
    scope: str
    notebook: Notebook
    provoked: Callable[[], bool] = lambda: False
    unsafe: Callable[[str], None] = lambda why: None
    earlier: dict[str, Any] = field(default_factory=dict)
    reconcile: Reconcile = gateway.reconcile


class _Ears(Listener):
    """Hands what the connection hears to the watch."""

    def __init__(self, watch: "Watch") -> None:
        self._watch = watch

    def message(self, message: BrokerMessage) -> None:
        """A notice of the gateway."""
        self._watch.hear(message)

    def lost(self, why: str) -> None:
        """The connection, or the gateway's own link, is gone."""
        self._watch.wake.set()


class Watch:
    """Sees what nobody else looks at; whatever goes wrong with it is itself a finding."""

    def __init__(self, assignment: Assignment) -> None:
        self.job, self.clock = assignment, SessionClock(assignment.target.speed)
        self.conditions, self.lanes = Conditions(), Lanes()
        self.provocation = Provocation(grace_s=self._least(GRACE_S, LEAST_GRACE))
        self.figures = Figures.resumed(assignment.earlier)
        self.lines = {name: self._new_line(name) for name in SYMBOLS}
        self.contracts: dict[str, Contract] = {}
        self._works: list[asyncio.Future[None]] = []
        self.books, self.outage = Books(self), Outage(assignment.target)
        self.worth = Worth(assignment.target, assignment.earlier)
        self.wake, self.up = asyncio.Event(), asyncio.Event()
        self.desk: Desk | None = None
        self._before = self.figures.failures
        self._task: asyncio.Task[None] | None = None
        self._losses = 0

    # -- beginning and end --------------------------------------------------------------------

    async def begin(self, limit: float = 30.0) -> None:
        """Start watching; return when the baseline is read, or after `limit` session seconds."""
        self._task = asyncio.create_task(self._guarded(self._run()))
        with contextlib.suppress(TimeoutError):
            async with self.clock.timeout(limit):
                await self.books.based.wait()

    async def conclude(self, limit: float) -> list[Condition]:
        """Compare for the last time, if there is a connection within `limit` session seconds.

        Return the differences that nobody can explain.
        """
        self._hear_provocation()
        try:
            async with self.clock.timeout(limit):
                await self.up.wait()
        except TimeoutError:
            self.books.unread("The watch had no connection at the end.")
            return []
        try:
            return await self.books.last(self.desk)
        except DatabaseError as error:
            logger.exception("%s: the last comparison failed", self.job.scope)
            self.books.unread(str(error))
            return []

    async def look_at(self, desk: Desk) -> None:
        """Compare what a scenario's desk was told with the record, before it is closed."""
        await self._guarded(self.books.look_at(desk))

    @asynccontextmanager
    async def over(self, desk: Desk) -> AsyncIterator[None]:
        """Follow a scenario's desk while it is open."""
        self.lane(SCENARIO, LaneState.UP, f"client {desk.client_id}")
        if not desk.readonly:
            await self._guarded(self.books.check_ids(desk))
        try:
            yield
        finally:
            lost = "" if desk.standing else "lost"
            self.lane(SCENARIO, LaneState.DOWN, lost or f"client {desk.client_id} closed")

    async def stop(self) -> dict[str, Any]:
        """End the watch and return its figures."""
        if self._task is not None:
            if not self.up.is_set():
                # Also where the watch itself has ended: what it does not know was not up.
                self._count(up=False)
            await _end(self._task)
            self._task = None
            # A session may pause for a while, and nobody looks on meanwhile.
            self.lane(GATEWAY, LaneState.UNKNOWN, UNWATCHED)
            self._unknown(UNWATCHED)
        return self.content()

    def content(self) -> dict[str, Any]:
        """Return the figures up to now."""
        self.figures.failures = self._before + self.job.notebook.failures
        return self.figures.content() | self.worth.content()

    # -- telling ------------------------------------------------------------------------------

    def judge(self, group: str, found: Iterable[Condition | None]) -> None:
        """Tell what one judge finds now: what begins, goes on, or is over."""
        now = self._hear_provocation()
        there = [condition for condition in found if condition is not None]
        for sighting in self.conditions.judge(group, there, now, self.provocation):
            self.job.notebook.tell(sighting)

    def once(self, *found: Condition) -> None:
        """Tell what has happened."""
        now = self._hear_provocation()
        for sighting in self.conditions.once(found, now, self.provocation):
            self.job.notebook.tell(sighting)

    def lane(self, lane: str, state: LaneState, detail: str = "", code: int | None = None) -> None:
        """Tell that a lane is in this state."""
        now = self._hear_provocation()
        change = LaneChange(lane, state, code, detail)
        planned = self.provocation.now_on
        if state is not LaneState.UP:
            planned = self.provocation.covers(now)
        self.job.notebook.lane(change, planned=planned)

    def _hear_provocation(self) -> float:
        now = self.clock.elapsed()
        self.provocation.hear(self.job.provoked(), now)
        return now

    def hear(self, message: BrokerMessage) -> None:
        """Take a notice of the gateway in."""
        was_down = self.lanes.is_down(BROKER)
        self._hear_lanes(message)
        if was_down and not self.lanes.is_down(BROKER):
            self.books.due = "RECONNECT"
        if message.code == TOO_FAST:
            do = "Find out who sends too much; the watch itself keeps below 45 a second."
            text = f"{message.code} {message.text}"
            self.once(Condition("rate_refused", GATEWAY, Severity.ERROR, text, do))

    def _hear_lanes(self, message: BrokerMessage) -> None:
        """Tell which lanes a notice has changed."""
        for change in self.lanes.hear(message.code, message.text, self.clock.elapsed()):
            self.lane(change.lane, change.state, change.detail, change.code)

    def _unknown(self, why: str) -> None:
        """Tell that nobody knows how anything behind the gateway is."""
        for name in (*NAMES, *map(_line_lane, self.lines)):
            self.lane(name, LaneState.UNKNOWN, why)

    # -- watching -----------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            try:
                async with self._connected() as desk:
                    await self._watch(desk)
            except SafetyViolation as violation:
                self._unsafe(str(violation))
                return
            except GatewayError as error:
                self._not_connected(error)
            await self._pass_time(up=False)
            await self.clock.sleep(max(RETRY_S, LEAST_BEAT * self.clock.speed))

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Desk]:
        serving = gateway.connect(
            self.job.target, client_ids=gateway.WATCH_IDS, clock=self.clock,
            listener=_Ears(self), attempts=1, timeout=15.0,
        )  # fmt: skip
        async with serving as desk:
            self._begin(desk)
            try:
                yield desk
            finally:
                self.desk = None
                self.up.clear()

    def _begin(self, desk: Desk) -> None:
        self.desk, self.answers, self.drift = desk, Answers(), Drift()
        self.lanes = Lanes()
        self.lane(GATEWAY, LaneState.UP, f"client {desk.client_id}")
        self._unknown("Nothing was heard of it yet.")
        for message in desk.messages:
            # What the gateway says of link and farms in its greeting came before the desk stood.
            self._hear_lanes(message)
        self.judge("connection", ())
        if self.books.based.is_set():
            self.books.due = "RECONNECT"
        self.up.set()

    def _not_connected(self, error: GatewayError) -> None:
        self.lane(GATEWAY, LaneState.DOWN, str(error))
        self._unknown(UNWATCHED)
        do = error.do or "Check gateway and network; nothing is watched meanwhile."
        text = f"The watch has no connection: {error.what}"
        # The same while it lasts, whatever the attempts say.
        self.judge("connection", [Condition("no_connection", GATEWAY, Severity.ERROR, text, do)])
        self.outage.fail(planned=self.provocation.covers(self.clock.elapsed()))

    def _unsafe(self, why: str) -> None:
        self.lane(GATEWAY, LaneState.DOWN, why)
        self._unknown(UNWATCHED)
        do = "Trade nothing. Find out which account the gateway is logged in to."
        self.once(Condition("account_changed", GATEWAY, Severity.CRITICAL, why, do))
        self.job.unsafe(why)

    async def _watch(self, desk: Desk) -> None:
        """Look at everything until the connection is gone or mute."""
        self._begin_work(self.books.keep(desk))
        for name in self.lines:
            self._begin_work(Follower(self, desk, name).follow())
        try:
            while desk.standing and await self._beat(desk):
                await self._pause()
        finally:
            await _end(*self._works)
            self._works.clear()
        self._lost(desk)

    def _begin_work(self, work: Awaitable[None]) -> None:
        self._works.append(asyncio.ensure_future(self._guarded(work)))

    def follow(self, contract: Contract) -> None:
        """Keep a line of this contract open as well, from now on and after each reconnection."""
        name = contract.label
        if name not in self.lines:
            self.lines[name], self.contracts[name] = self._new_line(name), contract
            if self._works and self.desk is not None:
                self._begin_work(Follower(self, self.desk, name).follow())

    def _lost(self, desk: Desk) -> None:
        self._unknown(UNWATCHED)
        if self.answers.missed_since is not None and desk.standing:
            self.lane(GATEWAY, LaneState.MUTE, "It does not answer; connecting anew.")
            return
        self._losses += 1
        text = f"The connection of client {desk.client_id} was lost (loss {self._losses})."
        do = "Find the cause in the gateway's log; a restart at night is planned as a window."
        self.lane(GATEWAY, LaneState.DOWN, text)
        self.once(Condition("connection_lost", GATEWAY, Severity.ERROR, text, do))

    async def _pause(self) -> None:
        self.wake.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(BEAT_S / self.clock.speed, LEAST_BEAT)):
                await self.wake.wait()

    async def _beat(self, desk: Desk) -> bool:
        """Ask for the time and judge everything; False when the gateway is mute."""
        answered = await self._ask(desk)
        now = self.clock.elapsed()
        await self._pass_time(up=answered and not self.lanes.is_down(BROKER))
        mute = self.answers.condition(now)
        self.judge("answers", [mute])
        self.judge("clock", [self.drift.condition()])
        if answered:
            self._judge_lines(desk, now)
        self.judge("lanes", self.lanes.conditions(now))
        if desk.proof is None:
            raise SafetyViolation("The gateway names other accounts than it did.")
        return mute is None

    async def _ask(self, desk: Desk) -> bool:
        asked, began = self.clock.elapsed(), self.clock.wall_ms()
        try:
            told = await desk.server_time(ANSWER_S)
        except GatewayTimeout:
            self.answers.miss(asked)
            self.figures.misses += 1
            return False
        except GatewayError:
            return False
        took = self.clock.wall_ms() - began
        self.answers.hear(took)
        self.figures.answers += 1
        self.figures.latencies.append(took)
        self.drift.hear(told, asked, self.clock.elapsed())
        return True

    def _count(self, *, up: bool) -> float:
        now = self._hear_provocation()
        desk, always = self.desk, self.job.target.always_open
        regular = desk is not None and hours(desk.now(), always_open=always) is Hours.REGULAR
        planned = self.provocation.covers(now)
        self.figures.pass_time(now, up=up, regular=regular, planned=planned)
        return now

    async def _pass_time(self, *, up: bool) -> None:
        now = self._count(up=up)
        if up:
            self.outage.over()
        else:
            await self.outage.judge(now, self.figures.planned_outage)

    def _judge_lines(self, desk: Desk, now: float) -> None:
        at = hours(desk.now(), always_open=self.job.target.always_open)
        found = [line.condition(now, at, self.lanes.restored) for line in self.lines.values()]
        # A lane that is down explains the silence, and is judged itself.
        if not (self.lanes.is_down(BROKER) or self.lanes.is_down(MARKET)):
            self.judge("lines", found)
        for line, condition in zip(self.lines.values(), found, strict=True):
            self.lane(_line_lane(line.symbol), *line.shown(condition))

    def _new_line(self, symbol: str) -> Line:
        floor = LEAST_SILENCE * self.clock.speed
        return Line(symbol, self.clock.elapsed(), floor=floor)

    def renew_line(self, symbol: str) -> Line:
        """Begin the line anew, with the prices that it had."""
        line = self._new_line(symbol)
        line.before = self.lines[symbol].prices
        self.lines[symbol] = line
        return line

    def _least(self, seconds: float, real: float) -> float:
        return max(seconds, real * self.clock.speed)

    async def _guarded(self, work: Awaitable[None]) -> None:
        """Let no failure of the watch end the session; one is a finding."""
        try:
            await work
        except SafetyViolation as violation:
            self._unsafe(str(violation))
        except GatewayError as error:
            logger.info("%s: the watch was interrupted: %s", self.job.scope, error)
        except Exception as error:
            logger.exception("%s: the watch failed", self.job.scope)
            text = f"A part of the watch failed: {type(error).__name__}: {error}"
            do = "What it watched is unknown from then on. Report it with the worker's log."
            self.once(Condition("watch_failed", "watch", Severity.ERROR, text, do))


def _line_lane(symbol: str) -> str:
    return f"line {symbol}"


async def _end(*tasks: "asyncio.Future[None]") -> None:
    """Cancel tasks until they have ended: a time-out that is met just then swallows a cancel."""
    waiting = {task for task in tasks if not task.done()}
    while waiting:
        for task in waiting:
            task.cancel()
        _, waiting = await asyncio.wait(waiting, timeout=1.0)
