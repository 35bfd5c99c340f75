"""Steer a session: check it, run it, pause it, resume it; acknowledge its warnings."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from validation import (
    acknowledging,
    drills,
    finishing,
    importing,
    market_hours,
    pausing,
    sessions,
)
from validation.forms import PreflightForm, ReasonForm, TurnForm, WarningsForm
from validation.models import Session, Upload
from validation.sessions import SessionRefused
from validation.views.answers import carry_out, first_error, person_of, refusal


def _steer(
    request: HttpRequest, number: str, act: Callable[[Session, User], object], done: str
) -> HttpResponse:
    session = get_object_or_404(Session, number=number)
    back = session.get_absolute_url()
    return carry_out(
        request, back, lambda: act(session, person_of(request)), SessionRefused, done=done
    )


def _steer_by(
    form: forms.Form,
    request: HttpRequest,
    number: str,
    act: Callable[[Session, User, dict[str, Any]], object],
    done: str,
) -> HttpResponse:
    """The same with what the form says; one that says it wrongly is refused."""
    if not form.is_valid():
        return refusal(request, first_error(form))
    said = form.cleaned_data
    return _steer(request, number, lambda session, by: act(session, by, said), done)


@require_POST
def preflight(request: HttpRequest, number: str) -> HttpResponse:
    """Make the preflight once more; with `run` the session then runs by itself."""
    return _steer_by(
        PreflightForm(request.POST), request, number,
        lambda session, by, said: sessions.preflight(session, by, run=said["run"]),
        "The preflight is queued.",
    )  # fmt: skip


@require_POST
def run(request: HttpRequest, number: str) -> HttpResponse:
    """Run a session that is ready."""
    return _steer(request, number, sessions.run_now, "A worker takes it within a few seconds.")


@require_POST
def waive_hours(request: HttpRequest, number: str) -> HttpResponse:
    """Let a draft run outside regular hours."""
    return _steer_by(
        ReasonForm(request.POST), request, number,
        lambda session, by, said: market_hours.waive(session, by, said["reason"]),
        "Its regular hours are waived; it can't be signed. Check it again.",
    )  # fmt: skip


@require_POST
def pause(request: HttpRequest, number: str) -> HttpResponse:
    """Pause before the next scenario."""
    return _steer_by(
        ReasonForm(request.POST), request, number,
        lambda session, by, said: pausing.pause(session, by, said["reason"]),
        "It pauses once the running scenario has ended.",
    )  # fmt: skip


@require_POST
def resume(request: HttpRequest, number: str) -> HttpResponse:
    """Go on, after the same checks as at the start."""
    done = "It goes on once its preflight has found nothing that blocks."
    return _steer(request, number, pausing.resume, done)


@require_POST
def finish(request: HttpRequest, number: str) -> HttpResponse:
    """Let an observing session come to its end."""
    done = "It looks a last time, compares, and comes to its end."
    return _steer(request, number, finishing.finish, done)


@require_POST
def turn(request: HttpRequest, number: str) -> HttpResponse:
    """Say that the step for which a drill waits is done."""
    return _steer_by(
        TurnForm(request.POST), request, number,
        lambda session, by, said: drills.confirm(session, by, said["step"]),
        "Noted. The drill goes on as soon as it sees it.",
    )  # fmt: skip


@require_POST
def attest(request: HttpRequest, number: str, code: str) -> HttpResponse:
    """Say of a health check what no machine here can measure."""
    return _steer_by(
        WarningsForm(request.POST), request, number,
        lambda session, by, said: acknowledging.attest(session, by, code, said["text"]),
        f"{code} is attested; the next preflight takes it over.",
    )  # fmt: skip


@require_POST
def acknowledge(request: HttpRequest, number: str) -> HttpResponse:
    """Acknowledge the warnings that were chosen, or all that are open."""
    only = request.POST.getlist("warning")[:500] or None
    return _steer_by(
        WarningsForm(request.POST), request, number,
        lambda session, by, said: acknowledging.acknowledge(
            session, by, said["text"], only, expires_on=said["expires_on"]
        ),
        "Acknowledged.",
    )  # fmt: skip


@require_POST
def import_upload(request: HttpRequest, pk: int) -> HttpResponse:
    """Make a session of a test report, and go to its page."""
    upload = get_object_or_404(Upload, pk=pk)
    made: list[Session] = []
    answer = carry_out(
        request, upload.get_absolute_url(),
        lambda: made.append(importing.import_report(upload, person_of(request))), SessionRefused,
    )  # fmt: skip
    return redirect(made[0]) if made else answer
