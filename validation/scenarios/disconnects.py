"""A connection lost in the middle of a session: noticed, protected, found again, reconciled."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from brokerage import gateway
from brokerage.errors import GatewayError
from brokerage.gateway import SCENARIO_IDS, Contract, Desk, OrderState, Quote, Relayed, Ticket
from brokerage.kill_rules import LONGEST_LOSS_S, Loss, connection_problem
from brokerage.models import KillSwitch, OrderRecord
from brokerage.terms import WORKING
from validation.scenarios.catalogue import MARKET_HOURS, ORDERS, Category, scenario
from validation.scenarios.resting import FAR
from validation.scenarios.steps import fresh_quote, spy
from validation.scenarios.trading import Trade, Trader
from validation.scenarios.trial import Trial, TrialListener

NOTICED_S = 5.0
AWAY_S = 5.0
ATTEMPTS = 3
ENDED_S = 10.0  # after the reconnect
NEWS_S, NEWS_TRIES = 2.0, 4
PLANNED = "a relay that breaks the line"
SETTLED = WORKING - {OrderState.UNKNOWN, OrderState.NO_RESPONSE}


class LossListener(TrialListener):
    """Writes what happens into the log, and raises an alert as soon as the connection is lost."""

    TITLE = "connection lost"

    def __init__(self, trial: Trial) -> None:
        super().__init__(trial)
        self.alerts: list[asyncio.Task[None]] = []

    def lost(self, why: str) -> None:
        """Alert people."""
        super().lost(why)
        self.alerts.append(asyncio.ensure_future(self.trial.alert(self.TITLE, why)))


@dataclass
class Broken:
    """What was on the line when it broke."""

    trader: Trader
    trade: Trade
    listener: LossListener
    cut_at: float  # session seconds
    quote: Quote

    @property
    def ticket(self) -> Ticket:
        """The order that was working."""
        return self.trade.ticket


@scenario(
    id="RS-06",
    slug="mid-session-disconnect-recovery",
    title="Recovery from a disconnect in mid-session",
    category=Category.RS,
    timeout=120,
    severity="S-CRIT",
    needs=[MARKET_HOURS, ORDERS],
    cases=(2,),
    waivable=False,
)
async def mid_session_disconnect_recovery(trial: Trial) -> None:
    """A lost connection is noticed at once, and nothing of its orders is lost or doubled.

    Connects once more, through a relay on this machine, and places a buy order for one share at
    half the bid, where it waits. Cuts the line, offers another order, restores the line after 5
    seconds, connects again with the same client id, reads everything anew and cancels the order.
    The session's own connection stays up and watches the broker's books.

    Passes when

    - the loss is noticed within 5 seconds, an alert is raised, and the order is unknown, here and
      on record;
    - a new order is refused on our side, and the broker has the one order and no other;
    - the connection stands again after at most 3 attempts; until everything is read anew, opening
      orders are refused;
    - open orders and executions are read, the order is known again, and own record, wire and
      broker agree; only then may orders leave;
    - quotes after the reconnect are new, not those from before;
    - the order is cancelled within 10 seconds of the reconnect and fills no more;
    - the kill switch is armed all the time: the rule about lost connections does not count a
      planned window, and trips for a loss of 61 seconds without one.
    """
    contract = await trial.desk.qualify(spy(trial))
    before = await gateway.reconcile(trial.desk, trial.ref, "START")
    if not trial.check("reconciliation before", "CLEAN", before.words, passed=before.clean):
        return
    outage = 0.0
    async with gateway.relayed(trial.target) as line:
        with trial.planned_fault(PLANNED):
            broken = await _break(trial, line, contract)
            if broken is not None:
                await _recover(trial, line, broken)
                outage = trial.clock.elapsed() - broken.cut_at
    _check_rule(trial, outage)
    armed = await KillSwitch.objects.filter(state=KillSwitch.State.ARMED).aexists()
    trial.check("kill switch", "armed", "armed" if armed else "not armed")


# -- the loss -----------------------------------------------------------------------------------


async def _break(trial: Trial, line: Relayed, contract: Contract) -> Broken | None:
    """Place an order through the relay and cut it; None, with a failed check, if that fails."""
    listener = LossListener(trial)
    ids = [client_id for client_id in SCENARIO_IDS if client_id != trial.desk.client_id]
    opening = gateway.connect(
        line.target, client_ids=ids, readonly=False, clock=trial.clock, listener=listener
    )
    async with opening as desk:
        broken = await rest(Trader(trial, contract, desk), listener)
        if broken is None:
            return None
        line.cut()
        await _check_noticed(trial, broken)
        await check_unknown(trial, broken)
        await check_refused(trial, broken)
        orders = [order for order in await trial.desk.open_orders() if order.ref == trial.ref]
        trial.check("own orders at the broker", 1, len({order.perm_id for order in orders}))
    await check_alert(trial, listener)
    return broken


async def rest(trader: Trader, listener: LossListener) -> Broken | None:
    """Place an order that waits; None, with a failed check, if that fails."""
    quote = await trader.quote()
    if quote is None:
        return None
    trade = await trader.place("far buy", "BUY", quote.bid * FAR, quote, aim="REST")
    if trade is None or not await trader.acknowledged("far buy", trade):
        return None
    return Broken(trader, trade, listener, trader.trial.clock.elapsed(), quote)


async def check_alert(trial: Trial, listener: LossListener) -> None:
    """Check that people were told of the loss."""
    await asyncio.gather(*listener.alerts)
    raised = LossListener.TITLE in trial.alerts
    trial.check("alert", "raised", "raised" if raised else "none")


async def _check_noticed(trial: Trial, broken: Broken) -> None:
    """Wait until the line is called lost, and check that it is soon."""
    trader, cut = broken.trader, trial.clock.wall_ms()
    wall = trial.clock.wall(NOTICED_S)
    noticed = await trader.eventually(lambda: not trader.desk.connected, wall)
    took = trial.clock.wall_ms() - cut
    trial.measure("detect_ms", took, "ms")
    actual = f"after {took:.0f} ms" if noticed else "still called connected"
    trial.check("loss noticed", f"within {NOTICED_S:g} s", actual, passed=noticed)


async def check_unknown(trial: Trial, broken: Broken) -> None:
    """Check that nobody claims to know what became of the order."""
    trader = broken.trader
    await trader.desk.book.flush()
    record = await OrderRecord.objects.aget(pk=broken.ticket.order.pk)
    known = {str(broken.ticket.status), record.state}
    unknown = known == {OrderState.UNKNOWN.value}
    expected = f"{OrderState.UNKNOWN}, here and on record"
    trial.check("own order during the loss", expected, " / ".join(sorted(known)), passed=unknown)


async def check_refused(trial: Trial, broken: Broken) -> None:
    """Offer a new order while the connection is lost."""
    trader, quote = broken.trader, broken.quote
    intent = trader.intent("BUY", quote.bid * FAR, aim="REJECT")
    try:
        await trader.desk.place(intent, trader.door)
        actual, refused = "sent", False
    except GatewayError as error:
        actual, refused = str(error), True
    trial.check("new order during the loss", "refused here", actual, passed=refused)


# -- the way back -------------------------------------------------------------------------------


async def _recover(trial: Trial, line: Relayed, broken: Broken) -> None:
    left = AWAY_S - (trial.clock.elapsed() - broken.cut_at)
    await trial.clock.sleep(left)
    await line.restore()
    began, expected = trial.clock.wall_ms(), f"at most {ATTEMPTS} attempts"
    try:
        async with gateway.connect(
            line.target,
            client_ids=(broken.trader.desk.client_id,),
            readonly=False,
            clock=trial.clock,
            listener=TrialListener(trial),
            attempts=ATTEMPTS,
            again=True,
        ) as desk:
            trial.measure("outage_s", trial.clock.elapsed() - broken.cut_at, "s")
            trial.measure("reconnect_ms", trial.clock.wall_ms() - began, "ms")
            few = desk.attempts <= ATTEMPTS
            trial.check("reconnected", expected, f"{desk.attempts} attempts", passed=few)
            await read_anew(trial, desk, broken, trial.desk)
    except GatewayError as error:
        trial.check("reconnected", expected, str(error), passed=False)


async def read_anew(trial: Trial, desk: Desk, broken: Broken, observer: Desk) -> None:
    """Read everything over the new connection and cancel the order; `observer` looks on."""
    back = trial.clock.wall_ms()
    trader = Trader(trial, broken.trader.contract, desk)
    await _check_door(trader, "orders before everything is read", allowed=False)
    tickets = await desk.resume(trial.ref)
    known = [ticket for ticket in tickets if ticket.order.pk == broken.ticket.order.pk]
    states = ", ".join(str(ticket.status) for ticket in known) or "not found"
    found = len(known) == 1 and known[0].status in SETTLED
    trial.check("own order after the reconnect", "known and working", states, passed=found)
    run = await gateway.reconcile(desk, trial.ref, "RECONNECT")
    name = "reconciliation after the reconnect"
    trial.check(name, "CLEAN", run.words, passed=run.clean)
    for ticket in known:
        await _check_ended(trader, ticket, back, observer)
    await _check_news(trial, desk, broken)
    await _check_door(trader, "orders after it", allowed=True)


async def _check_door(trader: Trader, name: str, *, allowed: bool) -> None:
    """Ask the door, and send nothing."""
    quote = await fresh_quote(trader.trial, trader.contract, trader.desk)
    if quote is None:
        return
    refused = await trader.refusal(trader.intent("BUY", quote.bid * FAR))
    actual = "let through" if refused is None else f"{refused.reason}: {refused.text}"
    expected = "let through" if allowed else "refused"
    trader.trial.check(name, expected, actual, passed=(refused is None) is allowed)


async def _check_ended(trader: Trader, ticket: Ticket, back: float, observer: Desk) -> None:
    """Cancel the order and look for it in the broker's books."""
    trial, clock = trader.trial, trader.trial.clock
    if not ticket.terminal:
        await trader.desk.cancel(ticket)
    left = clock.wall(ENDED_S) - (clock.wall_ms() - back) / 1000
    await trader.eventually(lambda: ticket.terminal, left)
    trial.measure("cancel_after_reconnect_ms", clock.wall_ms() - back, "ms")
    cancelled = ticket.status is OrderState.CANCELLED and not ticket.filled
    actual = f"{ticket.status}, {ticket.filled:g} filled"
    expected = f"{OrderState.CANCELLED} within {ENDED_S:g} s of the reconnect"
    trial.check("own order at the end", expected, actual, passed=cancelled)
    orders = [order for order in await observer.open_orders() if order.ref == trial.ref]
    trial.check("own orders at the broker at the end", 0, len(orders))


async def _check_news(trial: Trial, desk: Desk, broken: Broken) -> None:
    """See that quotes move on: the first ones may equal the last before the cut, but not all."""
    before = broken.quote.bid, broken.quote.ask, broken.quote.last
    for _ in range(NEWS_TRIES):
        quote = await desk.quote(broken.trader.contract)
        now = quote.bid, quote.ask, quote.last
        if now != before:
            break
        await trial.clock.sleep(NEWS_S)
    said = [" / ".join(f"{price:g}" for price in prices) for prices in (before, now)]
    expected = f"not for ever {said[0]}, from before the cut"
    trial.check("quotes after the reconnect", expected, said[1], passed=now != before)


def _check_rule(trial: Trial, outage: float) -> None:
    """Ask the kill switch's rule about this outage and most of a minute more; nothing trips.

    Its seconds count as planned only as far as the stored windows cover them: without one it trips.
    """
    loss = Loss(outage + LONGEST_LOSS_S - 1, planned=_provoked(trial, outage))
    planned = connection_problem([loss])
    trial.check("rule for this loss, planned", "does not trip", planned or "does not trip")
    long = connection_problem([Loss(LONGEST_LOSS_S + 1)])
    actual = long or "does not trip"
    trial.check("rule for 61 s, not planned", "trips", actual, passed=bool(long))


def _provoked(trial: Trial, outage: float) -> float:
    """Return how many session seconds of an outage that has just ended lie in stored windows."""
    if not trial.windows:
        return 0.0
    end = trial.windows[-1].ends_at
    start = end - timedelta(seconds=outage / trial.target.speed)
    covered = (min(one.ends_at, end) - max(one.starts_at, start) for one in trial.windows)
    return sum(max(one.total_seconds(), 0.0) for one in covered) * trial.target.speed
