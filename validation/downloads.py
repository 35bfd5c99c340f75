"""Answer a request with a file: always a download, never a page of ours."""

from django.http import HttpResponse

from validation.artefacts.file import File


def attached(found: File) -> HttpResponse:
    """Return the file with its name, type and length."""
    kind = found.content_type
    if kind.startswith("text/"):
        kind = f"{kind}; charset=utf-8"
    response = HttpResponse(found.content, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{found.name}"'
    response["Content-Length"] = str(found.size)
    return response
