"""What an observing session saw of others' orders, and what of it can be measured from outside."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from brokerage.executions import standing
from brokerage.models import ObservedEvent, ObservedExecution, ObservedOrder
from brokerage.observing import ENDED
from validation.models import Session

OUTSIDE = "Not measurable in observe mode:"
# Metrics that rest on what the bot alone knows, and why they stay without data.
NOT_FROM_OUTSIDE = {
    "ME-01": f"{OUTSIDE} when an order was sent is known to the bot alone.",
    "ME-01b": f"{OUTSIDE} when an order was sent is known to the bot alone.",
    "ME-02": f"{OUTSIDE} when a cancel was sent is known to the bot alone.",
    "ME-03": f"{OUTSIDE} the bot's own state can't be asked for.",
    "ME-04": f"{OUTSIDE} it compares ME-01.",
    "ME-09": f"{OUTSIDE} no scenario of the catalogue runs.",
    "ME-15": f"{OUTSIDE} the bot's memory can't be seen.",
    "ME-21": f"{OUTSIDE} the gateway tells a rejection to the bot's own connection alone.",
    "ME-25": f"{OUTSIDE} no scenario of the catalogue runs.",
    "ME-25a": f"{OUTSIDE} no scenario of the catalogue runs.",
}
MARKET_ALONE = (
    "Market orders alone: which limit orders were meant to fill is known to the bot. Counted from "
    "the last look without the order to the look that showed its fill: never less than it took."
)
AT_LEAST = "As seen: what is refused at once is told to the bot's own connection alone."


@dataclass(frozen=True)
class Seen:
    """An observed order with how it stands, and its executions; times are real, in UTC."""

    order: ObservedOrder
    events: Sequence[ObservedEvent]
    fills: Sequence[ObservedExecution]

    @property
    def last(self) -> ObservedEvent | None:
        """The newest thing that was seen of it."""
        return self.events[-1] if self.events else None

    @property
    def status(self) -> str:
        """The broker's last word."""
        return self.last.status if self.last else "Unlisted"

    @property
    def quantity(self) -> float:
        """What was ordered, as last seen."""
        return self.last.quantity if self.last else self.order.quantity

    @property
    def filled(self) -> float:
        """What its executions add up to; a correction replaces, it never adds."""
        return sum(fill.quantity for fill in standing(self.fills))

    @property
    def average(self) -> float:
        """The average price of its executions, or 0."""
        worth = sum(fill.quantity * fill.price for fill in standing(self.fills))
        return worth / self.filled if self.filled else 0.0

    @property
    def complete(self) -> bool:
        """Whether its executions make up all of it."""
        return 0 < self.quantity <= self.filled

    @property
    def ended_at(self) -> datetime | None:
        """When a look first showed its end; None while it works."""
        if self.complete:
            return self.fills[-1].seen_at
        ends = [event.at for event in self.events if event.status in ENDED]
        return ends[0] if ends else None

    @property
    def fill_ms(self) -> float | None:
        """Real ms from the last look without it to the one that showed its last fill, if known."""
        if not self.complete or self.order.absent_at is None:
            return None
        return (self.fills[-1].seen_at - self.order.absent_at).total_seconds() * 1000

    @property
    def tone(self) -> str:
        """How it looks in a chart: a bot's reasons are its own, so that no end is bad."""
        if self.complete:
            return "ok"
        return "info" if self.ended_at is None else "warn"


def concerning(session: Session) -> QuerySet[ObservedOrder]:
    """Return the orders of whom the session observes; one of unknown origin may be."""
    rows = ObservedOrder.objects.filter(scope=session.number).order_by("pk")
    if session.observed_client is None:
        return rows
    return rows.filter(Q(client_id=session.observed_client) | Q(client_id=None))


def views(orders: Iterable[ObservedOrder]) -> list[Seen]:
    """Return the orders with what was seen of them, in three queries at most."""
    orders = list(orders)
    events: defaultdict[int, list[ObservedEvent]] = defaultdict(list)
    for event in ObservedEvent.objects.filter(order__in=orders).order_by("pk"):
        events[event.order_id].append(event)
    fills: defaultdict[int | None, list[ObservedExecution]] = defaultdict(list)
    for fill in ObservedExecution.objects.filter(order__in=orders).order_by("pk"):
        fills[fill.order_id].append(fill)
    return [Seen(order, events[order.pk], fills[order.pk]) for order in orders]


def sent(session: Session) -> list[Seen]:
    """Return the orders that were sent while the session looked on, the oldest first."""
    return views(concerning(session).filter(earlier=False))


def fill_times(seen: Iterable[Seen], until: datetime) -> Iterator[tuple[Seen, float, bool]]:
    """Give each market order with its time to the fill in real ms, and whether that never came."""
    for one in seen:
        began = one.order.absent_at
        if one.order.order_type != "MKT" or began is None:
            continue
        ms = one.fill_ms
        end = one.ended_at or until
        yield one, (end - began).total_seconds() * 1000 if ms is None else ms, ms is None


def counts(seen: Sequence[Seen]) -> dict[str, tuple[float | None, float, str]]:
    """Return what can be counted of the orders: by the metric's number, as `metrics.Book` does."""
    market = [one for one in seen if one.order.order_type == "MKT"]
    filled = sum(min(1.0, one.filled / one.quantity) for one in market if one.quantity)
    n, full = len(seen), sum(one.complete for one in seen)
    cancelled = sum(one.status in {"Cancelled", "ApiCancelled"} for one in seen)
    others = f"{n - len(market)} others were no market orders: whether they were meant to fill "
    return {
        "ME-11": (filled, len(market), f"{others}is known to the bot alone."),
        "ME-20": (float(n), n, AT_LEAST),
        "ME-20b": (float(full), n, ""),
        "ME-20c": (float(cancelled), n, ""),
    }
