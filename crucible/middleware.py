"""What happens to every request before its view sees it."""

import logging
import time
from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from typing import Any, cast

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware
from django.utils.deprecation import MiddlewareMixin

from crucible.correlation import acting, correlated, correlation, new_id

logger = logging.getLogger("crucible.request")
Answer = Callable[[HttpRequest], HttpResponseBase]
AsyncAnswer = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


@sync_and_async_middleware
def correlating(get_response: Answer | AsyncAnswer) -> Answer | AsyncAnswer:
    """Give each request an id that its log lines, ledger entries and messages carry.

    The answer tells it as X-Request-ID. It is always our own: the audit log keeps it.
    """
    if iscoroutinefunction(get_response):

        async def answer_later(request: HttpRequest) -> HttpResponseBase:
            with correlated(new_id("req")):
                began = time.monotonic()
                return _told(request, await get_response(request), began)

        return answer_later
    at_once = cast("Answer", get_response)

    def answer(request: HttpRequest) -> HttpResponseBase:
        with correlated(new_id("req")):
            began = time.monotonic()
            return _told(request, at_once(request), began)

    return answer


def _told(request: HttpRequest, response: HttpResponseBase, began: float) -> HttpResponseBase:
    """Log the request without its query, which may hold what people typed."""
    response["X-Request-ID"] = correlation()
    logger.log(
        logging.DEBUG if request.path == "/healthz" else logging.INFO,
        "%s %s %d in %.0f ms",
        request.method, request.path, response.status_code, (time.monotonic() - began) * 1e3,
        extra={"event_type": "http.request"},
    )  # fmt: skip
    return response


class ActorMiddleware(MiddlewareMixin):
    """Says in the log lines of a request who is signed in."""

    def process_view(self, request: HttpRequest, *view: Any) -> None:
        """Take the person of the session; a token's owner is known to the REST view alone."""
        if request.user.is_authenticated:
            acting(request.user.get_username())


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
