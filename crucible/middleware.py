"""What happens to every request before its view sees it."""

from typing import Any

from django.http import Http404, HttpRequest
from django.utils.deprecation import MiddlewareMixin


class NoNulMiddleware(MiddlewareMixin):
    """Answers 404 to an address with a NUL, which PostgreSQL refuses in any comparison.

    Pages of ours say what is wrong with a query; the admin's filters would pass it on.
    """

    def process_view(self, request: HttpRequest, *view: Any) -> None:
        """Raise Http404, so that the view's own error pages are used."""
        match = request.resolver_match
        admin = match is not None and match.app_name == "admin"
        if "\x00" in request.path or (admin and "%00" in request.META.get("QUERY_STRING", "")):
            raise Http404("An address has no NUL.")
