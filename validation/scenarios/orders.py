"""Order execution: submission, position tracking, cancellation, closing."""

import math
from collections.abc import Collection, Sequence
from itertools import pairwise

from brokerage import gateway
from brokerage.errors import GatewayTimeout
from brokerage.gateway import Contract, OrderState, Position
from brokerage.models import OrderEvent, OrderRecord
from brokerage.terms import WORKING
from validation.scenarios.catalogue import MARKET_HOURS, ORDERS, Category, scenario
from validation.scenarios.resting import FAR, REST_S
from validation.scenarios.sizing import check_sizing
from validation.scenarios.steps import spy
from validation.scenarios.trading import (
    LOT,
    RUNG_S,
    RUNGS,
    Rung,
    Trade,
    Trader,
    check_multiplier,
    close_by_ladder,
    drill_door,
    weekly_call,
)
from validation.scenarios.trial import Trial, TrialListener

AUDITED = ("INTENT", "SUBMITTED", "FILLED")
ASKED_AGAIN_S = 2.0  # for a commission once executions were read again
OUT_OF_REACH = 1.5  # of the ask: a sale there can't be filled


@scenario(
    id="OE-01",
    slug="limit-order-submission",
    title="Limit order submission",
    category=Category.OE,
    timeout=75,
    severity="S-HIGH",
    needs=[MARKET_HOURS, ORDERS],
)
async def limit_order_submission(trial: Trial) -> None:
    """A limit order is accepted, filled at its limit or better, and accounted for.

    Quotes the test contract and buys one at the ask plus one tick, for the day. The clean-up
    sells it back.

    Passes when

    - the contract is for a hundred shares, else no order leaves;
    - the order has an id and is acknowledged within 5 seconds;
    - it is filled within the configured time (30 seconds): one contract, at the limit or better;
    - one execution is reported, and its commission within 10 seconds (then the executions are read
      again, once);
    - the audit trail holds the intent, the submission and the fill;
    - the order is within the configured shares of the account, and a day trade is left to sell it.
    """
    trader = Trader(trial, await weekly_call(trial))
    if not check_multiplier(trial, trader.contract):
        return
    trade = await trader.buy()
    if trade is None:
        return
    order_id = trade.ticket.order_id
    trial.check("order id", "above 0", order_id, passed=order_id > 0)
    if await trader.executed("buy", trade):
        await check_sizing(trial, trade)
        _check_fill(trial, trade)
        await _check_commission(trial, trade)
        await _check_audit(trader, trade)


def _check_fill(trial: Trial, trade: Trade) -> None:
    ticket, limit = trade.ticket, trade.intent.limit_price
    trial.measure("place_to_ack_ms", ticket.acked_ms or 0, "ms")
    trial.measure("place_to_fill_ms", ticket.filled_ms or 0, "ms")
    trial.measure("slippage_vs_mid", trade.slippage, "USD")
    trial.check("filled quantity", float(LOT), ticket.filled)
    price, good = ticket.avg_price, 0 < ticket.avg_price <= limit + 1e-9
    trial.check("fill price", f"at most {limit:g}", price, passed=good)


async def _check_commission(trial: Trial, trade: Trade) -> None:
    limit = trial.config.thresholds.commission_timeout_seconds
    name, expected = "commission", f"reported within {limit:g} s"
    try:
        commission = await _commission(trial, trade, limit)
    except GatewayTimeout as error:
        trial.check(name, expected, str(error), passed=False)
    else:
        trial.measure("commission", commission, "USD")
        trial.check(name, expected, f"{commission:.2f} USD", passed=True)
    trial.check("executions", 1, len(trade.ticket.fills))


async def _commission(trial: Trial, trade: Trade, limit: float) -> float:
    """Wait for the commission; where none was told, read the executions again once."""
    try:
        return await trade.ticket.commission_report(limit)
    except GatewayTimeout:
        trial.note("No commission was told: reading the executions again", "WARNING")
    await trial.desk.executions()
    return await trade.ticket.commission_report(ASKED_AGAIN_S)


async def _check_audit(trader: Trader, trade: Trade) -> None:
    await trader.desk.book.flush()
    events = OrderEvent.objects.filter(order_id=trade.ticket.order.pk)
    kinds = [event.kind async for event in events]
    expected, complete = ", ".join(AUDITED), set(AUDITED) <= set(kinds)
    trader.trial.check("audit trail", expected, ", ".join(kinds), passed=complete)


@scenario(
    id="OE-02",
    slug="position-tracking",
    title="Position tracking",
    category=Category.OE,
    timeout=75,
    severity="S-HIGH",
    needs=[MARKET_HOURS, ORDERS],
    cases=(12,),
)
async def position_tracking(trial: Trial) -> None:
    """A fill shows in the broker's position, and our own ledger agrees with it.

    Reads the position in the test contract by its contract id, buys one and reads it again. The
    clean-up sells it back.

    Passes when

    - the position has grown by exactly one within 10 seconds of the fill;
    - its average cost is above zero and its right is a call;
    - our own ledger of executions says the same as the broker;
    - all other positions are unchanged.
    """
    trader = Trader(trial, await weekly_call(trial))
    if not check_multiplier(trial, trader.contract):
        return
    opening = await trial.desk.positions()
    before = sum(row.quantity for row in opening if row.con_id == trader.contract.con_id)
    trade = await trader.buy()
    if trade is None or not await trader.executed("buy", trade):
        return
    started = trial.clock.wall_ms()
    delta = await trader.reaches(before + LOT) - before
    trial.measure("position_lag_ms", trial.clock.wall_ms() - started, "ms")
    limit = trial.config.thresholds.position_lag_seconds
    expected, actual = f"{LOT:+g} within {limit:g} s", f"{delta:+g}"
    trial.check("change of the position", expected, actual, passed=delta == LOT)
    _check_positions(trial, trader.contract, opening, await trial.desk.positions())
    trial.check("own ledger equals the broker", f"{delta:+g}", f"{await trader.booked():+g}")


def _check_positions(
    trial: Trial, contract: Contract, opening: Sequence[Position], now: Sequence[Position]
) -> None:
    row = next((row for row in now if row.con_id == contract.con_id), None)
    cost = row.avg_cost if row else 0.0
    trial.check("average cost", "above 0", cost, passed=cost > 0)
    trial.check("right", "C", row.right if row else "no position")
    others, still = (
        {row.con_id: row.quantity for row in rows if row.con_id != contract.con_id and row.quantity}
        for rows in (opening, now)
    )
    trial.check("other positions", others or "none", still or "none")


@scenario(
    id="OE-03",
    slug="order-cancellation",
    title="Order cancellation",
    category=Category.OE,
    timeout=45,
    severity="S-CRIT",
    needs=[MARKET_HOURS, ORDERS],
    waivable=False,
)
async def order_cancellation(trial: Trial) -> None:
    """A working order can be cancelled, and stays cancelled.

    Places a buy order at half the bid, where it can't be filled (one tick at least; where the
    test contract's bid is too low for that, one share instead), waits 2 seconds, cancels it, and
    looks for late fills 2 seconds after its end.

    Passes when

    - the order works at the broker before the cancel;
    - it is cancelled within 10 seconds, with nothing filled;
    - the broker no longer lists it as open and reports no late execution.

    The time to the broker's confirmation is reported; above the configured 100 milliseconds it
    is a warning.
    """
    trader = await _trader_for_a_far_order(trial)
    if not check_multiplier(trial, trader.contract):
        return
    quote = await trader.quote()
    if quote is None:
        return
    trade = await trader.place("far buy", "BUY", quote.bid * FAR, quote, aim="REST")
    if trade is None or not await trader.acknowledged("far buy", trade):
        return
    await trial.clock.sleep(REST_S)
    await _check_working(trader, trade)
    await _check_cancel(trader, trade)
    await trial.clock.sleep(REST_S)
    await _check_gone(trader, trade)


async def _trader_for_a_far_order(trial: Trial) -> Trader:
    """The test contract, or one share where half of its bid would not be a price of its own."""
    trader = Trader(trial, await weekly_call(trial))
    quote = await trader.desk.quote(trader.contract)
    if quote.bid > 2 * trader.tick:
        return trader
    return Trader(trial, await trial.desk.qualify(spy(trial)))


async def _check_working(trader: Trader, trade: Trade) -> None:
    started = trader.trial.clock.wall_ms()
    listed = bool(await trader.listed(trade))
    trader.trial.measure("order_status_ms", trader.trial.clock.wall_ms() - started, "ms")
    await _read_own_state(trader, trade)
    working = listed and trade.ticket.status in WORKING and not trade.ticket.filled
    actual = f"{trade.story}, {'listed' if listed else 'not listed'} as open"
    trader.trial.check("before the cancel", "working at the broker", actual, passed=working)


async def _read_own_state(trader: Trader, trade: Trade) -> None:
    """Time how long it takes to read the order's state from our own record."""
    started = trader.trial.clock.wall_ms()
    await OrderRecord.objects.aget(pk=trade.ticket.order.pk)
    trader.trial.sample("STATUS", trader.trial.clock.wall_ms() - started)


async def _check_cancel(trader: Trader, trade: Trade) -> None:
    trial, ticket = trader.trial, trade.ticket
    limit = trial.config.thresholds.cancel_timeout_seconds
    await trader.withdraw(trade)
    cancelled = ticket.status is OrderState.CANCELLED
    expected = f"{OrderState.CANCELLED} within {limit:g} s"
    trial.check("after the cancel", expected, trade.story, passed=cancelled)
    if ticket.cancel_acked_ms is not None:
        trial.measure("cancel_to_ack_ms", ticket.cancel_acked_ms, "ms")
        sla, took = trial.config.thresholds.cancel_ack_ms, ticket.cancel_acked_ms
        expected, actual = f"below {sla:g} ms", f"{took:.0f} ms"
        trial.check("cancel latency", expected, actual, passed=took < sla, required=False)


async def _check_gone(trader: Trader, trade: Trade) -> None:
    trial, ticket = trader.trial, trade.ticket
    listed = "listed" if await trader.listed(trade) else "not listed"
    trial.check("among the broker's open orders", "not listed", listed)
    own = (ticket.client_id, ticket.order_id)
    late = [
        fill for fill in await trader.desk.executions() if (fill.client_id, fill.order_id) == own
    ]
    trial.check("executions after the cancel", 0, len(late))
    trial.check("filled quantity", 0.0, ticket.filled)


@scenario(
    id="OE-04",
    slug="close-position",
    title="Closing a position",
    category=Category.OE,
    timeout=180,
    severity="S-HIGH",
    needs=[MARKET_HOURS, ORDERS],
    cases=(13,),
)
async def close_position(trial: Trial) -> None:
    """A position can be closed, also when the first price finds no buyer.

    Leg A buys one and sells it at the bid less one tick, on a new quote. Leg B buys one, offers
    it at 150 % of the ask, where nobody buys, for 10 seconds, and then walks down a ladder: the
    mid, half the spread lower, through the bid, 10 seconds each. Leg C walks the same ladder on
    a private simulated gateway that never fills a sale.

    Passes when

    - leg A: the sale is filled within the configured time (30 seconds) and the position is back
      where it began;
    - leg B: the far offer is not filled; the broker has at most 3 sales after it, each at a limit
      nearer to or further through the market than the one before; the position is back where it
      began;
    - leg C: after the third miss exactly one alert asks for manual intervention, and the gateway
      got no fourth order.

    A position that leg A or B could not close stops the session: no order follows.
    """
    contract = await weekly_call(trial)
    if not check_multiplier(trial, contract):
        return
    if not await _close_at_once(Trader(trial, contract)):
        return
    await _close_step_by_step(Trader(trial, contract))
    with trial.planned_fault("a private simulated gateway that never fills a sale"):
        await _escalate(trial)


async def _close_at_once(trader: Trader) -> bool:
    """Leg A: buy one and sell it at the bid less one tick; whether it is gone."""
    trial, opening = trader.trial, await trader.held()
    bought = await trader.buy("leg A, buy")
    if bought is None or not await trader.executed("leg A, buy", bought):
        return False
    started = trial.clock.wall_ms()
    sold = await trader.sell("leg A, sale")
    closed = sold is not None and await trader.executed("leg A, sale", sold)
    if sold is not None and closed:
        trial.measure("close_ms", trial.clock.wall_ms() - started, "ms")
        trial.measure("close_slippage", sold.slippage, "USD")
    return await _check_flat(trader, "leg A", opening) and closed


async def _close_step_by_step(trader: Trader) -> None:
    """Leg B: buy one, offer it out of reach, then walk down the ladder."""
    trial, opening = trader.trial, await trader.held()
    bought = await trader.buy("leg B, buy")
    if bought is None or not await trader.executed("leg B, buy", bought):
        return
    if await _offer_out_of_reach(trader):
        earlier = await trader.sales()
        rungs = await close_by_ladder(trader, "leg B")
        trial.measure("attempts", len(rungs))
        _check_rungs(trial, "leg B", rungs, (await trader.sales()).items() - earlier.items())
    await _check_flat(trader, "leg B", opening)


async def _offer_out_of_reach(trader: Trader) -> bool:
    """Offer far above the market for 10 seconds and withdraw; whether it stayed unfilled."""
    quote = await trader.quote()
    if quote is None:
        return False
    name = "leg B, far offer"
    far = await trader.place(name, "SELL", quote.ask * OUT_OF_REACH, quote, aim="REST")
    if far is None or not await trader.acknowledged(name, far):
        return False
    await trader.settled(far, RUNG_S / trader.trial.clock.speed)
    await trader.withdraw(far)
    cancelled = far.ticket.status is OrderState.CANCELLED
    expected = "not filled, then cancelled"
    return trader.trial.check(name, expected, far.story, passed=cancelled and not far.ticket.filled)


def _check_rungs(
    trial: Trial, leg: str, rungs: Sequence[Rung], sales: Collection[tuple[int, float]]
) -> None:
    """Judge the sales that the broker has got, by their permanent ids and limits."""
    few = 0 < len(sales) <= RUNGS
    trial.check(f"{leg}: attempts at the broker", f"1 to {RUNGS}", len(sales), passed=few)
    limits = dict(sales)
    steps = [
        round(limits.get(rung.trade.ticket.perm_id or 0, math.nan) - rung.bid, 6) for rung in rungs
    ]
    falling = math.isfinite(sum(steps)) and all(two <= one for one, two in pairwise(steps))
    actual = ", ".join(f"{step:+.2f}" for step in steps)
    trial.check(f"{leg}: price above the bid", "never rises", actual or "none", passed=falling)


async def _check_flat(trader: Trader, leg: str, opening: float) -> bool:
    held = await trader.reaches(opening)
    name = f"{leg}: position at the end"
    return trader.trial.check(name, f"{opening:g}", f"{held:g}", critical=True)


async def _escalate(trial: Trial) -> None:
    """Leg C: the ladder on a counterpart where no sale is ever filled."""
    speed, listener = trial.target.speed, TrialListener(trial)
    async with (
        gateway.simulation(speed=speed, sell_never_fills=True) as counterpart,
        gateway.connect(counterpart.target, readonly=False, listener=listener) as desk,
        drill_door(trial, desk.clock) as (door, ref),
    ):
        trader = Trader(trial, await desk.qualify(spy(trial)), desk, door, ref)
        bought = await trader.buy("leg C, buy")
        if bought is None or not await trader.executed("leg C, buy", bought):
            return
        alerts = len(trial.alerts)
        rungs = await close_by_ladder(trader, "leg C")
        await trial.clock.sleep(RUNG_S)
        trial.check("leg C: sell orders at the gateway", RUNGS, len(await trader.sales()))
        unsold = not any(rung.trade.ticket.filled for rung in rungs)
        actual = "none was" if unsold else "a sale was"
        trial.check("leg C: sales filled", "none was", actual, passed=unsold)
        asked = len(trial.alerts) - alerts
        trial.check("leg C: alerts that ask for manual intervention", 1, asked)
