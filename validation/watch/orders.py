"""Judge whether own orders are answered: acknowledgements, executions, commissions. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from brokerage.comparison import Difference, Kind
from brokerage.funds import SUBJECTS, Verdict
from brokerage.terms import OrderState
from validation.models.watching import Severity
from validation.watch.conditions import Condition

# Session seconds: without any word, of an unknown fate, and of a cancel without an end.
ANSWER_S, FATE_S, CANCEL_S = 10.0, 45.0, 45.0
# Session seconds that an execution may be behind the status, and a commission behind both.
EXECUTION_S, COMMISSION_S = 10.0, 30.0
READ = "Read open orders, completed orders and executions before another order is sent."
UNSENT = frozenset({OrderState.INTENT, OrderState.REFUSED})


@dataclass(frozen=True)
class OrderView:
    """An own order as it stands on record; session seconds, `acked_s` None without a word.

    It has been in its state for `since_s`; `executed` is what its executions add up to, and for
    `unpriced_s` an execution has had no commission.
    """

    label: str
    state: OrderState
    since_s: float
    acked_s: float | None = None
    filled: float = 0.0
    executed: float = 0.0
    unpriced_s: float | None = None
    late_fill: bool = False


def conditions(orders: Iterable[OrderView], floor: float = 0.0) -> Iterator[Condition]:
    """What is wrong with the orders, one condition at most for each.

    `floor` is the least number of session seconds that a limit allows, however fast the clock.
    """
    for order in orders:
        found = _unanswered(order, floor) or _unfilled(order, floor) or _slow(order, floor)
        if found is not None:
            yield found


def _unanswered(order: OrderView, floor: float) -> Condition | None:
    silent = order.state is OrderState.SUBMITTING and order.since_s > max(ANSWER_S, floor)
    if silent or order.state is OrderState.NO_RESPONSE:
        text = f"NO_RESPONSE: nothing acknowledged {order.label}."
        return Condition("order_unanswered", order.label, Severity.ERROR, text, READ)
    if order.state is OrderState.UNKNOWN and order.since_s > max(FATE_S, floor):
        text = f"The fate of {order.label} has been unknown for {order.since_s:.0f} s."
        return Condition("order_fate_unknown", order.label, Severity.ERROR, text, READ)
    if order.state is OrderState.CANCEL_PENDING and order.since_s > max(CANCEL_S, floor):
        text = f"The cancel of {order.label} has had no end for {order.since_s:.0f} s."
        return Condition("cancel_unanswered", order.label, Severity.ERROR, text, READ)
    return None


def _unfilled(order: OrderView, floor: float) -> Condition | None:
    missing = order.filled - order.executed
    late = order.since_s > max(EXECUTION_S, floor)
    if order.state is OrderState.FILLED and missing > 0 and late:
        text = f"{order.label} is filled, and executions of {missing:g} are missing."
        do = "Ask for the executions; book no fill before its execution is known."
        return Condition("fill_without_execution", order.label, Severity.ERROR, text, do)
    if order.unpriced_s is not None and order.unpriced_s > max(COMMISSION_S, floor):
        text = f"{order.label}: no commission {order.unpriced_s:.0f} s after its execution."
        do = "Costs are not final; ask for the executions again at the end."
        return Condition("commission_missing", order.label, Severity.WARNING, text, do)
    return None


def _slow(order: OrderView, floor: float) -> Condition | None:
    if order.late_fill:
        text = f"{order.label} was filled after it had been called ended."
        do = "Count the fill; a cancel is sure only when executions and open orders agree."
        return Condition("late_fill", order.label, Severity.WARNING, text, do)
    if order.acked_s is not None and order.acked_s > max(ANSWER_S, floor):
        text = f"{order.label} was acknowledged after {order.acked_s:.1f} s only."
        do = "See whether the gateway, the line or the account is overloaded."
        return Condition("slow_acknowledgement", order.label, Severity.WARNING, text, do)
    return None


# -- what a reconciliation found ------------------------------------------------------------------

UNTOLD = frozenset({Kind.MISSING_HERE, Kind.STATUS, Kind.COMMISSION, Kind.CORRECTED_EXECUTION})
EXPLAIN = "Find out who traded or what was lost, and explain or correct it with its difference."


def difference(found: Difference, *, final: bool = False) -> Condition:
    """Say what a difference between own record, wire and broker means.

    An explained one warns: nothing had told of it, and asking brought it. One that nobody can
    explain is an error, a critical one at the end.
    """
    subject, told = found.subject, str(found)
    if found.explanation:
        text = f"{_sentence(told)} {found.explanation}"
        kind = "untold" if found.kind in UNTOLD else "report_contradicted"
        return Condition(kind, subject, Severity.WARNING, text, "Nothing: the record is complete.")
    severity = Severity.CRITICAL if final else Severity.ERROR
    return Condition(
        f"difference_{found.kind.lower()}", subject, severity, _sentence(told), EXPLAIN
    )


def settled(found: Difference) -> Condition:
    """Say that a difference was there, and that the own record was completed from the broker."""
    text = f"{_sentence(str(found))} Nothing had told of it; asking the broker brought it."
    return Condition("untold", found.subject, Severity.WARNING, text, "Nothing: it is on record.")


def not_compared(figures: Iterable[Mapping[str, Any]]) -> Iterator[Condition]:
    """Say which of the account's figures, as a run keeps them, nobody could compare."""
    for figure in figures:
        if figure["verdict"] == Verdict.UNKNOWN:
            name = SUBJECTS[figure["name"]]
            text = f"{_sentence(f'{name} could not be compared')} {figure['why']}"
            do = "Compare it with the account statement by hand."
            yield Condition("funds_not_compared", name, Severity.WARNING, text, do)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


# -- what the connection told against what it brought ---------------------------------------------


@dataclass(frozen=True)
class Told:
    """The last status that a connection told of an own order, and what its executions add up to."""

    label: str
    status: str
    quantity: float
    executed: float


def contradictions(told: Iterable[Told]) -> Iterator[Condition]:
    """Executions that complete an order while its status never said Filled."""
    for one in told:
        if one.quantity and one.executed >= one.quantity and one.status != "Filled":
            text = (
                f"{one.label}: executions add up to {one.executed:g}, and the last status was "
                f"{one.status or 'none'}."
            )
            do = "Nothing: executions count. A bot that waits for the status waits for ever."
            yield Condition("execution_without_status", one.label, Severity.WARNING, text, do)


def id_went_back(client_id: int, told: int, used: int) -> Condition:
    """Say that a gateway has forgotten order ids."""
    text = f"Client {client_id} was told next order id {told}; {used} was used in this session."
    do = "Go on from the highest id ever used, and compare orders by permanent id."
    return Condition("next_id_went_back", f"client {client_id}", Severity.ERROR, text, do)
