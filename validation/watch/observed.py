"""Judge others' orders as far as they can be seen from outside. Pure."""

from collections.abc import Iterable, Iterator

from brokerage.terms import WorkingOrder
from validation.models.watching import Severity
from validation.watch.conditions import Condition
from validation.watch.orders import ANSWER_S, CANCEL_S
from validation.watch.reading import Since

# Statuses in which an order waits for a word of the broker's; any other may last for hours.
WAITING = {"ApiPending": ANSWER_S, "PendingSubmit": ANSWER_S, "PendingCancel": CANCEL_S}
ASK = "Nothing to do here: the bot must read its open orders before it sends another."


def unanswered(
    working: Iterable[WorkingOrder], since: Since, now: float, floor: float = 0.0
) -> Iterator[Condition]:
    """Give a condition for each listed order that has waited for an answer for too long.

    Times are session seconds; `floor` is the least that a limit allows, however fast the clock.
    """
    for order in working:
        waited = since(("observed", order.perm_id), order.status, now)
        if waited > max(WAITING.get(order.status, float("inf")), floor):
            whose = f"order {order.perm_id} of client {order.client_id}"
            text = f"NO_RESPONSE: {whose} has been {order.status} for {waited:.0f} s."
            yield Condition("order_unanswered", whose, Severity.ERROR, text, ASK)
