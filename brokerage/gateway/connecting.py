"""Connect with retries, prove paper before anything is asked, and see that all answers come."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from asgiref.sync import sync_to_async

from brokerage import errors, safety
from brokerage.broker import Link, account, trading
from brokerage.clock import SessionClock
from brokerage.errors import AuthenticationError, GatewayConnectionError, GatewayError, PortError
from brokerage.gateway import journal, proving
from brokerage.gateway.desk import Desk, closing
from brokerage.listening import Listener
from brokerage.models import Endpoint
from brokerage.terms import Target

# decisions C-14: client ids by purpose, so that nothing of ours meets the bot or itself.
SCENARIO_IDS = range(210, 220)
PROBE_IDS = range(230, 240)
WATCH_IDS = range(240, 250)
TIME_ANSWER_SECONDS = 5.0


@asynccontextmanager
async def connect(
    target: Target,
    *,
    client_ids: Iterable[int] = SCENARIO_IDS,
    readonly: bool = True,
    clock: SessionClock | None = None,
    listener: Listener | None = None,
    attempts: int | None = None,
    timeout: float = 30.0,
    again: bool = False,
) -> AsyncIterator[Desk]:
    """Connect to a gateway that proves to be paper, and yield the desk.

    Up to `attempts` attempts (the target's, if not given) of at most `timeout` session seconds
    each. Between them 1, 2 and 4 session seconds pass, or what the target's bounds say; with
    `again` (after a lost connection) also before the first. Raises SafetyViolation (never retried),
    GatewayConnectionError, AuthenticationError, ClientIdInUseError; the error tells attempts and
    gaps.
    """
    await _check_port(target)
    clock, listener = clock or SessionClock(target.speed), listener or Listener()
    opening = _Opening(target, tuple(client_ids), readonly, clock, listener, timeout)
    most = target.bounds.attempts if attempts is None else attempts
    async with closing(await opening.run(most, again=again)) as desk:
        yield desk


async def _check_port(target: Target) -> None:
    try:
        safety.refuse_live_port(target)
    except errors.SafetyViolation as violation:
        await sync_to_async(proving.refuse)(target, violation)
        raise
    if target.contradiction:
        raise GatewayConnectionError(
            f"{target.address} is not connected to.",
            target.contradiction,
            "Name the same account at the endpoint and in the configuration.",
        )


class _Opening:
    """The attempts to open one desk."""

    def __init__(
        self,
        target: Target,
        client_ids: tuple[int, ...],
        readonly: bool,
        clock: SessionClock,
        listener: Listener,
        timeout: float,
    ) -> None:
        self.target, self.client_ids, self.readonly = target, client_ids, readonly
        self.clock, self.listener, self.timeout = clock, listener, timeout
        self.gaps: list[float] = []

    async def run(self, attempts: int, *, again: bool) -> Desk:
        """Return an open desk, or raise the last attempt's error."""
        for number in range(1, attempts + 1):
            gap = await self._wait(number if again else number - 1)
            try:
                desk = await self._attempt()
            except (GatewayConnectionError, AuthenticationError) as error:
                self.listener.attempt(number, error, gap)
                last: GatewayError = error
                continue
            except PortError as error:
                self.listener.attempt(number, error, gap)
                raise
            self.listener.attempt(number, None, gap)
            desk.attempts, desk.gaps = number, self.gaps
            return desk
        return await self._give_up(last, attempts)

    async def _wait(self, failures: int) -> float:
        began = self.clock.elapsed()
        if failures:
            await self.clock.sleep(self.target.bounds.wait(failures))
            self.gaps.append(self.clock.elapsed() - began)
            return self.gaps[-1]
        return 0.0

    async def _give_up(self, error: GatewayError, attempts: int) -> Desk:
        silent = isinstance(error, AuthenticationError)
        state = Endpoint.Seen.SILENT if silent else Endpoint.Seen.UNREACHABLE
        await sync_to_async(proving.observe)(self.target, state, error=str(error))
        final = type(error)(
            f"{error.what} Gave up after {attempts} attempt{'s' if attempts > 1 else ''}.",
            error.why,
            error.do,
            code=error.code,
        )
        final.attempts, final.gaps = attempts, self.gaps
        raise final from error

    async def _attempt(self) -> Desk:
        in_use: errors.ClientIdInUseError | None = None
        for client_id in self.client_ids:
            link = Link(self.target, self.clock)
            if self.listener.traced:
                link.trace(self.listener.wire)
            try:
                await link.open(client_id, self.timeout)
            except errors.ClientIdInUseError as error:
                in_use = error
                continue
            self.listener.holds(client_id)
            return await self._prove(link)
        raise errors.ClientIdInUseError(
            f"Client ids {self.client_ids[0]}–{self.client_ids[-1]} are all in use"
            f" at {self.target.address}.",
            "Other connections hold them, or the gateway has not noticed that they are gone.",
            "Close other clients, or wait a minute and try again.",
            code=errors.CLIENT_ID_IN_USE,
        ) from in_use

    async def _prove(self, link: Link) -> Desk:
        """Prove paper from the handshake alone, before a single request goes out."""
        try:
            if safety.account_problem(link.accounts, self.target.expected_account):
                # At once: before the violation is even written down.
                link.close()
            proof = await sync_to_async(proving.prove)(
                self.target,
                link.accounts,
                server_version=link.server_version,
                client_id=link.client_id,
            )
            await self._synchronise(link)
            desk = Desk(link, proof, self.readonly, self.listener)
            if not self.readonly:
                highest = sync_to_async(journal.highest_order_id)
                desk.book.highest_order_id = await highest(link.client_id, self.target)
        except BaseException:
            link.close()
            raise
        return desk

    async def _see_kind(self, link: Link) -> None:
        """Refuse a gateway of another kind than the target's before anything is read or traded."""
        try:
            safety.refuse_other_kind(self.target, simulated=link.simulated)
        except errors.SafetyViolation as violation:
            link.close()
            await sync_to_async(proving.unmask)(
                self.target,
                link.accounts,
                violation,
                server_version=link.server_version,
                client_id=link.client_id,
            )
            raise

    async def _synchronise(self, link: Link) -> None:
        """See that the gateway answers and that every list comes to its end.

        The library itself is content with a gateway that falls silent after the handshake.
        """
        try:
            await link.ask_brand()
            await link.server_time(TIME_ANSWER_SECONDS)
            await self._see_kind(link)
            await account.positions(link, "")
            if not self.readonly:
                await trading.open_orders(link)
                await trading.executions(link)
        except errors.GatewayTimeout as error:
            raise AuthenticationError(
                f"{self.target.address} shook hands but then fell silent: {error.what}",
                "The gateway has probably lost its login, or is starting or shutting down.",
                "Check the gateway's window; restart it if it does not recover.",
                code=errors.NOT_CONNECTED,
            ) from error
