"""Run a session in this process, with live progress, on a gateway or a private simulated one."""

import socket
from collections.abc import Callable, Collection
from dataclasses import dataclass

from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import User
from django.db import transaction

from brokerage import gateway
from brokerage.models import Endpoint
from brokerage.patience import patient_loops
from brokerage.terms import Target
from validation import runner, sessions
from validation.facts import Facts
from validation.lease import claim
from validation.models import LogLevel, Session, SessionKind, SessionState
from validation.models.session import IN_FLIGHT, STOPPED
from validation.observation import Term
from validation.preflight.report import blockers
from validation.runner import Watcher
from validation.sessions import SessionRefused

PRIVATE = "private simulation"
SERVICE_USER = "command-line"
# Where a run that came to its regular end leaves a session.
ENDED = (SessionState.MANUAL_CHECKS, SessionState.REPORTING)


@dataclass(frozen=True)
class Order:
    """What to run and how; `seed` and `speed` are of the private simulated gateway."""

    by: User
    scenarios: Collection[str] | None
    fail_fast: bool = False
    speed: float = 25.0
    seed: int = 7
    signable: bool = False
    term: Term | None = None
    log_level: str = LogLevel.INFO
    two_hours: bool = False

    @property
    def kind(self) -> str:
        """FULL only in the name of a person, since somebody must answer for it."""
        if self.scenarios is not None:
            return SessionKind.PARTIAL
        return SessionKind.FULL if self.signable else SessionKind.DRY_RUN


Started = Callable[[Session], None]


async def on_endpoint(
    order: Order, endpoint: Endpoint, started: Started, watch: Watcher
) -> Session:
    """Run on a gateway that listens somewhere; raises SessionRefused and what `start` raises."""
    return await _run(order, endpoint, started, watch)


def privately(order: Order, started: Started, watch: Watcher) -> Session:
    """Run on a simulated gateway of this process alone; a busy machine makes it slower, no worse.

    Raises what `on_endpoint` raises.
    """
    with patient_loops():
        return async_to_sync(on_simulation)(order, started, watch)


async def on_simulation(order: Order, started: Started, watch: Watcher) -> Session:
    """The same, in the loop that runs."""
    serving = gateway.simulation(speed=order.speed, seed=order.seed, control=True)
    async with serving as simulated:
        endpoint = await sync_to_async(private_endpoint)(simulated.target)
        return await _run(order, endpoint, started, watch)


async def _run(order: Order, endpoint: Endpoint, started: Started, watch: Watcher) -> Session:
    session = await sync_to_async(sessions.start)(
        order.by, endpoint, order.scenarios, kind=order.kind, fail_fast=order.fail_fast,
        seed=order.seed if endpoint.name.startswith(PRIVATE) else None, queue=False,
        trusted=True, term=order.term, log_level=order.log_level, two_hours=order.two_hours,
    )  # fmt: skip
    started(session)
    lease = await sync_to_async(claim)(session.number, f"foreground@{socket.gethostname()}")
    if lease is None:
        raise SessionRefused(f"{session.number} was taken or aborted before it began.")
    await runner.run(lease, watch)
    await session.arefresh_from_db()
    if session.state == SessionState.DRAFT:
        raise SessionRefused(await sync_to_async(blockers)(session))
    return session


def trouble(session: Session) -> str:
    """Return why a session that ran here is no success, even if every scenario passed, or nothing.

    It has come to its regular end, and its watch found nothing that speaks against it.
    """
    if session.state in ENDED or session.state in STOPPED:
        return Facts(session).trouble
    return f"It has not ended: it is {session.get_state_display()}."


def private_endpoint(target: Target) -> Endpoint:
    """Return an endpoint for a private simulated gateway that no session uses or has left unclean.

    What an earlier shell left unclean went with its gateway; its endpoint is not used again.
    """
    busy = Session.objects.filter(state__in=IN_FLIGHT) | Session.left_behind()
    with transaction.atomic():
        for number in range(1, 1000):
            endpoint, _ = Endpoint.objects.get_or_create(
                name=f"{PRIVATE} {number}",
                defaults={
                    "kind": Endpoint.Kind.SIMULATED,
                    "port": target.port,
                    "always_open": True,
                },
            )
            if not busy.filter(endpoint=endpoint).exists():
                endpoint.move(
                    port=target.port, speed=target.speed, control_port=target.control_port
                )
                return endpoint
    raise SessionRefused("A thousand foreground sessions are under way.")


def reachable(endpoint: Endpoint) -> bool:
    """Say whether something accepts connections at the endpoint's address."""
    try:
        with socket.create_connection((endpoint.host, endpoint.port), timeout=2):
            return True
    except OSError:
        return False


def service_user() -> User:
    """Return the account in whose name an unnamed shell runs sessions: no password, no role."""
    user, new = User.objects.get_or_create(username=SERVICE_USER)
    if new:
        user.set_unusable_password()
        user.save()
    return user
