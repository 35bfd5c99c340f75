"""Reconcile own record, wire and broker, and bring the own record up to the broker's."""

from collections.abc import Iterable
from dataclasses import dataclass

from asgiref.sync import sync_to_async

from brokerage import reconciliation
from brokerage.broker import Heard
from brokerage.comparison import (
    Books,
    Difference,
    FillRow,
    OrderRow,
    Setting,
    caught_up,
    compare,
    confirmed,
)
from brokerage.errors import GatewayError
from brokerage.funds import Account, differences
from brokerage.gateway import funding, settling
from brokerage.gateway.desk import Desk
from brokerage.gateway.funding import Told
from brokerage.models import ReconciliationRun
from brokerage.reconciliation import Own, is_ours
from brokerage.terms import CompletedOrder, Fill, Position, WorkingOrder

READ_AGAIN_S = 2.0
# However fast the session's clock: what is on its way to the database takes real time.
READ_AGAIN_WALL_S = 0.3


@dataclass(frozen=True)
class Reconciled:
    """How a reconciliation ended: its run on record, and the differences of this reading.

    `by_people` are the kinds and subjects of those that two people have explained; `worth` is the
    account's net liquidation value in USD, None where it was not told.
    """

    run: ReconciliationRun
    found: tuple[Difference, ...] = ()
    worth: float | None = None
    by_people: frozenset[tuple[str, str]] = frozenset()

    @property
    def state(self) -> str:
        """CLEAN, DIFFS or ERROR."""
        return self.run.state

    @property
    def error(self) -> str:
        """Why the broker could not be read."""
        return self.run.error

    @property
    def clean(self) -> bool:
        """Whether nothing is left to be explained."""
        return self.run.state == ReconciliationRun.State.CLEAN

    @property
    def unexplained(self) -> tuple[Difference, ...]:
        """What neither explains itself nor was explained by people."""
        strange = (difference for difference in self.found if not difference.explanation)
        return tuple(difference for difference in strange if difference.key not in self.by_people)

    @property
    def words(self) -> str:
        """How it ended, for people."""
        told = "; ".join(str(difference) for difference in self.unexplained)
        return self.error or (f"{self.state}: {told}" if told else self.state)


@dataclass(frozen=True)
class _Reading:
    """What the three said at one time."""

    own: Own
    heard: Heard
    working: list[WorkingOrder]
    completed: list[CompletedOrder]
    fills: list[Fill]
    positions: dict[int, float]
    names: dict[int, str]
    told: Told


@dataclass(frozen=True)
class _Judged:
    """What a reading comes to: differences of the three books, and the account's figures."""

    reading: _Reading
    books: list[Difference]
    account: Account

    @property
    def found(self) -> list[Difference]:
        """Every difference, the account's last."""
        return [*self.books, *differences(self.account.compared)]


async def reconcile(desk: Desk, scope: str, occasion: str = "CYCLE") -> Reconciled:
    """Compare a scope's own record with the wire and the broker, and write down what differs.

    The first run of a scope takes what the account holds besides, and others' orders, as given.
    Differences count when a second reading finds them as well. What the own record lacks is then
    written from the broker's answers, as new rows, so that the next run resolves the difference.
    With occasion END every execution must have its commission. A gateway that can't be read ends
    it as ERROR.
    """
    begun = await sync_to_async(reconciliation.begin)(desk.target, scope, occasion, desk.client_id)
    try:
        return await _carry_out(desk, scope, begun)
    except GatewayError as error:
        return Reconciled(await sync_to_async(reconciliation.fail)(begun, error))


async def _carry_out(desk: Desk, scope: str, run: ReconciliationRun) -> Reconciled:
    first = await sync_to_async(reconciliation.baseline)(desk.target, scope)
    reading = await _read(desk, scope)
    base = {int(con_id): q for con_id, q in first.base.items()} if first else _base(reading)
    known = first.foreign if first else _foreign(reading, scope)
    judged = await _judge(desk, scope, reading, base, known, run.occasion)
    if run.occasion == "END" and judged.account.wait_s:
        await desk.clock.sleep(judged.account.wait_s)
        judged = await _judge(desk, scope, await _read(desk, scope), base, known, run.occasion)
    found, late = judged.found, list[Difference]()
    if found:
        await desk.clock.sleep(max(READ_AGAIN_S, READ_AGAIN_WALL_S * desk.clock.speed))
        judged = await _judge(desk, scope, await _read(desk, scope), base, known, run.occasion)
        found, late = confirmed(found, judged.found), caught_up(found, judged.found)
        if any(not difference.explanation for difference in found):
            await settling.catch_up(desk, scope)
    books = judged.reading.own.books
    ended = await sync_to_async(reconciliation.finish)(
        run,
        [*found, *late],
        base=base,
        foreign=known,
        counts=(len(books.orders), len(books.fills)),
        account=judged.account,
    )
    by_people = await sync_to_async(ended.explained)()
    return Reconciled(ended, (*found, *late), judged.reading.told.worth, by_people)


async def _read(desk: Desk, scope: str) -> _Reading:
    """Read own record and wire first: what asking brings must not hide that nobody told."""
    await desk.book.flush()
    own = await sync_to_async(reconciliation.own_books)(desk.target, scope, desk.now())
    heard, told = desk.heard(), await funding.read(desk)
    working, completed = await desk.open_orders(), await desk.completed_orders()
    fills, positions = await desk.executions(), await desk.positions()
    names = own.names | {row.con_id: row.local_symbol or row.symbol for row in positions}
    return _Reading(own, heard, working, completed, fills, _held(positions), names, told)


def _held(positions: Iterable[Position]) -> dict[int, float]:
    return {row.con_id: row.quantity for row in positions}


def _base(reading: _Reading) -> dict[int, float]:
    """What the account holds besides the scope's own executions."""
    there, held = reading.positions, reading.own.held
    return {con: there.get(con, 0.0) - held.get(con, 0.0) for con in there.keys() | held.keys()}


def _foreign(reading: _Reading, scope: str) -> list[int]:
    return [order.perm_id for order in reading.working if not is_ours(order.ref, scope)]


async def _judge(
    desk: Desk,
    scope: str,
    reading: _Reading,
    base: dict[int, float],
    foreign: Iterable[int],
    occasion: str,
) -> _Judged:
    own, held = reading.own.books, reading.own.held
    expected = {con: base.get(con, 0.0) + held.get(con, 0.0) for con in base.keys() | held.keys()}
    setting = Setting(
        ours=lambda ref: is_ours(ref, scope),
        foreign=frozenset(foreign),
        listener=desk.client_id,
        since=reading.heard.since,
        held=held,
        names=reading.names,
        final=occasion == "END",
    )
    mine = Books(own.orders, own.fills, expected)
    broker = _broker(reading)
    found = compare(mine, _wire(reading.heard, desk.account), broker, setting)
    agreed = not any(one.of_execution and not one.explanation for one in found)
    account = await funding.judge(desk, scope, reading.told.figures, own, broker, agreed=agreed)
    return _Judged(reading, found, account)


def _wire(heard: Heard, account: str) -> Books:
    orders = tuple(
        OrderRow(
            o.perm_id, o.client_id, o.order_id, "", "", o.status, None, filled=o.filled, peak=o.peak
        )
        for o in heard.orders.values()
    )
    fills = tuple(_fill_row(fill) for fill in heard.fills.values())
    positions = {con: q for (name, con), q in heard.positions.items() if name == account}
    return Books(orders, fills, positions)


def _broker(reading: _Reading) -> Books:
    working = [
        OrderRow(
            perm_id=o.perm_id,
            client_id=o.client_id,
            order_id=o.order_id,
            ref=o.ref,
            label=f"{o.side} {o.quantity:g} {o.symbol}",
            state=o.status,
            open=True,
            quantity=o.quantity,
            limit_price=o.limit_price if o.order_type == "LMT" else 0.0,
        )
        for o in reading.working
    ]
    ended = [OrderRow(o.perm_id, 0, 0, o.ref, "", o.status, False) for o in reading.completed]
    fills = tuple(_fill_row(fill) for fill in reading.fills)
    return Books((*working, *ended), fills, reading.positions)


def _fill_row(fill: Fill) -> FillRow:
    return FillRow(
        exec_id=fill.exec_id,
        client_id=fill.client_id,
        order_id=fill.order_id,
        ref=fill.ref,
        con_id=fill.con_id,
        symbol=fill.symbol,
        quantity=fill.quantity if fill.side == "BUY" else -fill.quantity,
        price=fill.price,
        commission=fill.commission,
        at=fill.at,
        realized=fill.realized,
        multiplier=fill.contract.multiplier if fill.contract else 1,
        currency=fill.currency,
    )
