"""Differences to the broker: what is open, and how two people settle one (RC-07)."""

from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.db.models import Case, QuerySet, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST

from brokerage import corrections
from brokerage.corrections import CorrectionError
from brokerage.models import ReconciliationDiff, ReconciliationRun
from crucible.ledger.models import Entry
from validation import differences
from validation.forms import ApprovalForm, DifferenceQuery, ProposalForm, RefusalForm
from validation.models import Session
from validation.views.answers import carry_out, first_error, paged, person_of, refusal, show

State = ReconciliationDiff.State
# What waits for a decision comes before what waits for a proposal, then what is settled.
WAITING_FIRST = Case(
    When(state=State.OPEN, proposed_by__isnull=False, then=0),
    When(state=State.OPEN, then=1),
    default=2,
)


def listing(request: HttpRequest) -> HttpResponse:
    """All differences, those that wait for somebody first; of one session when asked."""
    query = DifferenceQuery(request.GET)
    if not query.is_valid():
        return refusal(request, first_error(query))
    number = query.cleaned_data["session"]
    session = get_object_or_404(Session, number=number) if number else None
    found = paged(_wanted(session, query.cleaned_data["state"]), query, 25)
    context = {
        "session": session,
        "simulated": bool(session and session.simulated),
        "query": query,
        "differences": found,
        "rows": _rows(found),
        "open_count": ReconciliationDiff.objects.filter(state=State.OPEN).count(),
        "compared": _compared(session),
        "may_propose": corrections.may_propose(person_of(request)),
    }
    return show(request, "differences", context)


def _wanted(session: Session | None, state: str) -> QuerySet[ReconciliationDiff]:
    found = ReconciliationDiff.objects.select_related("endpoint", "proposed_by")
    if session is not None:
        found = found.filter(differences.within(session))
    if state:
        found = found.filter(state=State.OPEN) if state == "open" else found.exclude(state="OPEN")
    return found.order_by(WAITING_FIRST, "-opened_at", "-pk")


def _rows(found: Iterable[ReconciliationDiff]) -> list[dict[str, Any]]:
    """Each difference with the session that it belongs to, if it is one of a session."""
    numbers = {diff.pk: differences.number_of(diff.scope) for diff in found}
    known = Session.objects.in_bulk(set(numbers.values()), field_name="number")
    return [{"diff": diff, "session": known.get(numbers[diff.pk])} for diff in found]


def _compared(session: Session | None) -> dict[str, Any]:
    """How often the books were compared, and how the last time went: none says that all is well."""
    runs = ReconciliationRun.objects.exclude(state=ReconciliationRun.State.RUNNING)
    if session is not None:
        runs = runs.filter(differences.within(session))
    read = runs.exclude(state=ReconciliationRun.State.ERROR)
    return {"count": read.count(), "last": runs.last()}


def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One difference: the values, what is proposed, what was decided, and what one may do."""
    diff = _difference(pk)
    session = Session.objects.filter(number=differences.number_of(diff.scope)).first()
    by, is_open = person_of(request), diff.state == State.OPEN
    context = {
        "diff": diff,
        "session": session,
        "simulated": session.simulated
        if session
        else bool(diff.endpoint and diff.endpoint.simulated),
        "corrections": diff.corrections.select_related("by"),
        "entries": _entries(diff),
        "may_propose": is_open and corrections.may_propose(by),
        "objection": corrections.objection(diff, by) if is_open and diff.proposal else "",
        "correctable": diff.con_id is not None and diff.gap,
        "proposal_form": ProposalForm(),
        "refusal_form": RefusalForm(),
    }
    return show(request, "difference", context)


def _difference(pk: int) -> ReconciliationDiff:
    found = ReconciliationDiff.objects.select_related("endpoint", "proposed_by", "run")
    return get_object_or_404(found, pk=pk)


def _entries(diff: ReconciliationDiff) -> list[Entry]:
    """What people did about it; the ledger keeps it when a proposal is replaced or refused."""
    lines = Entry.objects.filter(
        object_type="reconciliation", object_id=str(diff.run_id), kind__startswith="correction."
    )
    return [line for line in lines if line.details.get("number") == diff.pk]


@require_POST
def propose(request: HttpRequest, pk: int) -> HttpResponse:
    """Say what it comes from, for another person to decide on."""
    return _settle(
        ProposalForm(request.POST), request, pk,
        lambda diff, by, said: corrections.propose(diff, by, said["text"], row=said["row"]),
        "Proposed. The QA Lead or the Chief Risk Officer decides on it.",
    )  # fmt: skip


@require_POST
def approve(request: HttpRequest, pk: int) -> HttpResponse:
    """Settle it as another person has proposed."""
    return _settle(
        ApprovalForm(request.POST), request, pk,
        lambda diff, by, said: corrections.approve(diff, by, said["seen"]),
        "Settled as it was proposed.",
    )  # fmt: skip


@require_POST
def refuse(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the proposal off; the difference stays open."""
    return _settle(
        RefusalForm(request.POST), request, pk,
        lambda diff, by, said: corrections.refuse(diff, by, said["why"]),
        "Refused. The difference stays open.",
    )  # fmt: skip


def _settle(
    form: forms.Form,
    request: HttpRequest,
    pk: int,
    act: Callable[[ReconciliationDiff, User, dict[str, Any]], object],
    done: str,
) -> HttpResponse:
    diff = _difference(pk)
    if not form.is_valid():
        return refusal(request, first_error(form))
    by, said = person_of(request), form.cleaned_data
    back = reverse("difference", args=[diff.pk])
    return carry_out(request, back, lambda: act(diff, by, said), CorrectionError, done=done)
