"""Read an account's cash and realised profit, and hold them against the executions."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from asgiref.sync import sync_to_async

from brokerage import funds
from brokerage.calendar import ET
from brokerage.comparison import Books
from brokerage.errors import GatewayError
from brokerage.funds import CASH, CURRENCY, KINDS, REALIZED, Account, Now, Start
from brokerage.gateway.desk import Desk
from brokerage.models import ReconciliationDiff, ReconciliationRun
from brokerage.reconciliation import is_ours
from brokerage.terms import Target

TAGS = {CASH: "TotalCashValue", REALIZED: "RealizedPnL"}
WORTH = "NetLiquidation"


@dataclass(frozen=True)
class Told:
    """What the gateway tells of an account in US dollars: figures that executions explain, and the
    net liquidation value; neither where it does not tell."""

    figures: Mapping[str, float] = field(default_factory=dict)
    worth: float | None = None


async def read(desk: Desk) -> Told:
    """Ask for the account's values."""
    try:
        told = await desk.account_values()
    except GatewayError:
        return Told()
    if told.currency != CURRENCY:
        return Told()
    values = told.values
    figures = {name: values[tag] for name, tag in TAGS.items() if tag in values}
    return Told(figures, values.get(WORTH))


async def judge(
    desk: Desk, scope: str, told: Mapping[str, float], own: Books, broker: Books, *, agreed: bool
) -> Account:
    """Compare the account with its start; `agreed` says that nobody differs about executions.

    Where they do differ, cash does as well, and is judged when they agree again.
    """
    now = desk.now()
    by_now = funds.moved(own.fills, broker.fills, lambda ref: is_ours(ref, scope), now)
    today = Now(f"{now.astimezone(ET):%Y-%m-%d}", told, by_now if agreed else None)
    begun, explained = await sync_to_async(_on_record)(desk.target, scope)
    begun = begun or funds.start(today)
    return Account(begun, funds.compare_funds(begun, today, explained))


def _on_record(target: Target, scope: str) -> tuple[Start | None, dict[str, float]]:
    """The start that a run has kept, and what people have explained beyond executions."""
    kept = ReconciliationRun.funds_at_start(target.endpoint_id, scope)
    explained = ReconciliationDiff.explained_amount
    amounts = {name: explained(target.endpoint_id, scope, kind) for name, kind in KINDS.items()}
    return (Start(**kept) if kept else None), amounts
