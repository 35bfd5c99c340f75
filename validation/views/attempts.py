"""One attempt at a scenario, and the catalogue of them all."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from django.db.models import Max, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from brokerage.models import Execution, OrderRecord
from validation import hanging
from validation.edge_cases import CASES
from validation.models import Attempt
from validation.scenarios import catalogue
from validation.scenarios.catalogue import Definition, UnknownScenarioError
from validation.views.answers import show

LINES = 400


def detail(request: HttpRequest, number: str, scenario: str, n: int) -> HttpResponse:
    """One attempt: its checks, figures, orders and log lines."""
    rows = Attempt.objects.select_related("session")
    attempt = get_object_or_404(rows, session__number=number, scenario=scenario, number=n)
    return show(request, "attempt", _attempt(attempt))


def _attempt(attempt: Attempt) -> dict[str, Any]:
    session = attempt.session
    siblings = list(session.attempts.order_by("position", "number"))
    at = siblings.index(attempt)
    attempts = [one for one in siblings if one.scenario == attempt.scenario]
    orders = _orders(attempt, attempts)
    # A fill whose order is not known may be any attempt's.
    fills = Execution.objects.filter(Q(order__in=orders) | _of_scenario(attempt) & Q(order=None))
    return {
        "session": session,
        "simulated": session.simulated,
        "attempt": attempt,
        "overdue": hanging.overdue_since(attempt, session.speed),
        "attempts": attempts,
        "before": siblings[at - 1] if at else None,
        "after": siblings[at + 1] if at + 1 < len(siblings) else None,
        "checks": attempt.checks.all(),
        "metrics": attempt.metrics.all(),
        "orders": orders,
        "executions": fills.select_related("commission_report"),
        "log": list(attempt.log_lines.order_by("-pk")[:LINES])[::-1],
        "definition": _definition(attempt.scenario),
    }


def _of_scenario(attempt: Attempt) -> Q:
    """Pick what any attempt at the scenario in this session did, its clean-up included."""
    number = attempt.session.number
    ref = f"{number}/{attempt.scenario}"
    return Q(scope=number) & (Q(ref=ref) | Q(ref__startswith=f"{ref}/"))


def _orders(attempt: Attempt, attempts: Sequence[Attempt]) -> QuerySet[OrderRecord]:
    """Return the orders of one of a scenario's attempts.

    All of them share one reference: the times at which they began tell them apart.
    """
    found = OrderRecord.objects.filter(_of_scenario(attempt))
    if attempt.number > 1:
        began = attempt.started_at
        found = found.filter(created_at__gte=began) if began else found.none()
    later = [one.started_at for one in attempts if one.number > attempt.number and one.started_at]
    return found.filter(created_at__lt=min(later)) if later else found


def _definition(scenario: str) -> Definition | None:
    try:
        return catalogue.load().get(scenario)
    except UnknownScenarioError:
        return None


def listing(request: HttpRequest) -> HttpResponse:
    """Every scenario with what it shows, and the edge cases they cover."""
    known = catalogue.load().all()
    newest = Attempt.objects.values("scenario").annotate(newest=Max("pk")).values("newest")
    last = {
        one.scenario: one for one in Attempt.objects.filter(pk__in=newest).select_related("session")
    }
    groups = [
        {"title": title, "rows": [_row(one, last.get(one.id)) for one in rows]}
        for title, rows in groupby(known, key=lambda one: str(one.category))
    ]
    cases = [
        (case.number, case.title, [one.id for one in known if case.number in one.cases])
        for case in CASES
    ]
    total = len(catalogue.load().core())
    context = {"groups": groups, "total": total, "cases": cases}
    context["packages"] = catalogue.packages()
    return render(request, "validation/catalogue.html", context)


def _row(scenario: Definition, last: Attempt | None) -> dict[str, Any]:
    needs = sorted(need.value.replace("_", " ").lower() for need in scenario.needs)
    return {"scenario": scenario, "last": last, "needs": needs}
