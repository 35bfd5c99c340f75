"""One broker subscription per process, handed out to every open page in this process."""

import asyncio
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

import redis.asyncio as redis
from django.conf import settings

from crucible.live.publish import CHANNEL

logger = logging.getLogger(__name__)
RECONNECT_SECONDS = 2.0
QUEUE_SIZE = 32
AWAY = ""


class Hub:
    """Fan "changed" messages out; a slow reader misses repeats, never the fact of a change."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.connected = asyncio.Event()
        self._readers: dict[asyncio.Queue[str], frozenset[str]] = {}
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def subscribe(self, topics: frozenset[str]) -> Iterator[asyncio.Queue[str]]:
        """Yield a bounded queue of those of the topics that changed; AWAY when the broker is."""
        queue: asyncio.Queue[str] = asyncio.Queue(QUEUE_SIZE)
        self._readers[queue] = topics
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._listen())
        try:
            yield queue
        finally:
            del self._readers[queue]
            if not self._readers and self._task:
                self._task.cancel()

    async def _listen(self) -> None:
        while True:
            with suppress(redis.RedisError, OSError):
                await self._relay()
            self.connected.clear()
            self._put(AWAY, self._readers)
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _relay(self) -> None:
        async with redis.Redis.from_url(self.url) as client, client.pubsub() as pubsub:
            await pubsub.subscribe(CHANNEL)
            self.connected.set()
            async for message in pubsub.listen():
                if message["type"] == "message":
                    self._spread(message["data"].decode().split())

    def _spread(self, changed: list[str]) -> None:
        for topic in changed:
            self._put(topic, [queue for queue, topics in self._readers.items() if topic in topics])

    def _put(self, word: str, queues: Iterable["asyncio.Queue[str]"]) -> None:
        for queue in queues:
            with suppress(asyncio.QueueFull):
                queue.put_nowait(word)


_hubs: dict[asyncio.AbstractEventLoop, Hub] = {}


def hub() -> Hub:
    """Return the hub of the running event loop."""
    loop = asyncio.get_running_loop()
    for old in [other for other in _hubs if other.is_closed()]:
        del _hubs[old]
    return _hubs.setdefault(loop, Hub(settings.LIVE_URL))
