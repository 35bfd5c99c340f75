"""The configuration: its revisions, their way into force, import and export."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from brokerage.calendar import ET, next_weekly_expiry, weekly_expiries
from crucible.ledger.models import Entry
from crucible.roles import has_role
from validation import bot_configs, revisions
from validation.configuration import ConfigError, Problem, parse_yaml, read, to_yaml
from validation.forms import BotConfigForm, ImportForm, Query, ReasonForm
from validation.models import ConfigRevision, RevisionState
from validation.revisions import RevisionError
from validation.uploads import UploadRefused
from validation.views import bot_config
from validation.views.answers import carry_out, first_error, paged, person_of, refusal
from validation.views.dashboard import expiry_of

R = RevisionState
PREVIEW = 6


class Action(NamedTuple):
    """A step that a person may take with a revision."""

    name: str
    label: str
    icon: str
    primary: bool = True


@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """All revisions, the import form and the weekly expiries to come."""
    query = Query(request.GET)
    if not query.is_valid():
        return refusal(request, first_error(query))
    return render(request, "validation/config.html", _listing(request, query, ImportForm()))


def _listing(request: HttpRequest, query: Query, form: ImportForm) -> dict[str, Any]:
    query.is_valid()
    active = revisions.in_force()
    return {
        "revisions": paged(ConfigRevision.objects.select_related("author"), query, 20),
        "active": active,
        "form": form,
        "may_propose": has_role(request.user, *revisions.MAY_PROPOSE),
        "preview": preview(expiry_of(active) if active else "", timezone.now()),
        **bot_config.beside(request.user, active),
    }


def preview(configured: str, now: datetime) -> dict[str, Any]:
    """What the expiry rule gives today, and what it will give next."""
    today = now.astimezone(ET).date()
    due = next_weekly_expiry(today)
    return {
        "configured": configured,
        "current": configured == f"{due:%Y%m%d}",
        "next": due,
        "days": weekly_expiries(today, PREVIEW),
        "rolls": due,
    }


@require_POST
def import_yaml(request: HttpRequest) -> HttpResponse:
    """Store a draft from YAML; what is wrong is said with field and line."""
    form = ImportForm(request.POST, request.FILES)
    problems: list[Problem] = []
    if form.is_valid():
        try:
            return redirect(_draft(person_of(request), form.cleaned_data))
        except PermissionDenied as error:
            return refusal(request, str(error), 403)
        except ConfigError as error:
            problems = error.problems
        except RevisionError as error:
            form.add_error(None, str(error))
    context = _listing(request, Query({}), form) | {"problems": problems}
    return render(request, "validation/config.html", context, status=422)


@require_POST
def upload_bot(request: HttpRequest) -> HttpResponse:
    """Keep the bot's configuration; what is wrong with it is said with its key and line."""
    form = BotConfigForm(request.POST, request.FILES)
    problems: list[Problem] = []
    if form.is_valid():
        try:
            return _kept(request, form.cleaned_data)
        except PermissionDenied as error:
            return refusal(request, str(error), 403)
        except ConfigError as error:
            problems = error.problems
        except UploadRefused as error:
            form.add_error(None, str(error))
    own = {"bot_form": form, "bot_problems": problems}
    context = _listing(request, Query({}), ImportForm()) | own
    return render(request, "validation/config.html", context, status=422)


def _kept(request: HttpRequest, given: dict[str, Any]) -> HttpResponse:
    file = given["file"]
    _, new = bot_configs.receive(
        person_of(request), file.read(), commit=given["commit"], file_name=file.name or ""
    )
    done = "The bot's configuration is kept." if new else "The newest upload says the same already."
    messages.success(request, done)
    return redirect(f"{reverse('config')}#bot")


def _draft(by: User, given: dict[str, Any]) -> ConfigRevision:
    config = parse_yaml(given["text"], ports=revisions.allowed_ports())
    return revisions.draft(by, config, note=given["note"], origin="import")


@require_safe
def detail(request: HttpRequest, number: int) -> HttpResponse:
    """One revision: what it changes, its YAML, who approved it, what can be done with it."""
    rows = ConfigRevision.objects.select_related("author", "activated_by")
    revision = get_object_or_404(rows, number=number)
    return render(
        request, "validation/config_revision.html", _revision(revision, person_of(request))
    )


def _revision(revision: ConfigRevision, person: User) -> dict[str, Any]:
    base = _base(revision)
    return {
        "revision": revision,
        "base": base,
        "changes": revisions.changes(revision, base) if base else [],
        "yaml": to_yaml(read(revision.content)),
        "needs": [role.label for role in revisions.slots(revision)],
        "approvals": [_dated(entry) for entry in revision.approvals],
        "sessions": revision.sessions.all()[:8],
        "actions": actions(revision, person),
        "may_reject": revision.state == R.PROPOSED and has_role(person, *revisions.MAY_APPROVE),
        "reason_form": ReasonForm(),
        "events": Entry.objects.filter(object_type="config", object_id=str(revision.number))[:10],
    }


def _dated(entry: dict[str, Any]) -> dict[str, Any]:
    return {**entry, "at": datetime.fromisoformat(entry["at"])}


def _base(revision: ConfigRevision) -> ConfigRevision | None:
    """What to compare with: the one in force, or for an older one the one before it."""
    active = revisions.in_force()
    if active and revision.state in {R.DRAFT, R.PROPOSED, R.APPROVED} and active != revision:
        return active
    earlier = ConfigRevision.objects.filter(number__lt=revision.number).exclude(state=R.REJECTED)
    return earlier.order_by("-number").first()


def actions(revision: ConfigRevision, person: User) -> list[Action]:
    """The steps that the person may take with the revision as it stands."""
    other = revision.author_id != person.pk
    wanted = any(has_role(person, role) for role in revisions.missing(revision))
    fresh = all(entry["user"] != person.pk for entry in revision.approvals)
    may_propose = has_role(person, *revisions.MAY_PROPOSE)
    able = {
        R.DRAFT: may_propose and Action("propose", "Propose", "arrow-right"),
        R.PROPOSED: wanted and other and fresh and Action("approve", "Approve", "check"),
        R.APPROVED: has_role(person, *revisions.MAY_APPROVE)
        and other
        and Action("activate", "Put in force", "bolt"),
        R.SUPERSEDED: may_propose and Action("copy", "Copy as a draft", "arrow-back-up", False),
    }
    found = able.get(RevisionState(revision.state))
    return [found] if found else []


@require_safe
def export(request: HttpRequest, number: int) -> HttpResponse:
    """The revision as YAML, to keep or to import elsewhere."""
    revision = get_object_or_404(ConfigRevision, number=number)
    response = HttpResponse(to_yaml(read(revision.content)), content_type="application/yaml")
    name = f"live_validation_config-r{number}.yaml"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_POST
def act(request: HttpRequest, number: int, action: str) -> HttpResponse:
    """Take one step with a revision: propose, approve, reject, activate, or copy an old one."""
    revision = get_object_or_404(ConfigRevision, number=number)
    by = person_of(request)
    if action == "copy":
        return _copied(request, revision, by)
    step = _step(request, revision, by, action)
    return carry_out(
        request, revision.get_absolute_url(), step, RevisionError, ConfigError, done=DONE[action]
    )


DONE = {
    "propose": "Proposed: its content no longer changes.",
    "approve": "Your approval is noted.",
    "activate": "The revision is in force.",
    "reject": "The revision is rejected.",
}


def _step(
    request: HttpRequest, revision: ConfigRevision, by: User, action: str
) -> Callable[[], ConfigRevision]:
    simple = {
        "propose": revisions.propose,
        "approve": revisions.approve,
        "activate": revisions.activate,
    }
    if action == "reject":
        reason = request.POST.get("reason", "")
        return lambda: revisions.reject(revision, by, reason)
    if action not in simple:
        raise Http404(f"Nothing called {action} can be done with a revision.")
    return lambda: simple[action](revision, by)


def _copied(request: HttpRequest, revision: ConfigRevision, by: User) -> HttpResponse:
    made: list[ConfigRevision] = []
    answer = carry_out(
        request,
        revision.get_absolute_url(),
        lambda: made.append(revisions.copy(revision, by)),
        RevisionError,
        ConfigError,
        done="A draft with the same content was made.",
    )
    return redirect(made[0]) if made else answer
