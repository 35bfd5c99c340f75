"""Compare what we have on record with what the wire has told and what the broker says. Pure.

Orders are the same by their permanent id, executions by their id without its revision, positions
by contract id. The broker's answers may name a thing any number of times.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from brokerage.executions import execution_root, standing

SAME_PRICE = 1e-6
SAME_AMOUNT = 0.005
NOTHING = "nothing"
EXECUTION = "execution "


class Kind(StrEnum):
    """What differs."""

    MISSING_HERE = "MISSING_HERE"  # the broker has it, our record has not
    MISSING_THERE = "MISSING_THERE"  # our record has a living order that the broker has nowhere
    QUANTITY = "QUANTITY"
    PRICE = "PRICE"
    STATUS = "STATUS"
    COMMISSION = "COMMISSION"
    FOREIGN_ORDER = "FOREIGN_ORDER"
    FOREIGN_POSITION = "FOREIGN_POSITION"
    PHANTOM = "PHANTOM"  # a fill or holding that only our record has
    SHRUNK_FILL = "SHRUNK_FILL"  # less is filled than was said before
    CORRECTED_EXECUTION = "CORRECTED_EXECUTION"
    CASH = "CASH"  # more or less of it than executions and their commissions explain
    REALIZED = "REALIZED"


@dataclass(frozen=True)
class Difference:
    """One thing that the three do not agree on, with what each says; explained or not.

    `gap` is the broker's quantity less ours, for a position or an execution, or the amount.
    """

    kind: Kind
    subject: str
    own: str
    wire: str
    broker: str
    con_id: int = 0
    gap: float = 0.0
    explanation: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What makes two findings the same difference."""
        return self.kind.value, self.subject

    @property
    def of_execution(self) -> bool:
        """Whether it is about an execution, or its commission."""
        return self.subject.startswith(EXECUTION)

    def __str__(self) -> str:
        return (
            f"{self.kind.value.replace('_', ' ').lower()}, {self.subject}: "
            f"own record {self.own}, wire {self.wire}, broker {self.broker}"
        )


@dataclass(frozen=True)
class OrderRow:
    """An order as one side has it; `open` is None where that side does not know itself."""

    perm_id: int
    client_id: int
    order_id: int
    ref: str
    label: str
    state: str
    open: bool | None
    quantity: float = 0.0
    limit_price: float = 0.0
    filled: float = 0.0
    peak: float = 0.0

    @property
    def ids(self) -> tuple[int, int]:
        """Client id and order id."""
        return self.client_id, self.order_id


@dataclass(frozen=True)
class FillRow:
    """A report of an execution; `quantity` is negative for a sale, `realized` the day's profit."""

    exec_id: str
    client_id: int
    order_id: int
    ref: str
    con_id: int
    symbol: str
    quantity: float
    price: float
    commission: float | None = None
    at: datetime | None = None
    realized: float | None = None
    multiplier: int = 1
    currency: str = "USD"

    def __str__(self) -> str:
        return f"{self.quantity:+g} at {self.price:g}"


@dataclass(frozen=True)
class Books:
    """What one side says: orders, reports of executions, positions by contract id."""

    orders: tuple[OrderRow, ...] = ()
    fills: tuple[FillRow, ...] = ()
    positions: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Setting:
    """What a comparison goes by.

    `ours` says whether a reference is of the own record; `foreign` are permanent ids of orders of
    others that are known; `listener` is the client id whose messages the wire's side heard, from
    `since` on; `held` are own positions without what the account held before; with `final` every
    commission must be there.
    """

    ours: Callable[[str], bool]
    foreign: frozenset[int] = frozenset()
    listener: int = 0
    since: datetime | None = None
    held: Mapping[int, float] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)
    final: bool = False


def compare(own: Books, wire: Books, broker: Books, setting: Setting) -> list[Difference]:
    """Return every difference, orders first, then executions, then positions."""
    return [
        *_orders(own, wire, broker, setting),
        *_executions(own, wire, broker, setting),
        *_positions(own, wire, broker, setting),
    ]


def confirmed(first: Iterable[Difference], second: Iterable[Difference]) -> list[Difference]:
    """Return what two readings agree on: what differs in one alone was on its way."""
    again = {difference.key for difference in first}
    return [difference for difference in second if difference.key in again]


def caught_up(first: Iterable[Difference], second: Iterable[Difference]) -> list[Difference]:
    """Return, explained, what was missing in our record until the broker was asked."""
    still = {difference.key for difference in second}
    silent = (Kind.MISSING_HERE, Kind.STATUS, Kind.COMMISSION, Kind.CORRECTED_EXECUTION)
    return [
        _explained(difference, "Nothing had told of it; asking brought it.")
        for difference in first
        if difference.key not in still and difference.kind in silent and not difference.explanation
    ]


def _explained(difference: Difference, why: str) -> Difference:
    return Difference(**(vars(difference) | {"explanation": why}))


# -- orders -------------------------------------------------------------------------------------


def _orders(own: Books, wire: Books, broker: Books, setting: Setting) -> Iterator[Difference]:
    told = {row.perm_id: row for row in wire.orders if row.perm_id}
    there = {row.perm_id: row for row in sorted(broker.orders, key=lambda row: bool(row.open))}
    by_ids = {row.ids: row for row in there.values() if row.open and setting.ours(row.ref)}
    matched: set[int] = set()
    for row in own.orders:
        found = there.get(row.perm_id) if row.perm_id else by_ids.get(row.ids)
        if found is not None:
            matched.add(found.perm_id)
        heard = told.get(row.perm_id)
        yield from _order(row, heard, found, _filled(row, broker))
    for row in there.values():
        if row.perm_id not in matched and row.open:
            yield from _beside(row, told.get(row.perm_id), setting)


def _filled(row: OrderRow, broker: Books) -> float:
    fills = (f for f in broker.fills if (f.client_id, f.order_id) == row.ids and f.ref == row.ref)
    return sum(abs(fill.quantity) for fill in standing(fills))


def _order(
    own: OrderRow, heard: OrderRow | None, found: OrderRow | None, filled: float
) -> Iterator[Difference]:
    subject = f"order {own.order_id} of client {own.client_id}"
    wire = heard.state if heard else NOTHING
    there = found.state if found else NOTHING
    is_open = bool(found and found.open)
    if own.open is not False and not is_open:
        ended = found is not None or filled >= own.quantity
        kind = Kind.STATUS if ended else Kind.MISSING_THERE
        said = f"{there}, {filled:g} filled" if filled else there
        yield Difference(kind, subject, own.state, wire, said)
    elif is_open and own.open is not True:
        yield Difference(Kind.STATUS, subject, own.state, wire, there)
    if found is not None and is_open:
        yield from _terms(own, found, subject, wire)
    yield from _shrunk(own, heard, filled, subject)


def _terms(own: OrderRow, found: OrderRow, subject: str, wire: str) -> Iterator[Difference]:
    if own.quantity != found.quantity:
        said = f"{own.quantity:g}", wire, f"{found.quantity:g}"
        yield Difference(Kind.QUANTITY, subject, *said)
    if abs(own.limit_price - found.limit_price) > SAME_PRICE:
        said = f"limit {own.limit_price:g}", wire, f"limit {found.limit_price:g}"
        yield Difference(Kind.PRICE, subject, *said)


def _shrunk(
    own: OrderRow, heard: OrderRow | None, filled: float, subject: str
) -> Iterator[Difference]:
    """More was said to be filled than there are executions for, or than is said now."""
    wire = NOTHING
    if heard is not None:
        back = heard.filled < heard.peak
        wire = f"{heard.peak:g}, then {heard.filled:g}" if back else f"{heard.peak:g}"
        if back and own.filled == filled == heard.peak:
            why = "An old report came after a newer one; executions and own record agree."
            said = f"{own.filled:g}", wire, f"{filled:g}"
            yield Difference(Kind.SHRUNK_FILL, subject, *said, explanation=why)
    if filled < max(own.filled, heard.filled if heard else 0.0):
        yield Difference(
            Kind.SHRUNK_FILL, subject, f"{own.filled:g}", wire, f"{filled:g} by executions"
        )
    elif filled > own.quantity:
        ordered = f"{own.quantity:g} ordered"
        yield Difference(Kind.QUANTITY, subject, ordered, wire, f"{filled:g} by executions")


def _beside(row: OrderRow, heard: OrderRow | None, setting: Setting) -> Iterator[Difference]:
    """An order that works at the broker and stands in no row of ours."""
    wire = heard.state if heard else NOTHING
    subject = f"order {row.perm_id} ({row.label})"
    if setting.ours(row.ref):
        yield Difference(Kind.MISSING_HERE, subject, NOTHING, wire, row.state)
    elif row.perm_id not in setting.foreign:
        said = f"{row.state}, client {row.client_id}"
        yield Difference(Kind.FOREIGN_ORDER, subject, NOTHING, wire, said)


# -- executions ---------------------------------------------------------------------------------


def _executions(own: Books, wire: Books, broker: Books, setting: Setting) -> Iterator[Difference]:
    here, told, there = (_by_root(books.fills) for books in (own, wire, broker))
    ours = {root for root, fill in (told | there).items() if setting.ours(fill.ref)}
    for root in sorted(here.keys() | ours):
        mine, heard, theirs = here.get(root), told.get(root), there.get(root)
        if mine is None:
            report = theirs or heard
            if report is not None:
                said = NOTHING, _said(heard), _said(theirs)
                yield _about(Kind.MISSING_HERE, report, said, report.quantity)
        elif theirs is None:
            said = _said(mine), _said(heard), NOTHING
            yield _about(Kind.PHANTOM, mine, said, -mine.quantity)
        else:
            yield from _execution(mine, heard, theirs, setting)


def _by_root(fills: Iterable[FillRow]) -> dict[str, FillRow]:
    return {execution_root(fill.exec_id): fill for fill in standing(fills)}


def _said(fill: FillRow | None) -> str:
    return NOTHING if fill is None else str(fill)


def _about(
    kind: Kind, fill: FillRow, said: tuple[str, str, str], gap: float = 0.0, why: str = ""
) -> Difference:
    subject = f"{EXECUTION}{execution_root(fill.exec_id)}"
    return Difference(kind, subject, *said, con_id=fill.con_id, gap=gap, explanation=why)


def _execution(
    mine: FillRow, heard: FillRow | None, theirs: FillRow, setting: Setting
) -> Iterator[Difference]:
    said = _said(mine), _said(heard), _said(theirs)
    newest = standing([theirs, *([heard] if heard else [])])[0]
    gap = newest.quantity - mine.quantity
    if standing([mine, newest]) != [mine]:
        yield _about(Kind.CORRECTED_EXECUTION, mine, said, gap)
    elif mine.exec_id != theirs.exec_id:
        why = "The broker corrected it, and its list still has the report from before."
        yield _about(Kind.CORRECTED_EXECUTION, mine, said, gap, why)
    elif gap:
        yield _about(Kind.QUANTITY, mine, said, gap)
    elif abs(mine.price - newest.price) > SAME_PRICE:
        yield _about(Kind.PRICE, mine, said)
    elif heard is None and _should_be_heard(theirs, setting):
        why = "The connection did not tell of it; asking brought it."
        yield _about(Kind.MISSING_HERE, mine, said, 0.0, why)
    yield from _commission(mine, theirs, setting)


def _should_be_heard(fill: FillRow, setting: Setting) -> bool:
    if fill.client_id != setting.listener or fill.at is None or setting.since is None:
        return False
    return fill.at > setting.since


def _commission(mine: FillRow, theirs: FillRow, setting: Setting) -> Iterator[Difference]:
    one, other = mine.commission, theirs.commission
    agree = one is not None and other is not None and abs(one - other) < SAME_AMOUNT
    waits = one is None and other is None and not setting.final
    if not (agree or waits or (other is None and one is not None)):
        said = _amount(one), NOTHING, _amount(other)
        yield _about(Kind.COMMISSION, mine, said)


def _amount(commission: float | None) -> str:
    return "not known" if commission is None else f"{commission:.2f}"


# -- positions ----------------------------------------------------------------------------------


def _positions(own: Books, wire: Books, broker: Books, setting: Setting) -> Iterator[Difference]:
    for con_id in sorted(own.positions.keys() | broker.positions.keys()):
        expected = own.positions.get(con_id, 0.0)
        there = broker.positions.get(con_id, 0.0)
        heard = wire.positions.get(con_id)
        said = f"{expected:g}", NOTHING if heard is None else f"{heard:g}", f"{there:g}"
        name = setting.names.get(con_id, "")
        subject = f"position {name or con_id}"
        if there != expected:
            kind = _kind(expected, there, setting.held.get(con_id, 0.0))
            yield Difference(kind, subject, *said, con_id=con_id, gap=there - expected)
        elif heard is not None and heard != there:
            why = "The last message about the position was not the newest; the list agrees."
            yield Difference(Kind.QUANTITY, subject, *said, con_id=con_id, explanation=why)


def _kind(expected: float, there: float, held: float) -> Kind:
    """A holding is foreign where ours explain nothing of it, a phantom where only ours claim it."""
    if not held:
        return Kind.FOREIGN_POSITION
    if abs(there) < abs(expected) and abs(there - expected) <= abs(held):
        return Kind.PHANTOM
    return Kind.FOREIGN_POSITION if abs(there) > abs(expected) else Kind.QUANTITY
