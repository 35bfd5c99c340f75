"""Say that something changed, after the transaction that changed it."""

import functools
import logging

import redis
from django.conf import settings
from django.db import transaction

logger = logging.getLogger(__name__)
CHANNEL = "crucible:changed"


@functools.cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(
        settings.LIVE_URL, socket_timeout=1, socket_connect_timeout=1, retry=None
    )


def publish(*topics: str) -> None:
    """Tell every open page of these topics to look again, once the transaction has committed.

    Best effort: browsers poll where the broker is away, so a failure is logged and nothing else.
    """
    transaction.on_commit(functools.partial(_send, topics))


def _send(topics: tuple[str, ...]) -> None:
    try:
        _client().publish(CHANNEL, " ".join(topics))
    except redis.RedisError as error:
        logger.debug("live update of %s not sent: %s", topics, error)


def broker_error() -> str:
    """Return why the broker does not answer, or nothing when it does."""
    try:
        _client().ping()
    except redis.RedisError as error:
        return f"{error}"[:200] or type(error).__name__
    return ""
