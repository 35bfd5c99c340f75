"""Observe everybody's orders at a gateway by asking again and again; nothing is ever sent."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime

from asgiref.sync import sync_to_async

from brokerage import reconciliation
from brokerage.comparison import Books, Difference, FillRow, OrderRow, Setting, compare, confirmed
from brokerage.errors import GatewayError
from brokerage.funds import Account
from brokerage.gateway.desk import Desk
from brokerage.gateway.reconciling import READ_AGAIN_S, READ_AGAIN_WALL_S, Reconciled
from brokerage.models import ReconciliationRun
from brokerage.observing import ENDED, Look, News, observed_books
from brokerage.terms import Fill, Position, WorkingOrder

Keep = Callable[[Look], Awaitable[list[News]]]
# The list of ended orders grows all day: it is asked for when it has something to tell, and else
# at every so many looks.
ENDED_EVERY = 10
STEADY_TRIES = 5


class Observer:
    """Looks at the orders, executions and positions of the account, of every client id."""

    def __init__(self, desk: Desk, keep: Keep, since: datetime | None = None) -> None:
        """`since` is when the look before this connection was asked, if there was one."""
        self.desk, self.since = desk, since
        self._keep, self._looks = keep, 0
        self.working: tuple[WorkingOrder, ...] = ()
        self._executions = set[str]()

    async def look(self, *, whole: bool = False) -> list[News]:
        """Look once, and return what was new; with `whole` ask for the ended orders anyway."""
        seen = await read(self.desk, _always if whole else self._wants_ended)
        news = await self._keep(replace(seen, since=self.since))
        self.since = seen.began
        self._looks += 1
        self.working = seen.working
        self._executions.update(fill.exec_id for fill in seen.fills)
        return news

    def _wants_ended(self, seen: Look) -> bool:
        gone = _ids(self.working) - _ids(seen.working)
        new = any(fill.exec_id not in self._executions for fill in seen.fills)
        return bool(gone) or new or self._looks % ENDED_EVERY == 0


def _ids(orders: Iterable[WorkingOrder]) -> set[int]:
    return {order.perm_id for order in orders}


def _always(seen: Look) -> bool:
    return True


async def read(desk: Desk, wants_ended: Callable[[Look], bool] = _always) -> Look:
    """Ask for everybody's orders, executions and positions; what ends meanwhile is not missed."""
    began = datetime.now(UTC)
    working, fills = await desk.open_orders(), await desk.executions()
    held = await desk.positions()
    now = datetime.now(UTC)
    names = {row.con_id: row.local_symbol or row.symbol for row in held}
    seen = Look(began, now, tuple(working), None, tuple(fills), _quantities(held), names)
    if not wants_ended(seen):
        return seen
    return replace(seen, completed=tuple(await desk.completed_orders()), at=datetime.now(UTC))


def _quantities(held: list[Position]) -> dict[int, float]:
    return {row.con_id: row.quantity for row in held}


# -- the three-way reconciliation ---------------------------------------------------------------


async def reconcile_observed(
    desk: Desk, scope: str, occasion: str = "CYCLE", *, keep: Keep
) -> Reconciled:
    """Compare the record of others' executions with the wire and the broker's lists.

    The first run of a scope takes what the account holds, and what is listed, as given. From then
    on a position must move by the executions that were observed, of whatever client. Differences
    count when a second reading finds them as well. Cash is not compared: commissions of others
    come late, or never. A gateway that can't be read ends it as ERROR.
    """
    begun = await sync_to_async(reconciliation.begin)(desk.target, scope, occasion, desk.client_id)
    try:
        first = await sync_to_async(reconciliation.baseline)(desk.target, scope)
        if first is None:
            return await _begin(desk, begun, keep)
        base = {int(con_id): quantity for con_id, quantity in first.base.items()}
        found = await _compared(desk, scope, base, keep)
        if found:
            await desk.clock.sleep(max(READ_AGAIN_S, READ_AGAIN_WALL_S * desk.clock.speed))
            found = confirmed(found, await _compared(desk, scope, base, keep))
    except GatewayError as error:
        return Reconciled(await sync_to_async(reconciliation.fail)(begun, error))
    return await _finish(begun, found, base, first.foreign, scope, desk)


async def _begin(desk: Desk, run: ReconciliationRun, keep: Keep) -> Reconciled:
    look = await _steady(desk)
    await keep(replace(look, earlier=True))
    known = [order.perm_id for order in look.working]
    return await _finish(run, [], dict(look.positions), known, run.scope, desk)


async def _steady(desk: Desk) -> Look:
    """Read until nothing was executed between the executions and the positions."""
    look = await read(desk)
    for _ in range(STEADY_TRIES):
        before, look = look, await read(desk)
        if _executed(before) == _executed(look):
            return look
    raise GatewayError(
        "Executions and positions could not be read at one moment.",
        "Something trades so fast that they differ each time.",
        "Begin to observe while the bot is quiet.",
    )


def _executed(look: Look) -> tuple[set[str], dict[int, float]]:
    return {fill.exec_id for fill in look.fills}, dict(look.positions)


async def _compared(desk: Desk, scope: str, base: dict[int, float], keep: Keep) -> list[Difference]:
    heard = desk.heard()
    look = await read(desk)
    await keep(look)
    own, held = await sync_to_async(observed_books)(scope, desk.now())
    expected = {con: base.get(con, 0.0) + held.get(con, 0.0) for con in base.keys() | held.keys()}
    setting = Setting(
        ours=lambda ref: True, listener=desk.client_id, since=heard.since, held=held,
        names=look.names,
    )  # fmt: skip
    pushed = {con: q for (name, con), q in heard.positions.items() if name == desk.account}
    mine = Books(own.orders, own.fills, expected)
    return compare(mine, Books(positions=pushed), _broker(look), setting)


def _broker(look: Look) -> Books:
    working = [
        OrderRow(
            o.perm_id, o.client_id, o.order_id, o.ref, f"{o.side} {o.quantity:g} {o.symbol}",
            o.status, o.status not in ENDED, o.quantity, o.limit_price,
        )
        for o in look.working
        if o.perm_id
    ]  # fmt: skip
    ended = [OrderRow(o.perm_id, 0, 0, o.ref, "", o.status, False) for o in look.completed or ()]
    fills = tuple(_fill_row(fill) for fill in look.fills)
    return Books((*working, *ended), fills, look.positions)


def _fill_row(fill: Fill) -> FillRow:
    quantity = fill.quantity if fill.side == "BUY" else -fill.quantity
    return FillRow(
        fill.exec_id, fill.client_id, fill.order_id, fill.ref, fill.con_id, fill.symbol, quantity,
        fill.price, None, fill.at,
    )  # fmt: skip


async def _finish(
    run: ReconciliationRun,
    found: list[Difference],
    base: dict[int, float],
    known: list[int],
    scope: str,
    desk: Desk,
) -> Reconciled:
    own, _ = await sync_to_async(observed_books)(scope, desk.now())
    counts = (len(own.orders), len(own.fills))
    ended = await sync_to_async(reconciliation.finish)(
        run, found, base=base, foreign=known, counts=counts, account=Account(None, ())
    )
    return Reconciled(ended, tuple(found), by_people=await sync_to_async(ended.explained)())
