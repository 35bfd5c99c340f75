"""Test reports that pipelines sent."""

from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from crucible.roles import has_role
from validation.forms import Query
from validation.models import Upload
from validation.sessions import MAY_TRY
from validation.views.answers import first_error, paged, refusal


def listing(request: HttpRequest) -> HttpResponse:
    """All uploads, the newest first."""
    query = Query(request.GET)
    if not query.is_valid():
        return refusal(request, first_error(query))
    rows = Upload.objects.select_related("uploaded_by").defer("content", "problems")
    return render(request, "validation/uploads.html", {"uploads": paged(rows, query, 50)})


def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One upload and what did not pass in it."""
    upload = get_object_or_404(Upload.objects.select_related("uploaded_by"), pk=pk)
    safe = urlsplit(upload.run_url).scheme in {"http", "https"}
    return render(
        request,
        "validation/upload.html",
        {
            "upload": upload,
            "run_link": upload.run_url if safe else "",
            "may_import": has_role(request.user, *MAY_TRY),
        },
    )
