"""The pages of sign-off: the inbox, a request, and the four things that one can do."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import ObjectDoesNotExist
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from approvals import evidence, manifest, requests, signing
from approvals.forms import LABELS, DecisionForm, WithdrawForm
from approvals.guards import Case, Reason, Refusal, Refused, choices, why_not
from approvals.models import Request, person
from approvals.rules import SAID, UNDECIDED, Decision
from crucible.roles import Role
from crucible.states import look_of

CLOSED_PER_PAGE = 25
# Refusals that the signer settles in the form itself.
IN_FORM = {
    Reason.PASSWORD: "password",
    Reason.LOCKED_OUT: "password",
    Reason.COMMENT: "comment",
}


@require_GET
def inbox(http: HttpRequest) -> HttpResponse:
    """What waits for me, what waits for others, what is closed."""
    found = Request.objects.select_related("policy", "submitted_by", "previous")
    undecided = list(found.filter(state__in=UNDECIDED).order_by("due_at", "pk"))
    mine = [signoff for signoff in undecided if signoff.waits_for(_user(http))]
    pages = Paginator(found.exclude(state__in=UNDECIDED), CLOSED_PER_PAGE)
    context = {
        "mine": mine,
        "others": [signoff for signoff in undecided if signoff not in mine],
        "closed": pages.get_page(http.GET.get("page")),
    }
    template = "approvals/_inbox.html" if _fragment(http) else "approvals/inbox.html"
    return render(http, template, context)


@require_GET
def show(http: HttpRequest, pk: int) -> HttpResponse:
    """One request: what is signed, by whom, and the form for whoever may sign."""
    return _page(http, _found(pk))


@require_GET
def manifest_file(http: HttpRequest, pk: int) -> HttpResponse:
    """The bytes whose SHA-256 the signatures carry."""
    signoff = _found(pk)
    response = HttpResponse(signoff.manifest_text.encode(), content_type="application/json")
    name = f"{signoff.subject}-v{signoff.version}-manifest.json"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_POST
def submit(http: HttpRequest, subject: str) -> HttpResponse:
    """Lay a subject before its signers."""
    try:
        signoff = requests.submit(subject, _user(http))
    except ObjectDoesNotExist as error:
        raise Http404(f"There is nothing called {subject}.") from error
    except Refused as refused:
        back = evidence.load().summary(subject)
        context = {"refusal": refused.refusal, "back": back, "simulated": back.simulated}
        return render(http, "approvals/refused.html", context, status=refused.refusal.status)
    messages.success(http, f"{signoff} is submitted and due {signoff.countdown[4:]}.")
    return redirect("approvals:request", signoff.pk)


@require_http_methods(["GET", "POST"])
def decide(http: HttpRequest, pk: int) -> HttpResponse:
    """Sign; a GET, as after a reload of the address, goes to the request."""
    signoff = _found(pk)
    if http.method == "GET":
        return redirect("approvals:request", pk)
    form = _decision_form(signoff.case(), _user(http), http.POST)
    try:
        if form is None:
            signing.admit(pk, _user(http), None, Decision.REJECT)
        elif form.is_valid():
            _sign(http, signoff, form.cleaned_data)
            return redirect("approvals:request", pk)
    except Refused as refused:
        return _refused(http, _found(pk), form, refused.refusal)
    return _page(http, signoff, form=form, status=400)


@require_http_methods(["GET", "POST"])
def withdraw(http: HttpRequest, pk: int) -> HttpResponse:
    """Take a request back, for its submitter."""
    signoff = _found(pk)
    form = WithdrawForm(http.POST or None)
    if http.method == "GET":
        return redirect("approvals:request", pk)
    if not form.is_valid():
        return _page(http, signoff, withdraw_form=form, status=400)
    try:
        requests.withdraw(pk, _user(http), form.cleaned_data["reason"])
    except Refused as refused:
        return _page(http, _found(pk), refusal=refused.refusal)
    messages.success(http, f"{signoff} is withdrawn.")
    return redirect("approvals:request", pk)


def _user(http: HttpRequest) -> User:
    return cast("User", http.user)


def _found(pk: int) -> Request:
    return get_object_or_404(Request.objects.select_related("policy", "submitted_by"), pk=pk)


def _fragment(http: HttpRequest) -> bool:
    return http.headers.get("HX-Request") == "true"


def _sign(http: HttpRequest, signoff: Request, data: dict[str, Any]) -> None:
    role, decision = Role(data["slot"]), Decision(data["decision"])
    signing.decide(
        signoff.pk,
        _user(http),
        decision,
        password=data["password"],
        comment=data["comment"],
        slot=role,
    )
    messages.success(http, f"Signed as {role.label}: {look_of(SAID[decision]).word.lower()}.")


def _decision_form(case: Case, user: User, data: Any = None) -> DecisionForm | None:
    """Return the form for what this person may decide now, or None when that is nothing."""
    signer = person(user)
    decisions = [decision for decision in LABELS if choices(case, signer, decision)]
    if not decisions:
        return None
    return DecisionForm(data, roles=choices(case, signer, decisions[-1]), decisions=decisions)


def _refused(
    http: HttpRequest, signoff: Request, form: DecisionForm | None, refusal: Refusal
) -> HttpResponse:
    field = IN_FORM.get(refusal.code)
    if form is not None and field:
        form.add_error(field, f"{refusal.detail} {refusal.why} {refusal.do}")
        return _page(http, signoff, form=form, status=refusal.status)
    return _page(http, signoff, refusal=refusal)


def _page(
    http: HttpRequest,
    signoff: Request,
    *,
    form: DecisionForm | None = None,
    withdraw_form: WithdrawForm | None = None,
    refusal: Refusal | None = None,
    status: int = 200,
) -> HttpResponse:
    user, case = _user(http), signoff.case()
    form = form or _decision_form(case, user)
    context = {
        "signoff": signoff,
        "simulated": signoff.simulated,
        "summary": evidence.load().summary(signoff.subject),
        "blockers": case.blockers if signoff.undecided else (),
        "unchanged": case.unchanged,
        "drift": requests.changes(signoff) if signoff.undecided and not case.unchanged else "",
        "sections": manifest.sections(signoff.manifest.content),
        "changes": signoff.changes,
        "versions": Request.objects.filter(subject=signoff.subject).order_by("-version"),
        "form": form,
        "why_not": None if form else why_not(case, person(user), Decision.REJECT),
        "refusal": refusal,
        "withdraw_form": _withdraw_form(signoff, user, withdraw_form),
    }
    template = "approvals/_request.html" if _fragment(http) else "approvals/request.html"
    return render(http, template, context, status=refusal.status if refusal else status)


def _withdraw_form(signoff: Request, user: User, form: WithdrawForm | None) -> WithdrawForm | None:
    mine = signoff.undecided and signoff.submitted_by_id == user.pk
    return (form or WithdrawForm()) if mine else None
