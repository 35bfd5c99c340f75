"""Reconciliation: what a stranger buys, and what only we believe to hold, are both found."""

import hashlib
from contextlib import AbstractAsyncContextManager

from asgiref.sync import sync_to_async

from brokerage import corrections, gateway
from brokerage.comparison import Kind
from brokerage.gateway import SCENARIO_IDS, Contract, Desk, Reconciled
from brokerage.models import Correction, Execution, OrderEvent, ReconciliationDiff
from brokerage.reconciliation import DRILL, DRILL_ALERT, OUTSIDE
from crucible.alerts.models import Alert
from validation.scenarios.catalogue import MARKET_HOURS, ORDERS, Category, scenario
from validation.scenarios.cycles import CYCLE_LIMIT_S, check_cycles
from validation.scenarios.steps import allowance, spy
from validation.scenarios.trading import LOT, Trader
from validation.scenarios.trial import Trial, TrialListener

PHANTOM_TEXT = "A drill: a position that only our own record has."
CORRECTION_TEXT = "The drill is over: the broker's value counts, and it holds none of it."


@scenario(
    id="RS-08",
    slug="position-reconciliation",
    title="Reconciliation of positions",
    category=Category.RS,
    timeout=120,
    expected=55,
    severity="S-CRIT",
    needs=[MARKET_HOURS, ORDERS],
    cases=(12,),
    waivable=False,
)
async def position_reconciliation(trial: Trial) -> None:
    """A position that is not ours, and one that only we believe in, are found and settled.

    Reconciles at the start, buys one share and reconciles again. Then a second client, whose
    orders our own record does not count, buys one share as a person in another window would, and
    sells it again. At last a row of our own record claims one share that nobody has. All of it is
    marked as a drill.

    Passes when

    - the first reconciliation stands on record and is clean, and so is the one with an own
      position;
    - the stranger's share is found within 60 seconds with the expected and the actual quantity,
      the broker's value counts, an alert is raised, and opening orders are refused until it is
      gone;
    - the phantom is found in the same way, and is settled by a correcting row;
    - the last reconciliation is clean, and no row of the history has changed;
    - the session's watch has compared the books at least every 60 seconds up to now, planned faults
      aside.
    """
    trader = Trader(trial, await trial.desk.qualify(spy(trial)))
    if not await _check_clean(trial, "reconciliation at the start", "START"):
        return
    await check_cycles(trial)
    trade = await trader.buy("own buy")
    if trade is None or not await trader.executed("own buy", trade):
        return
    if not await _check_clean(trial, "reconciliation with an own position", "ON_DEMAND"):
        return
    history = await _history()
    with trial.planned_fault("a drill of differences between our record and the broker"):
        if await _foreign(trader):
            await _phantom(trader)
        await _check_clean(trial, "reconciliation at the end", DRILL)
    kept = history.items() <= (await _history()).items()
    trial.check("rows of the history", "as before", "as before" if kept else "changed")


async def _check_clean(trial: Trial, name: str, occasion: str) -> bool:
    run = await gateway.reconcile(trial.desk, trial.ref, occasion)
    return trial.check(name, "CLEAN", run.words, passed=run.clean)


async def _history() -> dict[str, str]:
    """A digest of each row of executions and of order events."""
    fills = Execution.objects.values_list("pk", "exec_id", "quantity", "price", "at")
    events = OrderEvent.objects.values_list("pk", "order_id", "kind", "detail", "at")
    digests = {}
    for name, query in (("execution", fills), ("event", events)):
        async for row in query:
            digests[f"{name} {row[0]}"] = hashlib.sha256(repr(row).encode()).hexdigest()
    return digests


# -- the stranger -------------------------------------------------------------------------------


def _stranger(trial: Trial) -> AbstractAsyncContextManager[Desk]:
    """Another client at the same gateway; clean-up finds its orders, our own record has none."""
    ids = [client_id for client_id in SCENARIO_IDS if client_id != trial.desk.client_id]
    return gateway.connect(
        trial.target, client_ids=ids, readonly=False, listener=TrialListener(trial)
    )


async def _foreign(own: Trader) -> bool:
    """Have a second client buy a share; find it, and see it gone."""
    trial, contract = own.trial, own.contract
    async with _stranger(trial) as desk:
        stranger = Trader(trial, contract, desk, ref=f"{trial.ref}/{OUTSIDE}")
        opening = await own.held()
        bought = await stranger.buy("stranger buys")
        if bought is None or not await stranger.executed("stranger buys", bought):
            return False
        began = trial.clock.elapsed()
        await own.reaches(opening + LOT)
        drilled = await _reconcile(trial)
        took = trial.clock.elapsed() - began
        trial.measure("detect_s", took, "s")
        soon = took <= CYCLE_LIMIT_S + allowance(trial)
        trial.check("stranger's share: found", "within 60 s", f"{took:.1f} s", passed=soon)
        found = await _check_found(own, "stranger's share", drilled, Kind.FOREIGN_POSITION, LOT)
        sold = await stranger.sell("stranger sells")
        if sold is None or not await stranger.executed("stranger sells", sold):
            return False
        await own.reaches(opening)
    return await _check_clean(trial, "stranger's share: gone", DRILL) and found


Drilled = tuple[Reconciled, bool]


async def _reconcile(trial: Trial) -> Drilled:
    """Compare the books; return what was found, and whether that alone has raised an alert."""
    before = await _alerts(trial)
    run = await gateway.reconcile(trial.desk, trial.ref, DRILL)
    return run, bool(await _alerts(trial) - before)


async def _check_found(own: Trader, name: str, drilled: Drilled, kind: Kind, gap: float) -> bool:
    """Check a difference, what is on record of it, its own alert, and the door."""
    trial, (run, raised) = own.trial, drilled
    for difference in run.unexplained:
        trial.note(f"{name}: {difference}", "WARNING")
    kinds = [difference.kind for difference in run.unexplained]
    gaps = [difference.gap for difference in run.unexplained]
    trial.measure("diffs", len(kinds))
    right = kinds == [kind] and gaps == [gap]
    trial.check(f"{name}: difference", f"{kind}, {gap:+g}", run.words, passed=right)
    rows = ReconciliationDiff.objects.filter(
        scope=trial.ref, kind=kind, state=ReconciliationDiff.State.OPEN
    )
    row = await rows.alast()
    held = await own.held()
    actual = f"{row.broker} instead of {row.own}" if row else "not on record"
    fits = row is not None and float(row.broker) == held
    trial.check(f"{name}: broker's value counts", f"{held:g}", actual, passed=fits)
    trial.check(f"{name}: alert", "raised", "raised" if raised else "none")
    return await _check_shut(own, name) and right


async def _alerts(trial: Trial) -> set[tuple[int, int]]:
    """Each open alert about a difference of the drill, with how often it was raised so far."""
    rows = Alert.objects.filter(kind=DRILL_ALERT, ref=trial.ref, state=Alert.State.OPEN)
    return {row async for row in rows.values_list("pk", "count")}


async def _check_shut(own: Trader, name: str) -> bool:
    """Ask the door about another share, and send nothing."""
    quote = await own.quote()
    if quote is None:
        return False
    refused = await own.refusal(own.intent("BUY", quote.ask, aim="REJECT"))
    actual = "let through" if refused is None else f"{refused.reason}: {refused.text}"
    shut = refused is not None and refused.reason == "RECONCILIATION"
    return own.trial.check(f"{name}: opening orders", "refused", actual, passed=shut)


# -- the phantom --------------------------------------------------------------------------------


async def _phantom(own: Trader) -> None:
    """Claim a share that nobody has, by a row beside the record; find it and take it back."""
    trial, contract = own.trial, own.contract
    claim = await _claim(trial, contract)
    drilled = await _reconcile(trial)
    await _check_found(own, "phantom", drilled, Kind.PHANTOM, -float(LOT))
    diffs = ReconciliationDiff.objects.filter(
        scope=trial.ref, kind=Kind.PHANTOM, gap=-LOT, state=ReconciliationDiff.State.OPEN
    )
    async for diff in diffs:
        await sync_to_async(corrections.end_drill)(diff, "RS-08", CORRECTION_TEXT)
    # An earlier attempt of the session has left rows of its own.
    since = Correction.objects.filter(scope=trial.ref, pk__gte=claim.pk)
    rows = await since.filter(con_id=contract.con_id).acount()
    trial.check("phantom: rows beside the record", "2", str(rows))


async def _claim(trial: Trial, contract: Contract) -> Correction:
    return await Correction.objects.acreate(
        endpoint_id=trial.target.endpoint_id,
        scope=trial.ref,
        con_id=contract.con_id,
        quantity=LOT,
        text=PHANTOM_TEXT,
        by_name="RS-08",
    )
