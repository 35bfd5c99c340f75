"""Reconciliations on record: the own books, runs and their differences.

Broker values are the truth. Nothing that stands on record is edited: what was wrong is set right by
a row beside it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from brokerage.calendar import ET
from brokerage.comparison import Books, Difference, FillRow, Kind, OrderRow
from brokerage.executions import execution_root, standing
from brokerage.funds import KINDS, Account
from brokerage.models import (
    Commission,
    Correction,
    Execution,
    OrderRecord,
    ReconciliationDiff,
    ReconciliationRun,
)
from brokerage.terms import TERMINAL, OrderState, Target
from crucible.alerts.raising import raise_alert, resolve
from crucible.ledger.record import record
from crucible.live.publish import publish

CYCLE_S = 60.0
ACTOR = "reconciliation"
ALERT, DRILL_ALERT = "reconciliation", "drill-reconciliation"
DRILL = "DRILL"
# A segment of a reference: orders that drills place beside the own record. Clean-up knows them.
OUTSIDE = "outside"
UNSENT = (OrderState.INTENT, OrderState.REFUSED)
IN_DOUBT = frozenset({OrderState.UNKNOWN, OrderState.NO_RESPONSE})
# The own record was behind: the run itself completes it from the broker's answers.
SELF_SETTLING = frozenset(
    {Kind.MISSING_HERE, Kind.STATUS, Kind.COMMISSION, Kind.CORRECTED_EXECUTION}
)
State = ReconciliationDiff.State
# How a run ends whose broker could be read.
READ = (ReconciliationRun.State.CLEAN, ReconciliationRun.State.DIFFS)


def is_ours(ref: str, scope: str) -> bool:
    """Say whether a reference is of the scope's own record."""
    first, *rest = ref.removeprefix(scope).split("/")
    return ref.startswith(scope) and not first and OUTSIDE not in rest


# -- the own books ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Own:
    """The own record of a scope: books without the account's other holdings, and what it held."""

    books: Books
    held: dict[int, float]
    names: dict[int, str]


def own_books(target: Target, scope: str, now: datetime) -> Own:
    """Read the scope's own record as the broker should have it; `now` is the gateway's time.

    The broker tells of the day alone: executions and ended orders of earlier days are left out.
    """
    midnight = now.astimezone(ET).replace(hour=0, minute=0, second=0, microsecond=0)
    executions = _executions(target, scope)
    orders = [
        _order_row(order)
        for order in OrderRecord.objects.filter(Q(endpoint_id=target.endpoint_id))
        .filter(ref__startswith=scope)
        .exclude(state__in=UNSENT)
        .order_by("pk")
        if is_ours(order.ref, scope) and not _of_the_past(order, midnight, executions)
    ]
    charged = _charged(scope)
    fills = tuple(_fill_row(one, charged) for one in executions if one.at >= midnight)
    names = {one.con_id: one.symbol for one in executions}
    return Own(Books(tuple(orders), fills), _held(target, scope, executions), names)


def _executions(target: Target, scope: str) -> list[Execution]:
    void = set(
        Correction.objects.filter(Q(endpoint_id=target.endpoint_id), scope=scope).values_list(
            "exec_id", flat=True
        )
    )
    rows = (
        Execution.objects.filter(ref__startswith=scope)
        .filter(Q(order=None) | Q(order__endpoint_id=target.endpoint_id))
        .select_related("order")
        .order_by("pk")
    )
    return [
        row
        for row in standing(rows)
        if is_ours(row.ref, scope) and execution_root(row.exec_id) not in void
    ]


def _of_the_past(order: OrderRecord, midnight: datetime, executions: list[Execution]) -> bool:
    """Ended, and before the broker's day: by its fills, or else by when it was written down."""
    if order.state not in TERMINAL:
        return False
    times = [one.at for one in executions if one.order_id == order.pk]
    if times:
        return max(times) < midnight
    return timezone.now() - order.created_at > timedelta(days=1)


def _held(target: Target, scope: str, executions: Iterable[Execution]) -> dict[int, float]:
    held: defaultdict[int, float] = defaultdict(float)
    for execution in executions:
        held[execution.con_id] += execution.signed
    corrections = Correction.objects.filter(
        Q(endpoint_id=target.endpoint_id), scope=scope, exec_id=""
    )
    for correction in corrections:
        held[correction.con_id] += correction.quantity
    return {con_id: quantity for con_id, quantity in held.items() if quantity}


def _order_row(order: OrderRecord) -> OrderRow:
    state = OrderState(order.state)
    return OrderRow(
        perm_id=order.perm_id or 0,
        client_id=order.client_id,
        order_id=order.order_id or 0,
        ref=order.ref,
        label=str(order),
        state=state.value,
        open=None if state in IN_DOUBT else state not in TERMINAL,
        quantity=order.quantity,
        limit_price=order.limit_price or 0.0,
        filled=order.filled,
    )


def _fill_row(execution: Execution, charged: dict[str, Commission]) -> FillRow:
    order = execution.order
    report = charged.get(execution_root(execution.exec_id))
    return FillRow(
        exec_id=execution.exec_id,
        client_id=order.client_id if order else 0,
        order_id=(order.order_id or 0) if order else 0,
        ref=execution.ref,
        con_id=execution.con_id,
        symbol=execution.symbol,
        quantity=execution.signed,
        price=execution.price,
        commission=report.amount if report else None,
        at=execution.at,
        realized=report.realized if report else None,
        multiplier=order.multiplier if order else 1,
        currency=report.currency if report else "",
    )


def _charged(scope: str) -> dict[str, Commission]:
    """By execution, whichever report of it the broker charged."""
    reports = Commission.objects.filter(execution__ref__startswith=scope)
    rows = reports.select_related("execution").order_by("pk")
    return {execution_root(report.execution.exec_id): report for report in rows}


# -- runs ---------------------------------------------------------------------------------------


def baseline(target: Target, scope: str) -> ReconciliationRun | None:
    """Return the scope's first run at this gateway that could be read, or None."""
    runs = ReconciliationRun.objects.filter(Q(endpoint_id=target.endpoint_id), scope=scope)
    return runs.filter(state__in=READ).first()


def begin(target: Target, scope: str, occasion: str, client_id: int) -> ReconciliationRun:
    """Write down that a comparison begins."""
    return ReconciliationRun.objects.create(
        endpoint_id=target.endpoint_id, scope=scope, occasion=occasion, client_id=client_id
    )


@transaction.atomic
def fail(run: ReconciliationRun, error: Exception) -> ReconciliationRun:
    """End a run whose broker could not be read; differences stay as they are."""
    run.error = str(error)[:2000]
    _end(run, ReconciliationRun.State.ERROR)
    _line("reconciliation.failed", run, error=run.error)
    return run


@transaction.atomic
def finish(
    run: ReconciliationRun,
    found: Collection[Difference],
    *,
    base: dict[int, float],
    foreign: Iterable[int],
    counts: tuple[int, int],
    account: Account,
) -> ReconciliationRun:
    """End a run: resolve what is gone, note what is new, tell people, close or open the door."""
    run.start_funds, run.funds = account.content()
    run.base = {str(con_id): quantity for con_id, quantity in base.items() if quantity}
    run.foreign, (run.orders, run.executions) = sorted(foreign), counts
    kept = frozenset(KINDS[figure.name] for figure in account.unknown)
    resolved = _resolve_gone(run, found, kept)
    new = [diff for difference in found if (diff := _note(run, difference)) is not None]
    unexplained = any(not difference.explanation for difference in found)
    left = ReconciliationDiff.objects.filter(_same_scope(run), state=State.OPEN)
    still, states = left.count(), ReconciliationRun.State
    differs = still and (unexplained or left.filter(kind__in=kept).exists())
    _end(run, states.DIFFS if differs else states.CLEAN)
    opened = [diff for diff in new if diff.state == State.OPEN]
    _tell(run, opened, still)
    if new:
        publish("differences")
    if run.occasion in {"START", "END"} or new or resolved:
        details = {"found": [str(diff) for diff in new], "resolved": resolved, "open": still}
        _line("reconciliation.done", run, **details)
    return run


def _end(run: ReconciliationRun, state: str) -> None:
    run.state, run.ended_at = state, timezone.now()
    run.save()
    publish("dashboard")


def _same_scope(run: ReconciliationRun) -> Q:
    return Q(endpoint_id=run.endpoint_id, scope=run.scope)


def _resolve_gone(
    run: ReconciliationRun, found: Collection[Difference], kept: frozenset[Kind]
) -> int:
    """Resolve what is not found again; what could not be compared, `kept`, is not gone by that."""
    seen = {difference.key for difference in found}
    told = f"Gone in the run of {timezone.now().astimezone(ET):%H:%M:%S} ET."
    resolved = 0
    opened = ReconciliationDiff.objects.filter(_same_scope(run), state=State.OPEN)
    for diff in opened.exclude(kind__in=kept):
        if (diff.kind, diff.subject) not in seen:
            diff.settle(State.RESOLVED, told, ACTOR)
            resolved += 1
    return resolved


def _note(run: ReconciliationRun, difference: Difference) -> ReconciliationDiff | None:
    """Write a difference down, unless it is on record; what was explained needs no other row."""
    kind, subject = difference.key
    known = ReconciliationDiff.objects.select_for_update(of=("self",)).filter(
        _same_scope(run), kind=kind, subject=subject
    )
    values = (difference.own[:200], difference.broker[:200])
    explained = known.filter(state=State.EXPLAINED, own=values[0], broker=values[1])
    if again := known.filter(state=State.OPEN).first():
        again.see(*values, gap=difference.gap)
    if again := again or _lasting(run, explained):
        run.found.append(again.pk)
        return None
    if difference.explanation and explained.exists():
        return None
    state = State.EXPLAINED if difference.explanation else State.OPEN
    new = ReconciliationDiff.objects.create(
        run=run,
        endpoint_id=run.endpoint_id,
        scope=run.scope,
        kind=kind,
        subject=subject,
        con_id=difference.con_id or None,
        gap=difference.gap,
        own=values[0],
        wire=difference.wire[:200],
        broker=values[1],
        state=state,
        explanation=difference.explanation,
        settled_at=timezone.now() if difference.explanation else None,
        settled_by=ACTOR if difference.explanation else "",
        drill=run.occasion == DRILL,
    )
    run.found.append(new.pk)
    return new


def _lasting(
    run: ReconciliationRun, explained: QuerySet[ReconciliationDiff]
) -> ReconciliationDiff | None:
    """Return what people have explained and left as it is, if the run before this one found it.

    What a row has corrected, or what was gone in between, comes back as another difference.
    """
    runs = ReconciliationRun.objects.filter(_same_scope(run), state__in=READ, pk__lt=run.pk)
    before = runs.last()
    by_people = explained.filter(corrections=None).exclude(proposed_by=None)
    return by_people.filter(pk__in=before.found).last() if before else None


def _tell(run: ReconciliationRun, opened: list[ReconciliationDiff], still: int) -> None:
    kind = DRILL_ALERT if run.occasion == DRILL else ALERT
    if opened:
        words = "; ".join(str(diff) for diff in opened)
        text = (
            f"{words}. The broker's value counts. Opening orders are refused until it is settled."
        )
        count = f"{len(opened)} difference{'s' if len(opened) > 1 else ''}"
        title = f"{count} between our record and the broker"
        if run.occasion == DRILL:
            title, severity = f"Drill: {title}", "INFO"
        else:
            grave = any(diff.kind not in SELF_SETTLING for diff in opened)
            severity = "CRITICAL" if grave else "WARNING"
        raise_alert(kind, title, text, severity=severity, ref=run.scope)
    elif not still:
        for each in (ALERT, DRILL_ALERT):
            resolve(each, ref=run.scope, actor=ACTOR)


def _line(kind: str, run: ReconciliationRun, **details: Any) -> None:
    record(
        kind, "reconciliation", run.pk, actor=ACTOR,
        scope=run.scope, occasion=run.occasion, state=run.state, **details,
    )  # fmt: skip
