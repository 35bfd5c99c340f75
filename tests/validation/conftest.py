"""Toy scenarios and a gateway that is always well, for tests about sessions themselves."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.utils import timezone

from brokerage.calendar import ET, next_weekly_expiry
from brokerage.models import Endpoint
from brokerage.terms import Summary
from tests.conftest import People
from tests.replay import Recordings
from tests.validation.quiet import QuietWatch
from validation import acknowledging, runner, seeds, sessions
from validation.bookkeeping import admit
from validation.build import code_version
from validation.cleanup import Cleaned
from validation.facts import Facts
from validation.host_load import HostLoad
from validation.lease import Lease, claim, guarded
from validation.memory import resident_mb
from validation.models import AttemptState, CleanupState, Session, SessionState
from validation.preflight import process
from validation.preflight.situation import GatewayLook, HostLook, Sample
from validation.scenarios import catalogue, stability
from validation.scenarios.catalogue import ORDERS, Catalogue
from validation.scenarios.trial import Trial

WORKER_MB = 150.0  # a worker of the product, as it begins
Body = Callable[[Trial], Any]


def well_gateway(**changes: Any) -> GatewayLook:
    """What a preflight sees of a gateway that is well."""
    expiry = next_weekly_expiry(timezone.now().astimezone(ET).date())
    well = GatewayLook(
        port_ms=1.0, connected=True, accounts=("DU1",), client_id=210, first_id=210,
        server_version=178, samples=(Sample(0.0, 0.0, 1.0),), net_liquidation=100_000.0,
        positions=(), open_refs=(), data_type=1, expirations=(f"{expiry:%Y%m%d}",),
        strikes=(700.0,), spot=680.0,
    )  # fmt: skip
    return replace(well, **changes)


def well_host(**changes: Any) -> HostLook:
    """What a preflight sees of a host that is well."""
    well = HostLook(
        load=HostLoad(0.1, 0.2), free_gb=50.0, database_ms=1.0, broker_error="", heartbeat_s=2.0,
        backup_h=1.0, audit_error="", status_page="https://status.example.com",
        exposed_text="This host only.", code_version=code_version(),
    )  # fmt: skip
    return replace(well, **changes)


@dataclass
class Toys:
    """A catalogue of its own, whose scenarios do what a test tells them."""

    registry: Catalogue
    watch: QuietWatch = field(default_factory=QuietWatch)
    cleaned: list[str] = field(default_factory=list)
    cleanup: Cleaned = field(default_factory=lambda: Cleaned(True, "Nothing to do."))
    gateway: GatewayLook = field(default_factory=well_gateway)
    host: HostLook = field(default_factory=well_host)
    upload: dict[str, Any] = field(default_factory=lambda: {"upload_green": True})

    def add(self, name: str, body: Body, **options: Any) -> None:
        """Register a scenario; `body` may be an ordinary or an async function of the trial."""

        async def scenario(trial: Trial) -> None:
            """Does what the test says."""
            outcome = body(trial)
            if outcome is not None:
                await outcome

        options = {"own_connection": True, "timeout": 30, "severity": "S-MED"} | options
        category = {"BC": "Broker Connectivity", "OE": "Order Execution", "X-": "Procedures"}.get(
            name[:2], "Resilience"
        )
        register = self.registry.scenario(
            id=name, slug=f"toy-{name.lower()}", title=f"Toy {name}", category=category, **options
        )
        register(scenario)


class WellDesk:
    """A desk whose account never changes."""

    async def account_summary(self) -> Summary:
        return Summary("DU1", "USD", {"NetLiquidation": 100_000.0})


@pytest.fixture(autouse=True)
def _memory_of_the_session_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count as a worker's memory what a test takes, not what others took in its process."""
    before = resident_mb()
    monkeypatch.setattr(stability, "resident_mb", lambda: resident_mb() - before + WORKER_MB)


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> Toys:
    """An empty catalogue in place of the product's, and a gateway that is always well."""
    box = Toys(Catalogue())
    monkeypatch.setattr(catalogue, "load", lambda: box.registry)

    @asynccontextmanager
    async def connect(*args: Any, **options: Any) -> AsyncIterator[WellDesk]:
        yield WellDesk()

    async def clean_up(target: Any, scope: str) -> Cleaned:
        box.cleaned.append(scope)
        return box.cleanup

    async def look(target: Any) -> GatewayLook:
        return box.gateway

    monkeypatch.setattr(runner.gateway, "connect", connect)
    monkeypatch.setattr(runner, "clean_up", clean_up)
    monkeypatch.setattr(runner, "watching", box.watch.watching)
    monkeypatch.setattr(process, "look", look)
    monkeypatch.setattr(process, "upload_of", lambda session: box.upload)
    monkeypatch.setattr(process, "look_around", lambda **options: box.host)
    return box


def passes(trial: Trial) -> None:
    """A scenario that passes."""
    trial.check("two is two", 2, 2)


def fails(trial: Trial) -> None:
    """A scenario that fails."""
    trial.check("two is three", 3, 2)


async def hangs(trial: Trial) -> None:
    """A scenario that begins and does not end."""
    trial.check("began", 1, 1)
    await asyncio.sleep(60)


def raises(error: Exception) -> Any:
    """A scenario that ends with this error."""

    def body(trial: Trial) -> None:
        raise error

    return body


def session_of(toys: Toys, operator: User, fill: int = 0, **bodies: Any) -> Session:
    """Start a session of these scenarios and so many more that pass."""
    for name, body in bodies.items():
        toys.add(name.replace("_", "-"), body)
    for number in range(fill):
        toys.add(f"RS-{number + 50}", passes)
    return sessions.start(operator)


@pytest.fixture
def fast_pulse(monkeypatch: pytest.MonkeyPatch) -> None:
    """A runner that looks around every 20 ms."""
    monkeypatch.setattr(runner, "PULSE_S", 0.02)


@pytest.fixture
def seeded(people: People, recordings: Recordings) -> Endpoint:
    """A fresh installation; returns its default endpoint."""
    recordings.write("seeds", seeds.plant)
    return Endpoint.objects.get(is_default=True)


@pytest.fixture
def operator(people: People) -> User:
    """Who starts sessions."""
    return people.op


@pytest.fixture
def sound(
    toys: Toys,
    seeded: Endpoint,
    operator: User,
    recordings: Recordings,
    request: pytest.FixtureRequest,
) -> Session:
    """A full session of three toy scenarios, ready to run."""
    toys.add("BC-01", passes, severity="S-CRIT", waivable=False)
    toys.add("OE-01", passes, needs=[ORDERS])
    toys.add("RS-01", passes)
    planned = [one.id for one in toys.registry.all()]
    # By module, so that its times are those of just now.
    recordings.write(("sound", request.path, *planned), lambda: sessions.start(operator))
    return Session.objects.latest("pk")


def carry_out(lease: Lease) -> None:
    """What the worker that holds this lease does."""
    async_to_sync(runner.run)(lease)


def run(session: Session) -> Session:
    """Claim and run a session to its end, and return it as it stands then."""
    carry_out(claimed(session))
    session.refresh_from_db()
    return session


def taken(session: Session) -> Lease:
    """Claim a session that waits, and let it run without a preflight."""
    lease = claimed(session)
    with guarded(lease) as held:
        if held.state != SessionState.RUNNING:
            admit(held)
    return lease


def claimed(session: Session) -> Lease:
    """Claim a session that waits; its preflight is still to come."""
    lease = claim(session.number, "test")
    assert lease is not None
    return lease


def states(session: Session) -> dict[str, str]:
    """Return how each scenario's attempts ended."""
    return {attempt.scenario: attempt.state for attempt in session.attempts.order_by("number")}


def accept_metrics(session: Session, by: User) -> None:
    """Say of each metric that toys can't show to keep its limit what follows from that."""
    keys = [one.key for one in Facts(session).open_warnings if one.expires]
    _, usual, _ = acknowledging.last_days()
    acknowledging.acknowledge(session, by, "Toys measure nothing.", keys, expires_on=usual)


@pytest.fixture
def reviewed(
    sound: Session, operator: User, recordings: Recordings, request: pytest.FixtureRequest
) -> Session:
    """A session that has run soundly, its metrics accepted, and waits for its manual checks."""
    recordings.write(("reviewed", request.path), lambda: accept_metrics(run(sound), operator))
    sound.refresh_from_db()
    assert set(states(sound).values()) == {AttemptState.PASSED}
    assert (sound.state, sound.cleanup) == (SessionState.MANUAL_CHECKS, CleanupState.DONE)
    return sound
