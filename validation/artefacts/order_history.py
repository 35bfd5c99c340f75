"""The order history (RP-19): every field of every order of a session, its events, its fills."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, TypeVar

from django.db import models

from brokerage.models import Commission, Execution, OrderEvent, OrderRecord
from validation import observed
from validation.artefacts.markup import instant, json_text
from validation.facts import Facts
from validation.models import Session

# Keys of the database's own, which say nothing elsewhere.
INTERNAL = {"id", "grant", "endpoint", "order", "execution"}
T = TypeVar("T")


def order_history(facts: Facts) -> str:
    """Return the JSON; orders as they came, fills that belong to none of them last."""
    events = _by_order(OrderEvent.objects.filter(order__in=facts.orders).order_by("pk"))
    fills = _by_order(facts.executions)
    costs = {
        row.execution_id: row
        for row in Commission.objects.filter(execution__in=facts.executions).order_by("pk")
    }
    session = facts.session
    return json_text(
        {
            "session": session.number,
            "simulated": session.simulated,
            "gateway": session.endpoint_name,
            "ended_at": instant(session.ended_at),
            "orders": [
                {
                    **_fields(order),
                    "events": [_fields(event) for event in events[order.pk]],
                    "fills": [_fill(fill, costs) for fill in fills[order.pk]],
                }
                for order in facts.orders
            ],
            **_observed(session),
            "other_fills": [_fill(fill, costs) for fill in _strangers(facts.orders, fills)],
        }
    )


def _observed(session: Session) -> dict[str, Any]:
    """Return, for an observing session, the orders of others; empty for any other."""
    if not session.observes:
        return {}
    return {
        "observed_client": session.observed_client,
        "observed_orders": [
            {
                **_fields(one.order),
                "events": [_fields(event) for event in one.events],
                "fills": [_fields(fill) for fill in one.fills],
            }
            for one in observed.views(observed.concerning(session))
        ],
    }


def _by_order(rows: Iterable[T]) -> dict[int | None, list[T]]:
    found: dict[int | None, list[T]] = defaultdict(list)
    for row in rows:
        found[getattr(row, "order_id")].append(row)  # noqa: B009 - rows of two models
    return found


def _strangers(
    orders: list[OrderRecord], fills: dict[int | None, list[Execution]]
) -> list[Execution]:
    known = {order.pk for order in orders}
    return [fill for key, found in fills.items() if key not in known for fill in found]


def _fill(fill: Execution, costs: dict[int, Commission]) -> dict[str, Any]:
    cost = costs.get(fill.pk)
    return {**_fields(fill), "commission": _fields(cost) if cost else None}


def _fields(row: models.Model) -> dict[str, Any]:
    """Return every stored field but the database's own keys."""
    return {
        field.name: getattr(row, field.attname)
        for field in row._meta.concrete_fields
        if field.name not in INTERNAL
    }
