"""Server-sent events that only say "changed": the page fetches the fragment itself."""

import asyncio
import re
from collections.abc import AsyncIterator

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, StreamingHttpResponse

from crucible.live.hub import AWAY, Hub, hub

TOPIC = re.compile(r"[a-z]{1,20}(:[\w.-]{1,64})?\Z")
MOST_TOPICS = 12
HEARTBEAT_SECONDS = 15.0
SETTLE_SECONDS = 0.15
CONNECT_SECONDS = 2.0


async def live(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Stream an event `changed` whenever one of `?topics=a,b` changed; 400 on a bad topic."""
    topics = frozenset(filter(None, request.GET.get("topics", "").split(",")))
    if not topics or len(topics) > MOST_TOPICS or not all(map(TOPIC.match, topics)):
        return HttpResponseBadRequest("topics must be a short comma-separated list of names")
    response = StreamingHttpResponse(_events(topics), content_type="text/event-stream")
    response["Cache-Control"] = "no-cache"
    response["X-Accel-Buffering"] = "no"
    return response


async def _events(topics: frozenset[str]) -> AsyncIterator[str]:
    """End, so that the page polls instead, as soon as the broker can't tell of changes."""
    source = hub()
    with source.subscribe(topics) as queue:
        if not await _ready(source):
            return
        yield "retry: 2000\nevent: changed\ndata: connected\n\n"
        while (event := await _next(queue)) is not None:
            yield event


async def _ready(source: Hub) -> bool:
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            return await source.connected.wait()
    except TimeoutError:
        return False


async def _next(queue: "asyncio.Queue[str]") -> str | None:
    """Wait for a change, then gather what comes with it, so that one burst is one event."""
    try:
        async with asyncio.timeout(HEARTBEAT_SECONDS):
            changed = {await queue.get()}
    except TimeoutError:
        return "event: here\ndata:\n\n"
    await asyncio.sleep(SETTLE_SECONDS)
    while not queue.empty():
        changed.add(queue.get_nowait())
    if AWAY in changed:
        return None
    return f"event: changed\ndata: {','.join(sorted(changed))}\n\n"
