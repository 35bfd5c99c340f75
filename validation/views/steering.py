"""Steer a session: check it, run it, pause it, resume it; acknowledge its warnings."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from validation import acknowledging, drills, finishing, importing, pausing, sessions
from validation.forms import PreflightForm, ReasonForm, TurnForm, WarningsForm
from validation.models import Session, Upload
from validation.sessions import SessionRefused
from validation.views.answers import carry_out, first_error, person_of, refusal


def _steer(
    request: HttpRequest, number: str, act: Callable[[Session], object], done: str
) -> HttpResponse:
    session = get_object_or_404(Session, number=number)
    back = session.get_absolute_url()
    return carry_out(request, back, lambda: act(session), SessionRefused, done=done)


@require_POST
def preflight(request: HttpRequest, number: str) -> HttpResponse:
    """Make the preflight once more; with `run` the session then runs by itself."""
    form = PreflightForm(request.POST)
    if not form.is_valid():
        return refusal(request, first_error(form))
    run = form.cleaned_data["run"]
    return _steer(
        request, number,
        lambda session: sessions.preflight(session, person_of(request), run=run),
        "The preflight is queued.",
    )  # fmt: skip


@require_POST
def run(request: HttpRequest, number: str) -> HttpResponse:
    """Run a session that is ready."""
    return _steer(
        request, number, lambda session: sessions.run_now(session, person_of(request)),
        "A worker takes it within a few seconds.",
    )  # fmt: skip


@require_POST
def pause(request: HttpRequest, number: str) -> HttpResponse:
    """Pause before the next scenario."""
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return refusal(request, first_error(form))
    reason = form.cleaned_data["reason"]
    return _steer(
        request, number, lambda session: pausing.pause(session, person_of(request), reason),
        "It pauses once the running scenario has ended.",
    )  # fmt: skip


@require_POST
def resume(request: HttpRequest, number: str) -> HttpResponse:
    """Go on, after the same checks as at the start."""
    return _steer(
        request, number, lambda session: pausing.resume(session, person_of(request)),
        "It goes on once its preflight has found nothing that blocks.",
    )  # fmt: skip


@require_POST
def finish(request: HttpRequest, number: str) -> HttpResponse:
    """Let an observing session come to its end."""
    return _steer(
        request, number, lambda session: finishing.finish(session, person_of(request)),
        "It looks a last time, compares, and comes to its end.",
    )  # fmt: skip


@require_POST
def turn(request: HttpRequest, number: str) -> HttpResponse:
    """Say that the step for which a drill waits is done."""
    form = TurnForm(request.POST)
    if not form.is_valid():
        return refusal(request, first_error(form))
    step = form.cleaned_data["step"]
    return _steer(
        request, number, lambda session: drills.confirm(session, person_of(request), step),
        "Noted. The drill goes on as soon as it sees it.",
    )  # fmt: skip


@require_POST
def attest(request: HttpRequest, number: str, code: str) -> HttpResponse:
    """Say of a health check what no machine here can measure."""
    form = WarningsForm(request.POST)
    if not form.is_valid():
        return refusal(request, first_error(form))
    text = form.cleaned_data["text"]
    return _steer(
        request, number,
        lambda session: acknowledging.attest(session, person_of(request), code, text),
        f"{code} is attested; the next preflight takes it over.",
    )  # fmt: skip


@require_POST
def acknowledge(request: HttpRequest, number: str) -> HttpResponse:
    """Acknowledge the warnings that were chosen, or all that are open."""
    form = WarningsForm(request.POST)
    if not form.is_valid():
        return refusal(request, first_error(form))
    only, said = request.POST.getlist("warning")[:500] or None, form.cleaned_data
    return _steer(
        request, number,
        lambda session: acknowledging.acknowledge(
            session, person_of(request), said["text"], only, expires_on=said["expires_on"]
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
