"""How views answer: a page or its live part, one page of a list, a clear refusal."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import patch_vary_headers

from validation.forms import Query

T = TypeVar("T", bound=Model)


def show(request: HttpRequest, name: str, context: Mapping[str, Any]) -> HttpResponse:
    """Render validation/<name>.html, or only its live part _<name>.html when htmx asks."""
    part = "HX-Request" in request.headers
    response = render(request, f"validation/{'_' if part else ''}{name}.html", dict(context))
    patch_vary_headers(response, ["HX-Request"])
    return response


def refusal(request: HttpRequest, text: str, status: int = 400) -> HttpResponse:
    """Say in a 4xx page what was wrong with the request."""
    template = "403.html" if status == 403 else "400.html"
    return render(request, template, {"exception": text}, status=status)


def paged(rows: QuerySet[T], query: Query, size: int) -> "Page[T]":
    """Return the page that the valid query asks for; one past the end gives the last."""
    return Paginator(rows, size).get_page(query.cleaned_data["page"] or 1)


def carry_out(
    request: HttpRequest,
    back: str,
    action: Callable[[], object],
    *refusals: type[Exception],
    done: str = "",
) -> HttpResponse:
    """Call a process and go back; a refusal becomes a message, a missing role a 403 page."""
    try:
        action()
    except PermissionDenied as error:
        return refusal(request, str(error), 403)
    except refusals as error:
        messages.error(request, str(error))
    else:
        if done:
            messages.success(request, done)
    return redirect(back)


def first_error(form: forms.Form) -> str:
    """The first thing that is wrong with a form, with the name of its field, in words."""
    field, errors = next(iter(form.errors.items()))
    return (
        str(errors[0])
        if field == "__all__"
        else f"{form.fields[field].label or field}: {errors[0]}"
    )


def person_of(request: HttpRequest) -> User:
    """The signed-in person; pages are never served to anybody else."""
    assert isinstance(request.user, User)
    return request.user
