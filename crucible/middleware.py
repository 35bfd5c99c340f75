"""What happens to every request before its view sees it."""

from typing import Any

from django.http import Http404, HttpRequest
from django.utils.deprecation import MiddlewareMixin


class NoNulMiddleware(MiddlewareMixin):
    """Answers 404 to an address with a NUL, which PostgreSQL refuses in any comparison."""

    def process_view(self, request: HttpRequest, *view: Any) -> None:
        """Raise Http404, so that the view's own error pages are used."""
        if "\x00" in request.path:
            raise Http404("An address has no NUL.")
