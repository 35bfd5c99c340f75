"""One connection: handshake, paced and bounded requests, what the gateway reports, its loss."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TypeVar

from ib_async.wrapper import RequestError

from brokerage import errors
from brokerage.broker.heard import Heard
from brokerage.broker.library import Library, Note
from brokerage.broker.tracing import Tell, trace
from brokerage.clock import SessionClock
from brokerage.errors import AuthenticationError, GatewayConnectionError, GatewayTimeout
from brokerage.listening import Remark
from brokerage.pacing import BACKOFF_SECONDS, Bucket, HistoryBuckets, most_in_a_second
from brokerage.terms import BrokerMessage, RateReport, Target
from brokerage.tws.messages import SIMULATED_BRAND

T = TypeVar("T")
IN_USE = errors.CLIENT_ID_IN_USE
MESSAGES_KEPT = 1000
# What the library sends by itself while it connects: hello and startApi.
HANDSHAKE_MESSAGES = 2
WHOLE_SECOND = 1.0


class Link:
    """A connection of one client id to one gateway; made by `open`, good for one connection."""

    def __init__(self, target: Target, clock: SessionClock) -> None:
        self.target, self.clock = target, clock
        self.bucket = Bucket.keeping(clock, target.bounds.messages_in_a_second)
        self.history = HistoryBuckets(clock)
        self.ib = Library(1 / clock.speed)
        self.heard = Heard()
        self.ib.tape.hook(self._on_note, self._on_fact, self.heard.hear)
        self.ib.errorEvent += self._on_error
        self.client_id = 0
        self.accounts: tuple[str, ...] = ()
        self.next_order_id = self.server_version = 0
        self.brand = ""
        self.connect_ms = self.handshake_ms = 0.0
        self.messages: deque[BrokerMessage] = deque(maxlen=MESSAGES_KEPT)
        self.backoffs: list[float] = []
        self.open_lines: dict[int, Any] = {}
        self.broker_link, self._lost_by = True, 0
        self.on_note: Callable[[Note], None] = lambda note: None
        self.on_message: Callable[[BrokerMessage], None] = lambda message: None
        self.on_lost: Callable[[str], None] = lambda why: None
        self.on_accounts: Callable[[], None] = lambda: None
        self.violation: errors.SafetyViolation | None = None
        self.on_remark: Callable[[Remark, str], None] = lambda kind, text: None
        self.locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._closing = False
        self._socket_at: float | None = None
        self._opened_at = 0.0
        self._ended: asyncio.Future[int] | None = None
        self._accounts_told = asyncio.Event()
        self._times_told = 0
        self._time_told = asyncio.Event()

    def trace(self, tell: Tell) -> None:
        """Tell every message on the wire from now on."""
        trace(self.ib.client, tell)

    # -- connecting ---------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """Whether requests can be answered: the socket is up and the gateway has its own link."""
        return bool(self.ib.isConnected()) and self.broker_link

    @property
    def simulated(self) -> bool:
        """Whether what answers has shown the simulated gateway's mark."""
        return self.brand == SIMULATED_BRAND

    async def open(self, client_id: int, limit: float) -> None:
        """Connect and shake hands within `limit` session seconds; nothing is requested yet.

        Raises GatewayConnectionError when nothing listens, ClientIdInUseError, AuthenticationError
        when something listens but handshake or accounts do not come.
        """
        self.client_id = self.ib.wrapper.clientId = client_id
        self._ended = asyncio.get_running_loop().create_future()
        self._watch_socket()
        began = self.clock.wall_ms()
        address = self.target.socket
        task = asyncio.ensure_future(self.ib.client.connectAsync(*address, client_id, None))
        try:
            both: set[asyncio.Future[Any]] = {task, self._ended}
            await asyncio.wait(
                both, timeout=self.clock.wall(limit), return_when=asyncio.FIRST_COMPLETED
            )
            self._judge(task, limit)
        except BaseException:
            await self._abandon(task)
            raise
        shaken = self.clock.wall_ms()
        socket_at = self._socket_at or shaken
        self.connect_ms, self.handshake_ms = socket_at - began, shaken - socket_at
        self.accounts = tuple(self.ib.client.getAccounts())
        self.server_version = int(self.ib.client.serverVersion())
        self.bucket.spend(HANDSHAKE_MESSAGES)
        self._opened_at = self.clock.elapsed()

    def told(self) -> Heard:
        """Return what has been heard without asking, up to now.

        Executions are stamped in whole seconds, and the gateway's time is an estimate: `since` is
        so late that everything after it was surely told to this connection.
        """
        heard = self.heard.copy()
        sure = self._opened_at + self.clock.doubt + WHOLE_SECOND
        heard.since = self.clock.at(sure)
        return heard

    def _watch_socket(self) -> None:
        socket = self.ib.client.conn
        connect = socket.connectAsync

        async def timed(host: str, port: int) -> None:
            await connect(host, port)  # type: ignore[no-untyped-call]
            self._socket_at = self.clock.wall_ms()

        socket.connectAsync = timed  # type: ignore[method-assign]
        socket.disconnected += self._on_socket_closed

    def _judge(self, task: "asyncio.Future[Any]", limit: float) -> None:
        """Return when the handshake is done, else raise what went wrong."""
        at, port = self.target.address, self.target.port
        if task.done() and not task.cancelled() and task.exception() is None:
            return
        ended = self._ended is not None and self._ended.done()
        if ended and self._ended is not None and self._ended.result() == IN_USE:
            raise errors.ClientIdInUseError(
                f"Client id {self.client_id} is in use at {at}.", code=IN_USE
            )
        if self._socket_at is None:
            reason = task.exception() if task.done() else None
            raise GatewayConnectionError(
                f"Nothing listens at {at}{f' ({reason})' if reason else ''}.",
                "The gateway is not running, or its API port is another one.",
                f"Start the gateway and check that its API listens on port {port}.",
                code=errors.NOTHING_LISTENS,
            )
        what = "closed the connection" if ended else f"did not answer within {limit:g} s"
        raise AuthenticationError(
            f"{at} accepted the connection but {what} during the handshake.",
            "The gateway is probably not logged in, or does not trust this host.",
            "Check the login in the gateway's window and its list of trusted addresses.",
            code=errors.NOT_CONNECTED,
        )

    async def _abandon(self, task: "asyncio.Future[Any]") -> None:
        self._closing = True
        task.cancel()
        with suppress(asyncio.CancelledError, OSError, TimeoutError):
            await task
        self.ib.client.disconnect()

    def close(self) -> None:
        """Disconnect now; also when the connection is already gone."""
        self._closing = True
        if self.ib.isConnected():
            self.ib.disconnect()
        else:
            self.ib.client.disconnect()

    def abandon(self, violation: errors.SafetyViolation) -> None:
        """Disconnect now for safety; whoever waits, or asks later, is told why."""
        self.violation = violation
        if self.ib.client.conn.transport is not None:
            # Not `close`, after which the library would let requests wait for their time-out.
            self.ib.client.conn.transport.abort()

    # -- requests -----------------------------------------------------------------------------

    async def ask(self, what: str, send: Callable[[], Awaitable[T]], limit: float = 10.0) -> T:
        """Send one request through the bucket and return its answer.

        Waits 2, 4 and 8 session seconds after a refusal for the message rate and sends it again.
        Raises GatewayTimeout after `limit` session seconds, RateLimitError, RequestRefusedError,
        GatewayConnectionError, SafetyViolation once the connection was abandoned for safety.
        """
        for wait in (*BACKOFF_SECONDS, None):
            self._check_safe()
            await self.bucket.take()
            try:
                return await self._once(what, send, limit)
            except errors.RateLimitError:
                if wait is None:
                    raise
                await self._back_off(wait)
            except GatewayTimeout as late:
                self.on_remark(Remark.GIVEN_UP, late.what)
                raise
        raise AssertionError("unreachable")

    def _check_safe(self) -> None:
        if self.violation is not None:
            raise self.violation

    async def _back_off(self, wait: float) -> None:
        began = self.clock.elapsed()
        await self.clock.sleep(wait)
        self.backoffs.append(self.clock.elapsed() - began)
        text = f"Waited {self.backoffs[-1]:.1f} s after a refusal for the message rate."
        self.on_remark(Remark.RATE_WAIT, text)

    async def _once(self, what: str, send: Callable[[], Awaitable[T]], limit: float) -> T:
        try:
            async with self.clock.timeout(limit):
                return await send()
        except errors.GatewayError:
            raise
        except RequestError as refusal:
            raise self.refused(what, refusal.code, refusal.message) from refusal
        except TimeoutError as late:
            why = "The gateway is connected but busy, or its server connection is broken."
            raise GatewayTimeout(f"No answer to {what} within {limit:g} s.", why) from late
        except ConnectionError as gone:
            self._check_safe()
            raise GatewayConnectionError(
                f"The connection to {self.target.address} was lost during {what}.",
                code=errors.NOT_CONNECTED,
            ) from gone

    def refused(self, what: str, code: int, text: str) -> errors.GatewayError:
        """Translate a refused request."""
        kind: type[errors.GatewayError] = errors.RequestRefusedError
        if errors.classify(code, text) is errors.ErrorClass.RATE_LIMIT:
            kind = errors.RateLimitError
        elif code == errors.NO_CONTRACT:
            kind = errors.ContractNotFoundError
            return kind(f"Contract not found: {what}.", f"The broker says: {text}", code=code)
        says = f"The broker refused {what} with code {code} ({errors.meaning(code)}): {text}"
        return kind(says, code=code)

    async def server_time(self, limit: float = 10.0) -> datetime:
        """Return the gateway's time, and let the clock learn from it."""

        async def send() -> datetime:
            sent = self.clock.elapsed()
            answer: datetime = await self.ib.reqCurrentTimeAsync()
            self.clock.anchor(answer, sent, self.clock.elapsed())
            return answer.astimezone(UTC)

        async with self.locks["currentTime"]:
            return await self.ask("the server time", send, limit)

    async def ask_brand(self) -> None:
        """Ask under whose brand the login is; most gateways of a broker do not answer.

        What is no broker's answers at once: `brand` is known when a later request is answered.
        """
        await self.bucket.take()
        self.ib.client.reqUserInfo(self.ib.client.getReqId())

    async def read_accounts(self, limit: float = 5.0) -> tuple[str, ...]:
        """Ask for the accounts again and return what the gateway says now."""

        async def send() -> tuple[str, ...]:
            self._accounts_told.clear()
            self.ib.client.reqManagedAccts()
            await self._accounts_told.wait()
            return self.accounts

        async with self.locks["accounts"]:
            return await self.ask("the managed accounts", send, limit)

    async def burst(self, count: int, limit: float = 60.0) -> RateReport:
        """Send `count` cheap requests through the bucket as fast as it lets them go.

        A lost connection ends it early; the report tells how many were sent and answered.
        """
        async with self.locks["currentTime"]:
            began, told, errors_before = self.clock.elapsed(), self._times_told, self._rate_errors()
            sent: list[float] = []
            with suppress(ConnectionError):
                for _ in range(count):
                    await self.bucket.take()
                    self.ib.client.reqCurrentTime()
                    sent.append(self.clock.elapsed())
            total = self.clock.elapsed() - began
            with suppress(TimeoutError):
                async with self.clock.timeout(limit):
                    while self._times_told - told < len(sent) and self.connected:
                        self._time_told.clear()
                        await self._time_told.wait()
        answered, rate = self._times_told - told, self._rate_errors() - errors_before
        return RateReport(len(sent), answered, total, most_in_a_second(sent), rate, tuple(sent))

    def _rate_errors(self) -> int:
        return sum(message.code == errors.MAX_RATE for message in self.messages)

    # -- what the gateway says ----------------------------------------------------------------

    def _on_note(self, note: Note) -> None:
        self.on_note(note)

    def _on_fact(self, name: str, value: Any) -> None:
        if name == "accounts":
            self.accounts = value
            self._accounts_told.set()
            self.on_accounts()
        elif name == "next id":
            self.next_order_id = value
        elif name == "brand":
            self.brand = value
        else:
            self._times_told += 1
            self._time_told.set()

    def _on_error(self, req_id: int, code: int, text: str, contract: object) -> None:
        cls = errors.classify(code, text, has_order_id=req_id > 0)
        message = BrokerMessage(self.clock.now(), code, text, req_id, cls)
        self.messages.append(message)
        if code == IN_USE:
            self._end(IN_USE)
        if req_id in self.open_lines and cls is not errors.ErrorClass.INFORMATIONAL:
            self.open_lines[req_id].end(self.refused("market data", code, text))
        if code in errors.LINK_LOST:
            self.broker_link, self._lost_by = False, code
            self.on_lost(f"{code} {text}")
        elif code in errors.LINK_RESTORED or self._is_back(code):
            self.broker_link = True
            self._restore(data_lost=code == errors.DATA_LOST)
        self.on_message(message)

    def _is_back(self, code: int) -> bool:
        """Whether a notice ends the loss that there is: after 2110 no 1101 or 1102 need follow."""
        return not self.broker_link and code in errors.RECOVERED_BY.get(self._lost_by, ())

    def _restore(self, *, data_lost: bool) -> None:
        """Ask for every open line again when the gateway says that its data were lost."""
        if data_lost:
            for line in list(self.open_lines.values()):
                line.resubscribe()

    def _on_socket_closed(self, why: str) -> None:
        self._end(0)
        if self._closing:
            return
        told = f"The gateway closed the connection. {why}".strip()
        told = told if self.violation is None else str(self.violation)
        lost = GatewayConnectionError(told, code=errors.CLOSED_BY_PEER)
        for line in list(self.open_lines.values()):
            line.end(lost)
        self.on_lost(str(lost))

    def _end(self, code: int) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(code)
