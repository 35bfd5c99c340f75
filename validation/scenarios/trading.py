"""Order steps that scenarios share: buy, sell, cancel and close, each on a fresh quote."""

import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal
from uuid import uuid4

from asgiref.sync import sync_to_async
from django.utils import timezone

from brokerage.clock import SessionClock
from brokerage.errors import GatewayError, GatewayTimeout, OrderRefused
from brokerage.executions import standing
from brokerage.gateway import (
    Contract,
    Desk,
    Intent,
    OrderState,
    Quote,
    Ticket,
    WorkingOrder,
)
from brokerage.models import Execution, OrderGrant
from brokerage.safety import Door
from brokerage.terms import Aim, CompletedOrder, Side
from validation.scenarios.steps import fresh_quote
from validation.scenarios.strikes import NoTestContractError
from validation.scenarios.trial import Trial

LOT = 1
SHARES = 100  # that an option is for
RUNGS, RUNG_S = 3, 10.0  # prices of the ladder, and how long each may stand
DRILL_LASTS = timedelta(minutes=10)
POLL_S = 0.25


def check_multiplier(trial: Trial, contract: Contract) -> bool:
    """Check that an option is for a hundred shares: on another figure no order may rest."""
    if not contract.is_option:
        return True
    return trial.check("multiplier of the contract", SHARES, contract.multiplier)


async def weekly_call(trial: Trial) -> Contract:
    """Return the session's test contract; without one the scenario is skipped."""
    try:
        return await trial.test_contract()
    except NoTestContractError as error:
        trial.skip(str(error))
        raise


def on_tick(price: float, tick: float) -> float:
    """Return the price rounded down to the contract's tick, never below one tick."""
    return round(max(math.floor(price / tick + 1e-6), 1) * tick, 6)


@dataclass(frozen=True)
class Trade:
    """An order that was sent, and the quote that it was priced by."""

    ticket: Ticket
    intent: Intent
    quote: Quote

    @property
    def slippage(self) -> float:
        """How much worse than the mid it was filled, per unit; negative when better."""
        worse = self.ticket.avg_price - self.quote.mid
        return worse if self.intent.side == "BUY" else -worse

    @property
    def filled(self) -> bool:
        """Whether it ended as filled."""
        return self.ticket.status is OrderState.FILLED

    @property
    def story(self) -> str:
        """How it stands, in words."""
        price = f" at {self.ticket.avg_price:g}" if self.ticket.filled else ""
        return f"{self.ticket.status}, {self.ticket.filled:g} filled{price}"


class Trader:
    """Trades one contract through a desk and its door, one lot at a time.

    What goes wrong becomes a failed check of the trial; a safety violation ends the scenario.
    """

    def __init__(
        self,
        trial: Trial,
        contract: Contract,
        desk: Desk | None = None,
        door: Door | None = None,
        ref: str = "",
    ) -> None:
        self.trial, self.contract, self.tick = trial, contract, contract.min_tick
        self.desk, self.door = desk or trial.desk, door or trial.door
        self.ref = ref or trial.ref
        # One tick through the market; a faster market moves further while an order is on its way.
        self.margin = self.tick * math.ceil(trial.target.speed)
        self.trades: list[Trade] = []

    async def quote(self) -> Quote | None:
        """Take a fresh quote; None, with a failed check, when there is none."""
        return await fresh_quote(self.trial, self.contract, self.desk)

    async def buy(self, name: str = "buy") -> Trade | None:
        """Buy one tick above the ask, within the premium cap: a limit that fills at once."""
        quote = await self.quote()
        if quote is None:
            return None
        cap = self.trial.config.test_contracts.spy_weekly_call.premium_cap
        most = cap / self.contract.multiplier if self.contract.is_option else math.inf
        return await self.place(name, "BUY", min(quote.ask + self.margin, most), quote)

    async def sell(self, name: str = "sell") -> Trade | None:
        """Sell one tick below the bid, never below one tick."""
        quote = await self.quote()
        return await self.place(name, "SELL", quote.bid - self.margin, quote) if quote else None

    def intent(
        self,
        side: Side,
        price: float,
        *,
        quantity: float = LOT,
        aim: Aim = "FILL",
        market: bool = False,
    ) -> Intent:
        """Return an order of the scenario's own for the day: at a limit on tick, or at market.

        `aim` says what it is for: only orders that are meant to be filled count in the fill rate.
        """
        key = f"{self.ref}/{uuid4().hex}"
        limit = math.nan if market else on_tick(price, self.tick)
        kind: Literal["LMT", "MKT"] = "MKT" if market else "LMT"
        return Intent(
            key, self.contract, side, quantity, kind, limit_price=limit, ref=self.ref, aim=aim
        )

    async def place(
        self, name: str, side: Side, price: float, quote: Quote, *, aim: Aim = "FILL"
    ) -> Trade | None:
        """Send a limit order for the day; None, with a failed check, when it was not let out."""
        return await self.send(name, self.intent(side, price, aim=aim), quote)

    async def send(self, name: str, intent: Intent, quote: Quote) -> Trade | None:
        """Send an order; None, with a failed check, when it was not let out."""
        price = "market" if math.isnan(intent.limit_price) else f"{intent.limit_price:g}"
        words = f"{intent.side} {intent.quantity:g} {self.contract.label} at {price}"
        self.trial.note(f"{name}: {words} (bid {quote.bid:g}, ask {quote.ask:g})")
        try:
            ticket = await self.desk.place(intent, self.door)
        except GatewayError as error:
            self.trial.check(f"{name}: order is sent", words, str(error), passed=False)
            return None
        trade = Trade(ticket, intent, quote)
        self.trades.append(trade)
        return trade

    async def refusal(self, intent: Intent, desk: Desk | None = None) -> OrderRefused | None:
        """Ask the door about an order and send nothing; return why it is refused, if it is."""
        try:
            await self.door.check(intent, desk or self.desk)
        except OrderRefused as refused:
            return refused
        return None

    async def listed(self, trade: Trade) -> list[WorkingOrder]:
        """Return every order that the broker lists as open under an order's ids."""
        own = (trade.ticket.client_id, trade.ticket.order_id)
        orders = await self.desk.open_orders()
        return [order for order in orders if (order.client_id, order.order_id) == own]

    async def sales(self) -> dict[int, float]:
        """Return what the broker has of own sales, working or ended: limits by permanent id."""
        rows: list[WorkingOrder | CompletedOrder] = [*await self.desk.open_orders()]
        rows += await self.desk.completed_orders()
        own = (row for row in rows if (row.ref, row.con_id) == (self.ref, self.contract.con_id))
        return {row.perm_id: row.limit_price for row in own if row.side == "SELL"}

    async def acknowledged(self, name: str, trade: Trade) -> bool:
        """Wait for the gateway's first word about an order, and check that it came in time."""
        limit = self.trial.config.thresholds.order_ack_seconds
        try:
            await trade.ticket.acked(limit)
            actual, passed = f"after {trade.ticket.acked_ms or 0:.0f} ms", True
        except GatewayTimeout as error:
            actual, passed = str(error), False
        return self.trial.check(f"{name}: acknowledged", f"within {limit:g} s", actual, passed)

    async def executed(self, name: str, trade: Trade) -> bool:
        """Follow an order to its end, and check that it was acknowledged and filled in time."""
        if not await self.acknowledged(name, trade):
            return False
        limit = self.trial.config.thresholds.order_fill_timeout_seconds
        await self.settled(trade, self.trial.clock.wall(limit))
        expected = f"{OrderState.FILLED} within {limit:g} s"
        return self.trial.check(f"{name}: filled", expected, trade.story, passed=trade.filled)

    async def settled(self, trade: Trade, wall_seconds: float) -> bool:
        """Wait for an order's end, at most so many real seconds; whether it has ended."""
        return await self.eventually(lambda: trade.ticket.terminal, wall_seconds)

    async def eventually(self, condition: Callable[[], bool], wall_seconds: float) -> bool:
        """Wait for something to become true, at most so many real seconds; whether it did."""
        clock = self.trial.clock
        until = clock.wall_ms() + wall_seconds * 1000
        while not condition() and clock.wall_ms() < until:
            await clock.sleep(POLL_S)
        return condition()

    async def withdraw(self, trade: Trade) -> bool:
        """Cancel a working order and wait for its end; whether it has ended, either way."""
        limit = self.trial.config.thresholds.cancel_timeout_seconds
        if not trade.ticket.terminal:
            await self.desk.cancel(trade.ticket)
        return await self.settled(trade, self.trial.clock.wall(limit))

    async def booked(self) -> float:
        """Return what the executions on record for the orders sent here add up to."""
        await self.desk.book.flush()
        orders = [trade.ticket.order.pk for trade in self.trades]
        rows = [row async for row in Execution.objects.filter(order_id__in=orders)]
        return float(sum(row.signed for row in standing(rows)))

    async def held(self) -> float:
        """Return how much of the contract the broker says the account holds."""
        rows = await self.desk.positions()
        return sum(row.quantity for row in rows if row.con_id == self.contract.con_id)

    async def reaches(self, quantity: float) -> float:
        """Wait, within the configured limit, until the position is this; return what it is."""
        limit = self.trial.config.thresholds.position_lag_seconds
        clock = self.trial.clock
        until = clock.wall_ms() + clock.wall(limit) * 1000
        while (held := await self.held()) != quantity and clock.wall_ms() < until:
            await clock.sleep(POLL_S)
        return held


@dataclass(frozen=True)
class Rung:
    """One attempt of the ladder: the bid it was set by, and what became of it."""

    bid: float
    trade: Trade


async def close_by_ladder(trader: Trader, name: str) -> list[Rung]:
    """Sell one lot at the mid, then half the spread lower, then through the bid.

    Each price stands for 10 seconds on a fresh quote; every attempt is logged. Ends with the fill,
    or after the third price with an alert that asks for manual intervention.
    """
    rungs: list[Rung] = []
    for step in range(RUNGS):
        quote = await trader.quote()
        if quote is None:
            return rungs
        # The first two prices are meant to try, the last one to sell.
        aim: Aim = "FILL" if step == RUNGS - 1 else "REST"
        price = on_tick((quote.mid, quote.bid, quote.bid - trader.margin)[step], trader.tick)
        trade = await trader.place(f"{name}, attempt {step + 1}", "SELL", price, quote, aim=aim)
        if trade is None:
            return rungs
        rungs.append(Rung(quote.bid, trade))
        await trader.settled(trade, RUNG_S / trader.trial.clock.speed)
        if not await trader.withdraw(trade) or trade.filled:
            return rungs
        trader.trial.note(f"{name}, attempt {step + 1} was not filled", level="WARNING")
    text = f"{trader.contract.label} could not be sold in {RUNGS} attempts: close it by hand."
    await trader.trial.alert(f"{name}: manual intervention", text)
    return rungs


@asynccontextmanager
async def drill_door(
    trial: Trial, clock: SessionClock, endpoint_id: int | None = None, /, **limits: float
) -> AsyncIterator[tuple[Door, str]]:
    """Yield a door and a reference for orders at a private counterpart, apart from the session's.

    What is bought there must never count as the session's own position at the real gateway.
    With `endpoint_id` it is one of a real gateway, to ask the door a question and send nothing.
    `limits` are those of the grant that are not the usual ones.
    """
    ref = f"drill/{trial.ref}"
    until = timezone.now() + DRILL_LASTS
    grant = await OrderGrant.objects.acreate(
        scope=ref, endpoint_id=endpoint_id, expires_at=until,
        symbols=[trial.config.test_contracts.spy.symbol], **limits,
    )  # fmt: skip
    try:
        yield Door(grant.pk, clock), ref
    finally:
        await sync_to_async(grant.revoke)()
