"""The page of the kill switch, and what one can do to it."""

from collections.abc import Callable
from typing import cast

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from brokerage import kill
from brokerage.forms import RefusalForm, ResetForm, TriggerForm
from brokerage.models import KillSwitch, OrderGrant
from crucible.ledger.models import Entry

HISTORY_ROWS = 50
DONE = {
    "TRIGGERED": "The kill switch is triggered: no opening order can leave.",
    "RESET_REQUESTED": "The reset is requested. The Chief Risk Officer decides on it.",
    "ARMED": "The kill switch is armed again. Sessions that were halted stay halted.",
}


@require_GET
def kill_switch(request: HttpRequest) -> HttpResponse:
    """State, history, and the forms that this person may use."""
    return _page(request)


@require_POST
def trigger(request: HttpRequest) -> HttpResponse:
    """Block every opening order; the form stands in the header of each page."""
    form = TriggerForm(request.POST)
    return _do(request, form, lambda user: kill.trigger(user, form.cleaned_data["reason"]))


@require_POST
def request_reset(request: HttpRequest) -> HttpResponse:
    """Ask for the switch to be armed again."""
    form = ResetForm(request.POST)
    return _do(
        request, form, lambda user: kill.request_reset(user, form.cleaned_data["root_cause"])
    )


@require_POST
def approve_reset(request: HttpRequest) -> HttpResponse:
    """Arm the switch again, as the second person."""
    return _do(request, forms.Form(request.POST), kill.approve_reset)


@require_POST
def refuse_reset(request: HttpRequest) -> HttpResponse:
    """Leave the switch triggered."""
    form = RefusalForm(request.POST)
    return _do(request, form, lambda user: kill.refuse_reset(user, form.cleaned_data["reason"]))


def _do(
    request: HttpRequest, form: forms.Form, action: Callable[[User], KillSwitch]
) -> HttpResponse:
    """Do it and go back to where the person was, or show the page with what is wrong."""
    if not form.is_valid():
        return _page(request, form, status=400)
    try:
        switch = action(cast("User", request.user))
    except kill.KillSwitchError as error:
        form.add_error(None, str(error))
        return _page(request, form, status=error.status)
    messages.success(request, DONE[switch.state])
    wanted = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()})
    # Not `redirect`: it takes what is no address for the name of a view.
    return HttpResponseRedirect(wanted) if safe else redirect("brokerage:kill_switch")


def _page(request: HttpRequest, form: forms.Form | None = None, status: int = 200) -> HttpResponse:
    user, switch = cast("User", request.user), KillSwitch.objects.filter(pk=1).first()
    history = Entry.objects.filter(object_type="kill switch").select_related("actor")
    bound = {type(form): form} if form is not None else {}
    context = {
        "switch": switch,
        "grants": OrderGrant.objects.filter(revoked_at=None).count(),
        "history": history.order_by("-sequence")[:HISTORY_ROWS],
        "problem": form,
        "trigger_form": bound.get(TriggerForm) or TriggerForm(),
        "reset_form": bound.get(ResetForm) or ResetForm(),
        "refusal_form": bound.get(RefusalForm) or RefusalForm(),
        "may_trigger": kill.may_trigger(user),
        "may_request": kill.may_request(user),
        "may_decide": switch is not None and kill.may_decide(user, switch),
    }
    return render(request, _template(request), context, status=status)


def _template(request: HttpRequest) -> str:
    fragment = request.headers.get("HX-Request") == "true" and request.method == "GET"
    return "brokerage/_kill_switch.html" if fragment else "brokerage/kill_switch.html"
