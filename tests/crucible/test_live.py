"""Live updates: what changed reaches the pages that asked for it, through a real broker."""

import asyncio
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import AsyncClient, Client

from crucible.live import publish as publishing
from crucible.live import views
from crucible.live.hub import Hub
from crucible.live.publish import publish


@pytest.fixture
def live_broker(redis_url: str, settings: object) -> Iterator[str]:
    url = redis_url.replace("redis+socket://", "unix://")
    settings.LIVE_URL = url  # type: ignore[attr-defined]
    publishing._client.cache_clear()
    yield url
    publishing._client.cache_clear()


async def heard(hub: Hub, topics: set[str], *sent: str) -> list[str]:
    """Subscribe, publish, and return what arrived before a word that always arrives."""
    with hub.subscribe(frozenset(topics | {"end"})) as queue:
        await hub.connected.wait()
        for topic in (*sent, "end"):
            await asyncio.to_thread(publishing._send, (topic,))
        arrived = []
        async with asyncio.timeout(5):
            while (topic := await queue.get()) != "end":
                arrived.append(topic)
        return arrived


async def test_a_page_hears_of_its_own_topics_only(live_broker: str) -> None:
    assert await heard(Hub(live_broker), {"board"}, "board", "kill") == ["board"]


async def test_two_pages_share_one_subscription(live_broker: str) -> None:
    hub = Hub(live_broker)
    with hub.subscribe(frozenset({"board"})) as other:
        assert await heard(hub, {"kill"}, "board", "kill") == ["kill"]
        assert other.get_nowait() == "board"
        assert len(hub._readers) == 1


@pytest.mark.django_db(transaction=True)
async def test_nothing_is_said_before_the_transaction_commits(live_broker: str) -> None:
    hub = Hub(live_broker)

    def roll_back() -> None:
        with transaction.atomic():
            publish("board")
            transaction.set_rollback(True)

    with hub.subscribe(frozenset({"board", "kill"})) as queue:
        await hub.connected.wait()
        await asyncio.to_thread(roll_back)
        await asyncio.to_thread(publishing._send, ("kill",))
        async with asyncio.timeout(5):
            assert await queue.get() == "kill"


@pytest.mark.django_db
def test_a_broker_that_is_away_breaks_no_transaction(settings: object) -> None:
    settings.LIVE_URL = "unix:///nonexistent.sock"  # type: ignore[attr-defined]
    publishing._client.cache_clear()
    publishing._send(("board",))
    publishing._client.cache_clear()


@pytest.mark.django_db
@pytest.mark.parametrize("topics", ["", "board,<script>", ",".join("abcdefghijklm"), "a" * 200])
def test_odd_topics_are_refused(topics: str) -> None:
    client = Client()
    client.force_login(User.objects.create_user("vera"))
    assert client.get("/live", {"topics": topics}).status_code == 400


@pytest.mark.django_db
def test_live_updates_need_a_login() -> None:
    assert Client().get("/live", {"topics": "board"}).status_code == 302


@pytest.mark.django_db(transaction=True)
async def test_the_stream_says_changed_when_a_topic_changed(live_broker: str) -> None:
    client = AsyncClient()
    await client.aforce_login(await User.objects.acreate(username="vera"))
    response = await client.get("/live", {"topics": "board"})
    events = response.streaming_content.__aiter__()  # type: ignore[union-attr]
    async with asyncio.timeout(10):
        assert b"data: connected" in await anext(events)
        await asyncio.to_thread(publishing._send, ("board",))
        assert await anext(events) == b"event: changed\ndata: board\n\n"
        await events.aclose()


async def test_the_stream_ends_when_the_broker_is_away(
    monkeypatch: pytest.MonkeyPatch, settings: object
) -> None:
    settings.LIVE_URL = "unix:///nonexistent.sock"  # type: ignore[attr-defined]
    monkeypatch.setattr(views, "CONNECT_SECONDS", 0.05)
    assert [event async for event in views._events(frozenset({"board"}))] == []
