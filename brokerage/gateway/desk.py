"""The desk: what one connection to a gateway can be asked to do."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import datetime
from math import inf

from asgiref.sync import sync_to_async

from brokerage.broker import Heard, Link, Stream, account, market, trading
from brokerage.errors import LINK_RESTORED, OrderRefused, SafetyViolation
from brokerage.gateway import proving
from brokerage.gateway.orders import OrderBook
from brokerage.gateway.tickets import Ticket
from brokerage.listening import Listener, Remark
from brokerage.models import Endpoint
from brokerage.safety import Door, account_problem, permit_what_if, quote_problem
from brokerage.terms import (
    Bar,
    BrokerMessage,
    Chain,
    CompletedOrder,
    Contract,
    ContractSpec,
    Fill,
    Intent,
    PaperProof,
    Position,
    Quote,
    RateReport,
    Summary,
    WhatIf,
    WorkingOrder,
)

logger = logging.getLogger(__name__)
# Well before the door would call it stale.
PROOF_RENEWED_AFTER_SECONDS = 45.0


class Desk:
    """A connection that was proved to be paper; `gateway.connect` makes and closes it.

    Times of the gateway are aware datetimes, limits are session seconds, `…_ms` real milliseconds.
    Everything raises the errors of `brokerage.errors`.
    """

    def __init__(self, link: Link, proof: PaperProof, readonly: bool, listener: Listener) -> None:
        self._link, self._listener = link, listener
        self.target, self.clock, self.readonly = link.target, link.clock, readonly
        self._proof: PaperProof | None = proof
        self.next_order_id = link.next_order_id
        self.last_quotes: dict[int, Quote] = {}
        self.attempts, self.gaps = 1, [0.0]
        self.lost_at: float | None = None
        self._prove_again = False
        self._defined: dict[int, Contract] = {}
        self.book = OrderBook(link, self, listener)
        link.on_note, link.on_lost, link.on_message = self.book.hear, self._lost, self._message
        link.on_accounts = self._look_at_accounts
        self._alarm: asyncio.Future[None] | None = None
        # They may have been named anew since the proof.
        self._look_at_accounts()
        link.on_remark = listener.remark

    # -- the connection -----------------------------------------------------------------------

    @property
    def client_id(self) -> int:
        """The client id that this connection holds."""
        return self._link.client_id

    @property
    def server_version(self) -> int:
        """The protocol version of the gateway."""
        return self._link.server_version

    @property
    def connect_ms(self) -> float:
        """How long the socket took to open."""
        return self._link.connect_ms

    @property
    def handshake_ms(self) -> float:
        """How long it took from the open socket to accounts and next order id."""
        return self._link.handshake_ms

    @property
    def connected(self) -> bool:
        """Whether the socket is up and the gateway has its own link to the broker."""
        return self._link.connected

    @property
    def standing(self) -> bool:
        """Whether the socket is up, whatever has become of the gateway's own link."""
        return bool(self._link.ib.isConnected())

    @property
    def accounts(self) -> tuple[str, ...]:
        """The accounts of the latest proof; none once one has failed."""
        return self._proof.accounts if self._proof else ()

    @property
    def account(self) -> str:
        """The account that is read and traded."""
        return self.target.expected_account or next(iter(self.accounts), "")

    @property
    def proof(self) -> PaperProof | None:
        """The latest paper proof; None once one has failed, or the gateway names other accounts."""
        if self._proof is None or self._proof.accounts != self._link.accounts:
            return None
        return self._proof

    @property
    def messages(self) -> list[BrokerMessage]:
        """What the gateway reported, the last thousand."""
        return list(self._link.messages)

    @property
    def lines(self) -> int:
        """How many market-data streams are open."""
        return len(self._link.open_lines)

    @property
    def backoffs(self) -> list[float]:
        """Session seconds waited after each refusal for the message rate."""
        return list(self._link.backoffs)

    @property
    def sent_at(self) -> deque[float]:
        """When, in session seconds, messages went through the bucket."""
        return self._link.bucket.sent_at

    @property
    def history_held(self) -> list[float]:
        """Session seconds that each historical request was held back here."""
        return list(self._link.history.held)

    def now(self) -> datetime:
        """The gateway's time, estimated."""
        return self.clock.now()

    def disconnect(self) -> None:
        """Close the connection on purpose; the desk is of no more use."""
        self._link.close()

    async def close(self) -> None:
        """Disconnect and write down what is left."""
        was_connected = self.connected
        self.disconnect()
        await self.book.close()
        if self._alarm is not None:
            await self._alarm
        if was_connected and self._proof is not None:
            await sync_to_async(proving.observe)(self.target, Endpoint.Seen.CONNECTED)

    async def renew_proof(self) -> PaperProof:
        """Ask for the accounts again and prove them; SafetyViolation disconnects at once."""
        accounts = await self._link.read_accounts()
        if self._alarm is not None and self._link.violation is not None:
            await self._alarm
            raise self._link.violation
        self._proof = await self._prove(accounts)
        return self._proof

    def _look_at_accounts(self) -> None:
        """Leave at once when the gateway names an account, asked or not, that is not paper."""
        accounts = self._link.accounts
        problem = account_problem(accounts, self.target.expected_account)
        if problem and self._alarm is None:
            self._proof = None
            self._alarm = asyncio.ensure_future(self._sound(accounts))
            self._link.abandon(proving.violation(self.target, problem))

    async def _sound(self, accounts: tuple[str, ...]) -> None:
        """Write it down, which raises every alarm."""
        try:
            await self._prove(accounts)
        except SafetyViolation as violation:
            logger.warning("%s", violation)
        except Exception:
            # The connection is gone in any case; what is raised here would hide why.
            logger.exception("%s: a safety violation is not written down", self.target.address)

    async def _prove(self, accounts: tuple[str, ...]) -> PaperProof:
        return await sync_to_async(proving.prove)(
            self.target, accounts, server_version=self.server_version, client_id=self.client_id
        )

    def _message(self, message: BrokerMessage) -> None:
        if message.code in LINK_RESTORED:
            # The gateway has connected anew, perhaps with another login.
            self._prove_again = True
        self._listener.message(message)
        self.book.hear_message(message)

    def _lost(self, why: str) -> None:
        self.lost_at = self.clock.elapsed()
        self.book.lost(why)
        self._listener.lost(why)

    # -- reading ------------------------------------------------------------------------------

    async def server_time(self, limit: float = 10.0) -> datetime:
        """Ask the gateway for its time; whole seconds."""
        return await self._link.server_time(limit)

    async def burst(self, count: int) -> RateReport:
        """Send so many cheap requests as fast as the bucket allows."""
        return await self._link.burst(count)

    async def account_summary(self) -> Summary:
        """Read the account's figures."""
        return await account.summary(self._link, self.account)

    async def account_values(self) -> Summary:
        """Download the account as TWS shows it, to its end; raises GatewayTimeout without one."""
        return await account.values(self._link, self.account)

    async def positions(self) -> list[Position]:
        """Read what the account holds."""
        return await account.positions(self._link, self.account)

    async def qualify(self, spec: ContractSpec) -> Contract:
        """Find the one contract that is meant; raises ContractNotFoundError."""
        found = await market.qualify(self._link, spec)
        self._defined[found.con_id] = found
        return found

    async def contract(self, con_id: int) -> Contract:
        """Find a contract by its id, asked once; raises ContractNotFoundError."""
        if con_id not in self._defined:
            self._defined[con_id] = await market.by_id(self._link, con_id)
        return self._defined[con_id]

    async def chain(self, symbol: str) -> Chain:
        """Read the option chain of a share."""
        return await market.chain(self._link, await self.qualify(ContractSpec(symbol)))

    async def quote(self, contract: Contract, limit: float = 15.0) -> Quote:
        """Take a snapshot; raises GatewayTimeout when it does not end in time.

        One that nobody may decide on, for what it holds, is remarked upon.
        """
        quote = await market.quote(self._link, contract, limit)
        self.last_quotes[contract.con_id] = quote
        if problem := quote_problem(quote, self.now(), lives=inf, ahead=inf):
            self._listener.remark(Remark.DATA_QUALITY, f"{contract.label}: {problem.text}")
        return quote

    async def level(self, index: ContractSpec) -> Quote:
        """Take a snapshot of an index, delayed where nothing better is permitted.

        Raises GatewayError when the gateway has none.
        """
        return await market.level(self._link, index)

    def stream(self, contract: Contract, bound: int = 1000) -> AbstractAsyncContextManager[Stream]:
        """Open the managed stream of a contract; the only way to streaming data."""
        return market.stream(self._link, contract, bound)

    async def unmanaged_stream(self, contract: Contract) -> None:
        """Ask for a stream as careless code would; raises StreamingForbiddenError, as it must."""
        await market.unmanaged(self._link, contract)

    async def bars(
        self,
        contract: Contract,
        duration: str = "1 D",
        bar_size: str = "5 mins",
        what: str = "TRADES",
        rth: bool = True,
        limit: float = 30.0,
    ) -> list[Bar]:
        """Read historical bars; raises GatewayTimeout after `limit`, counted from the sending."""
        return await market.bars(self._link, contract, duration, bar_size, what, rth, limit)

    async def open_orders(self) -> list[WorkingOrder]:
        """Read every order that works at the gateway, of any client."""
        return await trading.open_orders(self._link)

    async def executions(self) -> list[Fill]:
        """Read today's executions of the account, of any client."""
        return await trading.executions(self._link)

    async def completed_orders(self) -> list[CompletedOrder]:
        """Read today's orders that have ended, of any client."""
        return await trading.completed_orders(self._link)

    def heard(self) -> Heard:
        """What this connection has been told of orders and positions without asking, up to now."""
        return self._link.told()

    # -- orders -------------------------------------------------------------------------------

    async def place(self, intent: Intent, door: Door) -> Ticket:
        """Send an order through the door; the same key again returns the same order.

        Raises OrderRefused when the door does not let it out, SafetyViolation when a renewed proof
        fails.
        """
        wished = self.clock.wall_ms()
        await self._keep_proof_fresh()
        await self._refuse_unwritten()
        return await self.book.place(intent, door, wished)

    async def what_if(self, intent: Intent) -> WhatIf:
        """Ask what an order would do; nothing is placed."""
        await self._keep_proof_fresh()
        return await trading.what_if(self._link, permit_what_if(intent, self))

    async def change(self, ticket: Ticket, limit_price: float, door: Door) -> None:
        """Send a working order again with another limit; its id stays, and what is filled of it.

        Raises OrderRefused as `place` does, also for an order that has ended.
        """
        await self._keep_proof_fresh()
        await self._refuse_unwritten()
        await self.book.change(ticket, limit_price, door)

    async def resume(self, scope: str) -> list[Ticket]:
        """Follow the scope's orders of this client id again that another connection left open.

        Each is UNKNOWN until open orders, executions and completed orders have told its fate; one
        that nothing tells of stays UNKNOWN.
        """
        return await self.book.resume(scope)

    async def cancel(self, ticket: Ticket) -> None:
        """Ask for an order to be cancelled; `ticket.done()` tells what came of it."""
        self.book.cancel(ticket)

    def cancel_by_id(self, order_id: int) -> None:
        """Cancel an order of this client id that no ticket follows (after a crash)."""
        trading.cancel(self._link, order_id)

    async def _refuse_unwritten(self) -> None:
        await self.book.flush()
        if self.book.failed is not None:
            raise OrderRefused("DATABASE", "What happened to earlier orders can't be written down.")

    async def _keep_proof_fresh(self) -> None:
        proof = self._proof
        if proof is None or not self.connected:
            return
        old = time.monotonic() - proof.at > PROOF_RENEWED_AFTER_SECONDS
        if old or self._prove_again or self.proof is None:
            await self.renew_proof()
            self._prove_again = False


@asynccontextmanager
async def closing(desk: Desk) -> AsyncIterator[Desk]:
    """Close the desk at the end, whatever happens."""
    try:
        yield desk
    finally:
        with suppress(ConnectionError):
            await desk.close()
