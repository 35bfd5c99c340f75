"""What the gateway says no with: raised where it is found out, told under the request's id."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from brokerage.simulator.venue_floor import Session

Handler = Callable[[Any, "Session", Any], None]

HOSTILE = (ArithmeticError, LookupError, TypeError, ValueError)  # what nonsense makes desks raise

log = logging.getLogger(__name__)


class RequestError(Exception):
    """A request that is refused, with IBKR's code and text."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


def refusing(handler: Handler) -> Handler:
    """Decorator of a desk's handler: answers with the RequestError that the handler raises."""

    @wraps(handler)
    def answering(desk: Any, session: "Session", message: Any) -> None:
        try:
            handler(desk, session, message)
        except RequestError as error:
            session.error(error.code, error.text, message.req_id)

    return answering


def choked(session: "Session", message: Any) -> None:
    """Answer what a desk has just choked on: that is the client's trouble, nobody else's."""
    log.exception("client %s: %s", session.client_id, type(message).__name__)
    req_id = getattr(message, "req_id", getattr(message, "order_id", -1))
    session.error(322, "Error processing request.", req_id)
