"""Order anomalies: too large, filled in parts, overtaken by a fill, sent twice, or changed."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence

from asgiref.sync import sync_to_async

from brokerage import gateway
from brokerage.errors import (
    CANCEL_TOO_LATE,
    GatewayError,
    OrderRefused,
)
from brokerage.gateway import Intent, OrderState, Simulated, WhatIf
from brokerage.limits import holdings_of
from brokerage.models import OrderEvent, OrderRecord
from brokerage.terms import WORKING
from validation.scenarios.catalogue import MARKET_HOURS, ORDERS, Category, scenario
from validation.scenarios.resting import (
    FAR,
    REST_S,
    check_resting,
    check_withdrawn,
    complaints,
)
from validation.scenarios.steps import spy
from validation.scenarios.trading import Trade, Trader, drill_door
from validation.scenarios.trial import Trial, TrialListener

TIMES_POWER = 10
PART, WHOLE = 3.0, 10.0
PAIR = 2  # shares of the live order that may be filled in parts
PARTS_LIMITS = {"max_shares": 100, "max_notional": 1e6}  # of a private simulated gateway
ROOM = 1e6  # USD that its account says it is worth, so that ten shares are within the limits
REPLAY_WALL_S = 10.0  # real: a replay shows what is made of reports, not how soon they come
ENDS = (OrderState.FILLED, OrderState.CANCELLED)


@scenario(
    id="OE-05",
    slug="order-anomaly-handling",
    title="Handling of order anomalies",
    category=Category.OE,
    timeout=120,
    severity="S-HIGH",
    needs=[MARKET_HOURS, ORDERS],
    cases=(8, 9, 10, 11),
)
async def order_anomaly_handling(trial: Trial) -> None:
    """Orders that go wrong are refused, followed or settled, and are never lost or doubled.

    Four legs, each reported on its own. Leg 8 asks what an order for ten times the buying power
    would do, without placing it, and offers it to the pre-trade check. Leg 9 fills 3 of 10 shares
    on a private simulated gateway, then the other 7, and again 3 with a cancel of the rest; two
    shares bought at the real gateway may or may not fill in parts. Leg 10 buys one share at market
    and cancels at once. Leg 11 sends one order twice at the same moment, two equal orders that
    rest far below the market, changes the limit of one, and cancels both.

    Passes when

    - leg 8: the order is refused by the broker or would need more margin than there is, the
      pre-trade check refuses it with a reason on record, and nothing is sent or works;
    - leg 9: the states are partial, then filled or cancelled; our ledger says 3, then 10 (or 3);
      the average price is weighted; the partial fill stands in the log;
    - leg 10: within 10 seconds the order is filled, with the cancel refused and one more in the
      ledger, or cancelled with nothing; the broker lists nothing and holds what we have booked;
    - leg 11: the same order is one at the broker, and the second call returns the first id; two
      equal orders are two, both followed, both counted in the exposure and both resting at the
      broker with no word against them; the changed one is still one, with the new limit; both are
      cancelled, no longer listed, and fill no more.
    """
    trader = Trader(trial, await trial.desk.qualify(spy(trial)))
    for number, leg in LEGS:
        await _report(trader, number, leg)


async def _report(trader: Trader, number: int, leg: Callable[[Trader], Awaitable[None]]) -> None:
    """Carry a leg out whatever became of the others, and say how it ended."""
    trial, before = trader.trial, len(trader.trial.checks)
    try:
        await leg(trader)
    except GatewayError as error:
        trial.check(f"leg {number}: gateway answers", "each request", str(error), passed=False)
    checks = trial.checks[before:]
    passed = bool(checks) and all(row.passed for row in checks if row.required)
    trial.measure(f"leg_{number}_passed", float(passed))
    trial.note(f"Leg {number}: {'passed' if passed else 'failed'}")


# -- leg 8: more than there is money for --------------------------------------------------------


async def _too_large(trader: Trader) -> None:
    trial, quote = trader.trial, await trader.quote()
    if quote is None:
        return
    power = (await trader.desk.account_summary()).values.get("BuyingPower", math.nan)
    if not trial.check("leg 8: buying power", "known", f"{power:g}", passed=power > 0):
        return
    shares = float(math.ceil(TIMES_POWER * power / quote.ask))
    intent = trader.intent("BUY", quote.ask, quantity=shares, aim="REJECT")
    trial.note(f"leg 8: {shares:g} {trader.contract.label}, asked as what-if, not placed")
    answer = await trader.desk.what_if(intent)
    code = answer.refused[0] if answer.refused else 0
    trial.measure("reject_code", code)
    short = answer.init_margin_after > answer.equity_with_loan_after
    expected = "refused, or margin above the equity"
    trial.check("leg 8: what-if", expected, _said(answer), passed=bool(code) or short)
    await _check_door(trader, intent)


def _said(answer: WhatIf) -> str:
    if answer.refused:
        return f"refused with {answer.refused[0]}: {answer.refused[1]}"
    margin, equity = answer.init_margin_after, answer.equity_with_loan_after
    return f"margin {margin:,.0f} USD, equity {equity:,.0f} USD"


async def _check_door(trader: Trader, intent: Intent) -> None:
    """The pre-trade check, asked first without sending: an order let through is not sent at all."""
    trial, refused = trader.trial, await trader.refusal(intent)
    actual = "let through" if refused is None else f"{refused.reason}: {refused.text}"
    if not trial.check("leg 8: pre-trade check", "refused", actual, passed=refused is not None):
        return
    try:
        await trader.desk.place(intent, trader.door)
    except OrderRefused as again:
        trial.note(f"leg 8: refused with {again.reason}", "WARNING")
    record = await OrderRecord.objects.filter(key=intent.key).afirst()
    actual = f"{record.state} {record.reason}" if record else "not on record"
    stored = record is not None and record.state == OrderState.REFUSED and bool(record.reason)
    trial.check("leg 8: reason on record", "REFUSED and why", actual, passed=stored)
    sent = OrderEvent.objects.filter(order__key=intent.key, kind=OrderState.SUBMITTING)
    trial.check("leg 8: times sent", 0, await sent.acount())
    works = [o for o in await trader.desk.open_orders() if o.quantity == intent.quantity]
    trial.check("leg 8: working orders", 0, len(works))


# -- leg 9: filled in parts ---------------------------------------------------------------------


async def _in_parts(trader: Trader) -> None:
    trial = trader.trial
    with trial.planned_fault("a private simulated gateway that fills in parts"):
        async with (
            gateway.simulation(speed=trial.target.speed, net_liquidation=ROOM) as counterpart,
            gateway.connect(
                counterpart.target, readonly=False, listener=TrialListener(trial)
            ) as desk,
            drill_door(trial, desk.clock, **PARTS_LIMITS) as (door, ref),
        ):
            contract = await desk.qualify(spy(trial))
            # The first quote of a new simulated market takes long enough to be old on arrival.
            await desk.quote(contract)
            for end in ENDS:
                other = Trader(trial, contract, desk, door, ref)
                await _part_of_ten(other, counterpart, end)
    await _live_parts(trader)


async def _part_of_ten(trader: Trader, counterpart: Simulated, end: OrderState) -> None:
    trial, quote = trader.trial, await trader.quote()
    if quote is None:
        return
    name = f"leg 9, {end.lower()}"
    counterpart.fill_one_part(PART)
    price = quote.ask + trader.margin
    trade = await trader.send(name, trader.intent("BUY", price, quantity=WHOLE), quote)
    if trade is None or not await trader.acknowledged(name, trade):
        return
    limit = trial.config.thresholds.order_fill_timeout_seconds
    wall = max(trial.clock.wall(limit), REPLAY_WALL_S)
    await trader.eventually(lambda: trade.ticket.status is OrderState.PARTIAL, wall)
    trial.check(f"{name}: state after a part", OrderState.PARTIAL, trade.ticket.status)
    trial.check(f"{name}: ledger after a part", PART, await trader.booked())
    # Not even for a moment may the rest of an order that is to be cancelled be filled.
    if end is OrderState.CANCELLED:
        await trader.desk.cancel(trade.ticket)
    else:
        counterpart.fill_rest()
    await trader.settled(trade, wall)
    counterpart.fill_rest()
    await _check_parts(trader, name, trade, end)


async def _check_parts(trader: Trader, name: str, trade: Trade, end: OrderState) -> None:
    trial, ticket = trader.trial, trade.ticket
    wanted = WHOLE if end is OrderState.FILLED else PART
    trial.check(f"{name}: state at the end", end, ticket.status)
    trial.check(f"{name}: ledger at the end", wanted, await trader.booked())
    cost = sum(fill.quantity * fill.price for fill in ticket.fills.values())
    mean = cost / wanted
    weighted = math.isclose(mean, ticket.avg_price, rel_tol=1e-6)
    trial.check(f"{name}: average price", f"{mean:.4f}", f"{ticket.avg_price:.4f}", passed=weighted)
    logged = any(f"Order {ticket.order.pk} partial" in note.text for note in trial.notes)
    trial.check(f"{name}: partial fill in the log", "yes", "yes" if logged else "no")


async def _live_parts(trader: Trader) -> None:
    """Buy two at the real gateway and see whether they fill in parts; nothing depends on it."""
    trial, quote = trader.trial, await trader.quote()
    if quote is None:
        return
    intent = trader.intent("BUY", quote.ask + trader.margin, quantity=PAIR)
    trade = await trader.send("leg 9, live", intent, quote)
    if trade is None:
        return
    limit = trial.config.thresholds.order_fill_timeout_seconds
    await trader.settled(trade, trial.clock.wall(limit))
    kinds = [event.kind for event in trade.ticket.events]
    observed = OrderState.PARTIAL in kinds
    trial.measure("partial_observed", float(observed))
    trial.note(f"leg 9, live: fill in parts {'observed' if observed else 'not observed'}")
    await trader.withdraw(trade)


# -- leg 10: a cancel and a fill at once --------------------------------------------------------


async def _race(trader: Trader) -> None:
    trial, quote = trader.trial, await trader.quote()
    if quote is None:
        return
    own = Trader(trial, trader.contract)
    opening = await own.held()
    trade = await own.send("leg 10", own.intent("BUY", 0, aim="REST", market=True), quote)
    if trade is None:
        return
    await own.desk.cancel(trade.ticket)
    limit = trial.config.thresholds.cancel_timeout_seconds
    wall = trial.clock.wall(limit)
    await own.settled(trade, wall)
    ticket = trade.ticket
    ended = ticket.status in ENDS
    expected = f"{' or '.join(ENDS)} within {limit:g} s"
    trial.check("leg 10: outcome", expected, trade.story, passed=ended)
    trial.measure("race_outcome", float(ticket.status is OrderState.FILLED))
    if ticket.status is OrderState.FILLED:
        await own.eventually(lambda: bool(_refusals(trade)), wall)
        expected = " or ".join(str(code) for code in sorted(CANCEL_TOO_LATE))
        codes = ", ".join(str(code) for code in _refusals(trade))
        trial.check("leg 10: answer to the cancel", expected, codes or "none", passed=bool(codes))
    elif ticket.status is OrderState.CANCELLED:
        trial.check("leg 10: filled of a cancelled order", 0.0, ticket.filled)
    await trial.clock.sleep(REST_S)
    trial.check("leg 10: among the open orders", 0, len(await own.listed(trade)))
    booked = await own.booked()
    held = await own.reaches(opening + booked)
    trial.check("leg 10: change of the position", f"{booked:+g}", f"{held - opening:+g}")
    trial.check("leg 10: ledger", ticket.filled, booked)


def _refusals(trade: Trade) -> list[int]:
    """The codes with which a cancel of the order was refused."""
    details = [event.detail for event in trade.ticket.events if event.kind == "CANCEL_REFUSED"]
    return [int(detail["code"]) for detail in details]


# -- leg 11: twice, and changed -----------------------------------------------------------------


async def _twice(trader: Trader) -> None:
    trial, quote = trader.trial, await trader.quote()
    if quote is None:
        return
    own = Trader(trial, trader.contract)
    exposed = await _buying(own)
    first = await _same_twice(own, own.intent("BUY", quote.bid * FAR, aim="REST"))
    second = await own.place("leg 11, equal order", "BUY", quote.bid * FAR, quote, aim="REST")
    if first is None or second is None:
        return
    trades = {"first": Trade(first.ticket, first.intent, quote), "equal": second}
    own.trades.append(trades["first"])
    ids = {trade.ticket.order_id for trade in trades.values()}
    trial.check("leg 11: ids of two equal orders", len(trades), len(ids))
    for name, trade in trades.items():
        await own.acknowledged(f"leg 11, {name}", trade)
    await trial.clock.sleep(REST_S)
    for name, trade in trades.items():
        await check_resting(own, f"leg 11, {name}", trade)
    counted = await _buying(own) - exposed
    trial.check("leg 11: counted in the exposure", f"{len(trades):+g}", f"{counted:+g}")
    await _change(own, trades["equal"])
    for name, trade in trades.items():
        await check_withdrawn(own, f"leg 11, {name}", trade)


async def _same_twice(trader: Trader, intent: Intent) -> Trade | None:
    """Send one order two times at once: one of them must be the other."""
    trial, name = trader.trial, "leg 11: ids of one order sent twice"
    try:
        # Both begin in the same turn of the event loop: nothing of the first is written yet.
        tickets = await asyncio.gather(
            *(trader.desk.place(intent, trader.door) for _ in range(PAIR))
        )
    except OrderRefused as refused:
        trial.check(name, 1, refused.text, passed=False)
        return None
    ids = {ticket.order_id for ticket in tickets}
    trial.check(name, 1, len(ids))
    orders = await trader.desk.open_orders()
    same = [o for o in orders if o.ref == trader.ref and o.limit_price == intent.limit_price]
    trial.check("leg 11: orders at the broker", 1, len(same))
    trial.measure("duplicate_blocked", float(len(ids) == len(same) == 1))
    return Trade(tickets[0], intent, trader.desk.last_quotes[trader.contract.con_id])


async def _buying(trader: Trader) -> float:
    """How much the limits count as bought by orders that work."""
    await trader.desk.book.flush()
    holdings = await sync_to_async(holdings_of)(trader.ref.split("/")[0])
    holding = holdings.get(trader.contract.con_id)
    return holding.buying if holding else 0.0


async def _change(trader: Trader, trade: Trade) -> None:
    """Give a resting order a limit one tick lower; it must be the same order."""
    trial, ticket = trader.trial, trade.ticket
    if ticket.status not in WORKING:
        return
    limit = round(trade.intent.limit_price - trader.tick, 6)
    trial.note(f"leg 11: limit of order {ticket.order_id} to {limit:g}")
    heard = len(ticket.events)
    try:
        await trader.desk.change(ticket, limit, trader.door)
    except OrderRefused as refused:
        trial.check("leg 11: change of the limit", f"{limit:g}", refused.text, passed=False)
        return
    await trial.clock.sleep(REST_S)
    listed = await trader.listed(trade)
    said = "".join(f"; {words}" for words in complaints(ticket.events[heard:]))
    actual = ", ".join(f"{order.limit_price:g}" for order in listed) or "not listed"
    changed = len(listed) == 1 and math.isclose(listed[0].limit_price, limit)
    trial.check("leg 11: change of the limit", f"{limit:g}", f"{actual}{said}", passed=changed)
    trial.check("leg 11: orders under its id", 1, len({order.perm_id for order in listed}))


LEGS: Sequence[tuple[int, Callable[[Trader], Awaitable[None]]]] = (
    (8, _too_large),
    (9, _in_parts),
    (10, _race),
    (11, _twice),
)
