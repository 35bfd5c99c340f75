"""A worker that wakes up after its session was taken away: nothing of it reaches the gateway."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.utils import timezone

from brokerage import gateway
from brokerage.errors import OrderRefused
from brokerage.gateway import Desk, Simulated
from brokerage.gateway.connecting import connect
from brokerage.models import Endpoint, OrderGrant
from tests.brokerage.port.stories import buy, granted, orders_on_the_wire, story
from tests.validation.conftest import Toys, run, taken
from validation import bookkeeping, lease, sessions, sweeper
from validation.cleanup import LIMIT_S, Cleaned
from validation.lease import Lease
from validation.models import CleanupState, Session, SessionState
from validation.scenarios.catalogue import ORDERS
from validation.scenarios.trial import Trial

pytestmark = pytest.mark.django_db


@pytest.fixture
def held(sound: Session) -> Lease:
    """A session that runs with an order grant."""
    mine = taken(sound)
    bookkeeping.open_run(mine)
    return mine


def interrupt() -> None:
    """Let the lease run out, and the sweeper see it."""
    Session.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    (lost,) = lease.expired()
    assert sweeper.interrupt(lost)


def grant_of(mine: Lease) -> OrderGrant:
    return OrderGrant.objects.get(scope=mine.number)


@asynccontextmanager
async def at_work() -> AsyncIterator[tuple[Simulated, Desk]]:
    """A desk of the worker; the toys' gateway is none."""
    async with (
        gateway.simulation() as simulated,
        connect(await granted(simulated.target), readonly=False) as desk,
    ):
        yield simulated, desk


@story
async def _opens(mine: Lease) -> None:
    async with at_work() as (simulated, desk):
        with lease.fence(mine):
            grant = await sync_to_async(grant_of)(mine)
            first = await buy(desk, grant, ref=f"{mine.number}/OE-01")
            await first.done(10)
            await sync_to_async(interrupt)()
            with pytest.raises(OrderRefused) as refused:
                await buy(desk, grant, "k2", ref=f"{mine.number}/OE-01")
            assert refused.value.reason == "LEASE_LOST"
        assert orders_on_the_wire(simulated) == 1


def test_a_worker_that_lost_its_session_sends_no_order(held: Lease) -> None:
    _opens(held)


def test_the_interruption_revokes_the_grant_with_it(held: Lease) -> None:
    interrupt()
    assert grant_of(held).state == "REVOKED"


@story
async def _cleans_up(mine: Lease) -> None:
    async with at_work() as (simulated, desk):
        with lease.fence(mine):
            grant = await sync_to_async(grant_of)(mine)
            await (await buy(desk, grant, ref=f"{mine.number}/OE-01")).done(10)
            await sync_to_async(interrupt)()
            report = await gateway.cleanup(desk, mine.number)
        assert orders_on_the_wire(simulated) == 1
        assert not report.flat


def test_a_worker_that_lost_its_session_closes_no_position_either(held: Lease) -> None:
    # The sweeper closes it; two that close it at once would sell twice.
    _cleans_up(held)


def test_a_worker_that_lost_its_session_begins_no_clean_up(
    toys: Toys, seeded: Endpoint, operator: User
) -> None:
    async def loses(trial: Trial) -> None:
        await sync_to_async(interrupt)()

    toys.add("OE-01", loses, needs=[ORDERS])
    session = run(sessions.start(operator))
    assert session.state == SessionState.INTERRUPTED
    assert toys.cleaned == []


def test_the_sweepers_lease_outlasts_its_clean_up() -> None:
    assert timedelta(seconds=LIMIT_S) < sweeper.CLEANUP_LEASE


def test_a_sweeper_that_was_overtaken_writes_nothing(
    held: Lease, sound: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(target: Any, scope: str) -> Cleaned:
        await Session.objects.filter(pk=sound.pk).aupdate(lease_until=timezone.now())
        await sync_to_async(sweeper._take_cleanup)(sound)
        return Cleaned(True, "Verified.")

    monkeypatch.setattr(sweeper, "clean_up", slow)
    interrupt()
    sound.refresh_from_db()
    assert not sweeper.finish_cleanup(sound)
    sound.refresh_from_db()
    assert (sound.state, sound.cleanup) == (SessionState.INTERRUPTED, CleanupState.PENDING)
