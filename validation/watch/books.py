"""Keep the books under watch: orders without an answer, and the three-way reconciliation."""

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from asgiref.sync import sync_to_async

from brokerage.comparison import Difference
from brokerage.errors import GatewayError, GatewayTimeout
from brokerage.executions import standing
from brokerage.gateway import Desk, Reconciled
from brokerage.reconciliation import CYCLE_S
from brokerage.terms import Contract, ContractSpec
from validation.models.watching import Severity
from validation.watch import orders
from validation.watch.conditions import Condition
from validation.watch.reading import Since, highest_order_id, labels, sent_orders
from validation.watch.streams import unanswered

if TYPE_CHECKING:
    from validation.watch.process import Watch

# Real seconds between looks at the own record, and the least that a limit allows.
LOOK, LEAST_LIMIT = 1.0, 3.0
# Session seconds between requests that nobody else may make for a while: history, contracts.
PROBE_S, HISTORY_S = 300.0, 30.0
PROBE = "SPY"


class Books:
    """What a session's own record says, held against the wire and the broker."""

    def __init__(self, watch: "Watch") -> None:
        self._watch = watch
        self._since = Since()
        self._lock = asyncio.Lock()
        self.based = asyncio.Event()
        self.due = "START"
        self._compared_at = self._probed_at = float("-inf")

    async def keep(self, desk: Desk) -> None:
        """Look each second; compare when it is time, and never while faults are provoked."""
        while True:
            await self._look()
            now = self._watch.clock.elapsed()
            if self._time_to_compare(now):
                occasion, self.due = self.due or "CYCLE", ""
                await self.compare(desk, occasion)
                self.based.set()
            if now - self._probed_at >= PROBE_S and not self._watch.provocation.now_on:
                self._probed_at = now
                await self._probe(desk)
            await asyncio.sleep(LOOK)

    def _time_to_compare(self, now: float) -> bool:
        if self._watch.provocation.covers(now):
            return False
        return bool(self.due) or now - self._compared_at >= CYCLE_S

    async def _look(self) -> None:
        clock = self._watch.clock
        job, now = self._watch.job, clock.elapsed()
        views = await sync_to_async(sent_orders)(job.scope, self._since, now, clock.speed)
        self._watch.judge("orders", orders.conditions(views, LEAST_LIMIT * clock.speed))

    # -- the three-way reconciliation ---------------------------------------------------------

    async def compare(self, desk: Desk, occasion: str) -> list[Condition]:
        """Reconcile, twice if there are differences; return those that nobody can explain."""
        scope, final = self._watch.job.scope, occasion == "END"
        async with self._lock:
            reconcile = self._watch.job.reconcile
            first = last = await reconcile(desk, scope, occasion)
            if first.unexplained:
                last = await reconcile(desk, scope, occasion)
        self._compared_at = self._watch.clock.elapsed()
        self._watch.figures.reconciliations += 1
        if last.error:
            self.unread(last.error)
            return []
        self._watch.judge("worth", [await self._watch.worth.hear(last.worth)])
        self._watch.judge("reading", orders.not_compared(last.run.funds) if final else ())
        self._tell_explained(first, last)
        left = [orders.difference(one, final=final) for one in last.unexplained]
        self._watch.judge("books", left)
        return left

    def _tell_explained(self, first: Reconciled, last: Reconciled) -> None:
        still = {one.key for one in last.unexplained} | last.by_people
        gone = [one for one in first.unexplained if one.key not in still]
        explained = _unique(one for one in (*first.found, *last.found) if one.explanation)
        known = {one.key for one in explained}
        self._watch.once(
            *(orders.difference(one) for one in explained),
            *(orders.settled(one) for one in gone if one.key not in known),
        )

    def unread(self, why: str) -> None:
        """Tell that the three could not be compared: what is not known is never healthy."""
        text = f"Own record, wire and broker could not be compared: {why}"
        do = "Compare positions, orders and executions by hand at the broker."
        self._watch.judge(
            "reading", [Condition("not_reconciled", "books", Severity.ERROR, text, do)]
        )

    async def last(self, desk: Desk | None) -> list[Condition]:
        """Compare at the end; return the differences that fail the session."""
        if desk is None:
            self.unread("The watch had no connection at the end.")
            return []
        await self._look()
        return await self.compare(desk, "END")

    # -- the desk that placed the orders -------------------------------------------------------

    async def look_at(self, desk: Desk) -> None:
        """Compare what the desk of a scenario was told with the record, before it is closed."""
        if not desk.connected or self._watch.provocation.covers(self._watch.clock.elapsed()):
            return
        await self.compare(desk, "CYCLE")
        heard = desk.heard()
        sums: dict[int, float] = {}
        for fill in standing(heard.fills.values()):
            if fill.client_id == desk.client_id:
                sums[fill.order_id] = sums.get(fill.order_id, 0.0) + fill.quantity
        known = await sync_to_async(labels)(self._watch.job.scope, desk.client_id)
        last = {
            one.order_id: one.status
            for one in heard.orders.values()
            if one.client_id == desk.client_id
        }
        told = [
            orders.Told(name, last.get(order_id, ""), quantity, sums.get(order_id, 0.0))
            for order_id, (name, quantity) in known.items()
        ]
        self._watch.once(*orders.contradictions(told))

    async def check_ids(self, desk: Desk) -> None:
        """See that a desk's next order id is above those that its client used in the session."""
        scope = self._watch.job.scope
        used = await sync_to_async(highest_order_id)(scope, desk.client_id)
        if used and desk.next_order_id <= used:
            self._watch.once(orders.id_went_back(desk.client_id, desk.next_order_id, used))

    # -- requests that must come to their end ---------------------------------------------------

    async def _probe(self, desk: Desk) -> None:
        """Ask for a contract and for bars: requests that a gateway has left without an answer."""
        found: list[Condition] = []
        try:
            contract = await desk.qualify(ContractSpec(PROBE))
            found += await self._probe_history(desk, contract)
        except GatewayTimeout as error:
            found.append(unanswered(PROBE, error))
        except GatewayError as error:
            found.append(_odd("contract_refused", str(error)))
        self._watch.judge("probes", found)

    async def _probe_history(self, desk: Desk, contract: Contract) -> list[Condition]:
        try:
            await desk.bars(contract, "1800 S", "5 mins", limit=HISTORY_S)
        except GatewayTimeout as error:
            text = f"NO_RESPONSE to a request for bars of {PROBE}: {error.what}"
            return [_odd("history_unanswered", text, Severity.ERROR)]
        except GatewayError as error:
            return [_odd("history_refused", str(error))]
        return []


def _odd(kind: str, text: str, severity: Severity = Severity.WARNING) -> Condition:
    do = "Give every request a limit; ask again later, and trade on no bar meanwhile."
    return Condition(kind, PROBE, severity, text, do)


def _unique(found: Iterable[Difference]) -> list[Difference]:
    return list({one.key: one for one in found}.values())
