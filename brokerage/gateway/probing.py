"""A short look at a gateway: is it there, does it answer, is it paper."""

from datetime import timedelta

from asgiref.sync import sync_to_async
from django.utils import timezone

from brokerage.errors import PortError
from brokerage.gateway.connecting import PROBE_IDS, connect
from brokerage.models import Endpoint

PROBE_SECONDS = 5.0


async def probe(endpoint: Endpoint, *, fresh_for: float = 0.0) -> str:
    """Connect once, read-only, and return the state noted on the endpoint.

    Nothing is done when it was seen less than `fresh_for` real seconds ago. Never raises for what
    is wrong with the gateway: that is what `last_state` and `last_error` tell.
    """
    seen = endpoint.last_seen_at
    if seen is not None and timezone.now() - seen < timedelta(seconds=fresh_for):
        return endpoint.last_state
    try:
        opening = connect(
            endpoint.target(), client_ids=PROBE_IDS, attempts=1, timeout=PROBE_SECONDS
        )
        async with opening:
            pass
    except PortError:
        pass
    await sync_to_async(endpoint.refresh_from_db)()
    return endpoint.last_state
