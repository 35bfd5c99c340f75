"""The charts of a session and the rows of a chosen range, each part on its own when asked."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from brokerage.models import Execution
from validation import metrics, observed
from validation.facts import Facts
from validation.forms import TimelineQuery
from validation.models import Session
from validation.timeline import Timeline, Wanted
from validation.views.answers import first_error, refusal

ORDERS, CHECKS, ERRORS, LINES = 25, 25, 10, 100
# Not of the address that people share.
INNER = ("part", "seen", "after")


@dataclass(frozen=True)
class Part:
    """One page of a list, with the addresses of the pages before and after it, and their names."""

    page: "Page[Any]"
    before: str
    after: str
    words: tuple[str, str] = ("Previous", "Next")


class View:
    """What a valid query asks to see of a session."""

    def __init__(self, facts: Facts, query: TimelineQuery) -> None:
        self.session, self.query, self.asked = facts.session, query, query.cleaned_data
        self.facts = facts
        self.timeline = Timeline(facts.session, _wanted(self.asked), facts.samples)

    def address(self, **changes: Any) -> str:
        """Return the address of the session's page as it is filtered now, but for the changes."""
        return self._link(self.session.get_absolute_url(), **changes)

    def live(self, part: str, **more: Any) -> str:
        """Return the address from which a part of the page renews itself."""
        url = reverse("session_timeline", args=[self.session.number])
        return self._link(url, part=part, **more)

    def _link(self, url: str, **changes: Any) -> str:
        kept = {name: value for name, value in self.asked.items() if name not in INNER}
        wanted = {name: value for name, value in {**kept, **changes}.items() if value}
        if self.asked.get("to") == 0:
            wanted["to"] = 0
        return f"{url}?{urlencode(wanted)}" if wanted else url

    def everything(self) -> dict[str, Any]:
        """Return what the whole of the page shows."""
        return {**self.base(), **self.metrics(), **self.charts(), **self.rows(), **self.log()}

    def base(self) -> dict[str, Any]:
        """Return what every part needs."""
        stamp = self.timeline.stamp
        return {
            "session": self.session,
            "timeline_query": self.query,
            "wanted": self.timeline.wanted,
            "stamp": stamp,
            "charts_url": self.live("charts", seen=stamp),
            "metrics_url": self.live("metrics", seen=stamp),
            "rows_url": self.live("rows", seen=stamp),
            "clear_url": f"{self.session.get_absolute_url()}#timeline",
        }

    def metrics(self) -> dict[str, Any]:
        """Return the judged metrics, and apart the figures that nothing is required of."""
        rows = self.facts.judged_metrics
        return {
            "metric_rows": [_shown(row) for row in rows if row.limit.threshold is not None],
            "figure_rows": [row for row in rows if row.limit.threshold is None],
        }

    def charts(self) -> dict[str, Any]:
        """Return everything over time."""
        return {"charts": self.timeline.charts()}

    def rows(self) -> dict[str, Any]:
        """Return orders, checks and errors of the range, a page of each."""
        errors = self._part(self.timeline.errors(), "errors", ERRORS, newest=True)
        return {
            **(self._observed() if self.session.observes else self._orders()),
            "checks_part": self._part(self.timeline.checks(), "checks", CHECKS),
            "errors_part": errors,
            "errors": list(errors.page)[::-1],
        }

    def _orders(self) -> dict[str, Any]:
        orders = self._part(self.timeline.orders(), "orders", ORDERS)
        own = Execution.objects.filter(order__in=[order.pk for order in orders.page])
        return {
            "orders_part": orders,
            "orders": list(orders.page),
            "executions": list(own.select_related("commission_report")),
        }

    def _observed(self) -> dict[str, Any]:
        orders = self._part(self.timeline.observed(), "orders", ORDERS)
        return {"orders_part": orders, "observed": observed.views(orders.page)}

    def log(self) -> dict[str, Any]:
        """Return a page of the log: the newest lines, unless another page is asked for."""
        part = self._part(self.timeline.log(), "log", LINES, newest=True)
        lines = list(part.page)[::-1]
        follows = part.page.number == 1 and not self.session.ended_at
        newest = lines[-1].pk if lines else 0
        return {
            "log_part": part,
            "log": lines,
            "log_follows": follows,
            "log_newest": newest,
            "tail_url": self.live("log"),
        }

    def _part(self, rows: QuerySet[Any], name: str, size: int, *, newest: bool = False) -> Part:
        """Return the page that is asked for; where the newest come first, they end the page."""
        key = f"{name}_page"
        page = Paginator(rows.reverse() if newest else rows, size).get_page(self.asked[key] or 1)
        before = page.previous_page_number() if page.has_previous() else 0
        after = page.next_page_number() if page.has_next() else 0
        back, on = [f"{self.address(**{key: n})}#{name}" if n else "" for n in (before, after)]
        return Part(page, back, on, ("Newer", "Older") if newest else ("Previous", "Next"))


def _wanted(asked: dict[str, Any]) -> Wanted:
    return Wanted(
        asked["from"], asked["to"], asked["level"], asked["scenario"], asked["text"],
        asked["planned"], asked["zoom"], asked["event"],
    )  # fmt: skip


def _shown(row: metrics.Row) -> dict[str, Any]:
    """Return a metric with its interval and its limit as places on an axis of their own."""
    known = [metrics.finite(row.low), metrics.finite(row.high), row.value, row.limit.threshold]
    ends = [end for end in known if end is not None]
    top = max(ends, default=0.0) * 1.15 or 1.0
    bottom = 0.0 if row.limit.figure != "share" else max(min(ends, default=0.0) - 0.05, 0.0)
    span = max(top, 1e-9) - bottom

    def place(value: float | None) -> float | None:
        if value is None:
            return None
        return round(min(max((value - bottom) / span * 100, 0.0), 100.0), 2)

    low, high = place(row.low), place(row.high)
    first, last = low or 0.0, 100.0 if high is None else high
    return {
        "row": row, "open": metrics.finite(row.high) is None, "at": place(row.value),
        "first": first, "length": round(last - first, 2), "limit": place(row.limit.threshold),
        "drawn": row.value is not None, "bounded": row.low is not None or row.high is not None,
    }  # fmt: skip


def context(facts: Facts, query: TimelineQuery) -> dict[str, Any]:
    """Return what the session's page shows of its time line."""
    return View(facts, query).everything()


def part(request: HttpRequest, number: str) -> HttpResponse:
    """Renew one part of the page; nothing at all (204) when nothing has changed since `seen`."""
    session = get_object_or_404(Session.objects.select_related("config"), number=number)
    query = TimelineQuery(request.GET)
    if not query.is_valid():
        return refusal(request, first_error(query))
    view = View(Facts(session), query)
    asked = query.cleaned_data
    if asked["part"] == "log":
        return _tail(request, view)
    if asked["part"] and asked["seen"] == view.timeline.stamp:
        return HttpResponse(status=204)
    name, shown = _parts(view)[asked["part"]]
    response = render(request, f"validation/{name}.html", {**view.base(), **shown()})
    if not asked["part"]:
        response["HX-Push-Url"] = view.address()
    return response


def _parts(view: View) -> dict[str, tuple[str, Callable[[], dict[str, Any]]]]:
    return {
        "": ("_timeline", view.everything),
        "metrics": ("_measured_metrics", view.metrics),
        "charts": ("_charts", view.charts),
        "rows": ("_rows", view.rows),
    }


def _tail(request: HttpRequest, view: View) -> HttpResponse:
    """Send the log lines that are newer than the one seen last, and nothing else."""
    after = view.asked["after"] or 0
    lines = list(view.timeline.log().filter(pk__gt=after)[: LINES * 2])
    if not lines:
        return HttpResponse(status=204)
    told = {"lines": lines, "log_newest": lines[-1].pk}
    return render(request, "validation/_log_tail.html", told)
