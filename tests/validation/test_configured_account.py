"""What the configuration says of account and bounds holds for a session, to its end."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import User
from django.utils import timezone

from brokerage import gateway
from brokerage.bounds import Bounds
from brokerage.errors import GatewayConnectionError, OrderRefused
from brokerage.gateway import ContractSpec, Door, Intent, Simulated, Target
from brokerage.models import Endpoint, OrderGrant
from brokerage.safety import check_connection
from tests.conftest import People
from tests.validation.conftest import run, taken
from validation import bookkeeping, cleanup, rolling, seeds, sessions, sweeper
from validation.configuration import Config, ConfigError, read
from validation.models import CleanupState, ConfigRevision, Session, SessionState
from validation.route import held_to, route

pytestmark = pytest.mark.django_db
OURS, OTHERS = "DU1234567", "DU7654321"
SCOPE = "prelive_20260102_001"


@pytest.fixture
def endpoint(people: People) -> Endpoint:
    """The default endpoint of a fresh installation, which expects no account of its own."""
    seeds.plant()
    return Endpoint.objects.get(is_default=True)


def configure(account: str) -> None:
    """Put a configuration in force that names an account."""
    content = read(ConfigRevision.objects.get().content).content()
    content["paper_trading"]["expected_account"] = account
    ConfigRevision.objects.update(content=content)


def at_gateway(endpoint: Endpoint, act: Callable[[Simulated], Any]) -> None:
    """Do something while a simulated gateway with the account DU1234567 listens at the endpoint."""

    async def staged() -> None:
        async with gateway.simulation() as simulated:
            port = simulated.target.port
            await Endpoint.objects.filter(pk=endpoint.pk).aupdate(port=port, speed=25.0)
            await sync_to_async(act)(simulated)

    async_to_sync(staged)()


def started(by: User) -> Session:
    return sessions.start(by, scenarios=["OE-01"])


@pytest.mark.parametrize("configured", ["", OURS])
def test_a_session_trades_on_the_configured_account(
    endpoint: Endpoint, people: People, configured: str
) -> None:
    def act(simulated: Simulated) -> None:
        configure(configured)
        session = run(started(people.op))
        assert session.state == SessionState.REPORTING, session.outcome_reason
        assert simulated.gateway.orders_received()

    at_gateway(endpoint, act)


def test_no_order_reaches_another_account_than_the_configured_one(
    endpoint: Endpoint, people: People
) -> None:
    def act(simulated: Simulated) -> None:
        configure(OTHERS)
        session = run(started(people.op))
        assert session.state == SessionState.HALTED
        assert f"{OTHERS} is not among {OURS}" in session.outcome_reason
        assert not simulated.gateway.orders_received()

    at_gateway(endpoint, act)


@pytest.mark.parametrize("gateway_s", [OURS, OTHERS])
def test_an_endpoint_that_contradicts_the_configuration_is_not_connected_to(
    endpoint: Endpoint, people: People, gateway_s: str
) -> None:
    def act(simulated: Simulated) -> None:
        configure(OTHERS)
        Endpoint.objects.update(expected_account=OURS)
        simulated.levers.accounts = (gateway_s,)
        session = run(started(people.op))
        assert session.state == SessionState.DRAFT
        found = session.preflights.get().checks.get(code="HP-02")
        assert (found.verdict, found.holds_up) == ("BLOCK", True)
        assert f"expects {OURS}, the configuration {OTHERS}" in found.finding
        assert not [frame for frame in simulated.transcript if frame.direction == "in"]

    at_gateway(endpoint, act)


def test_what_is_set_at_the_endpoint_after_the_preflight_still_blocks(
    endpoint: Endpoint, people: People
) -> None:
    configure(OURS)
    session = started(people.op)
    Endpoint.objects.update(expected_account=OTHERS)
    session.refresh_from_db()
    with pytest.raises(GatewayConnectionError, match="expects DU7654321"):
        async_to_sync(_connect)(route(session))


async def _connect(target: Target) -> None:
    async with gateway.connect(target, readonly=False):
        pass


def test_the_desks_of_a_run_are_held_to_the_configured_account(
    endpoint: Endpoint, people: People
) -> None:
    configure(OURS)
    assert bookkeeping.open_run(taken(started(people.op)))["target"].expected_account == OURS


def test_the_door_asks_for_the_configured_account_at_each_order(
    endpoint: Endpoint, people: People
) -> None:
    config = read(Config().content() | {"paper_trading": {"expected_account": OURS}})

    async def trades() -> None:
        async with gateway.simulation() as simulated:
            target = held_to(config, endpoint)
            target = replace(target, port=simulated.target.port, speed=25.0)
            grant = await OrderGrant.objects.acreate(
                scope=SCOPE, endpoint=endpoint, symbols=["SPY"],
                expires_at=timezone.now() + timedelta(minutes=5),
            )  # fmt: skip
            async with gateway.connect(target, readonly=False) as desk:
                contract = await desk.qualify(ContractSpec("SPY"))
                intent = Intent("k", contract, "BUY", 1, limit_price=1.0, ref=f"{SCOPE}/OE-01")
                desk.target = replace(target, expected_account=OTHERS)
                with pytest.raises(OrderRefused, match=OTHERS):
                    check_connection(desk)
                with pytest.raises(OrderRefused, match=OTHERS):
                    await desk.place(intent, Door(grant.pk, desk.clock))
            assert not simulated.gateway.orders_received()

    async_to_sync(trades)()


@pytest.fixture
def left_behind(endpoint: Endpoint, people: People) -> Session:
    """A session on the account DU7654321 that ended with something to clean up."""
    configure(OTHERS)
    session = started(people.op)
    Session.objects.filter(pk=session.pk).update(
        state=SessionState.INTERRUPTED, cleanup=CleanupState.PENDING, lease_until=None
    )
    session.refresh_from_db()
    return session


def test_neither_clean_up_nor_sweeper_touches_another_account(
    endpoint: Endpoint, left_behind: Session
) -> None:
    def act(simulated: Simulated) -> None:
        left_behind.endpoint.refresh_from_db()
        assert not sweeper.finish_cleanup(left_behind)
        left_behind.refresh_from_db()
        assert left_behind.cleanup == CleanupState.PENDING
        assert OTHERS in left_behind.cleanup_note
        simulated.levers.accounts = (OTHERS,)
        Session.objects.update(lease_until=None)
        assert sweeper.finish_cleanup(left_behind)

    at_gateway(endpoint, act)


def test_the_clean_up_of_a_running_session_goes_by_the_configured_account(
    endpoint: Endpoint, left_behind: Session
) -> None:
    def act(simulated: Simulated) -> None:
        left_behind.endpoint.refresh_from_db()
        cleaned = async_to_sync(cleanup.clean_up)(route(left_behind), left_behind.number)
        assert (cleaned.ok, OTHERS in cleaned.note) == (False, True)

    at_gateway(endpoint, act)


def test_a_configuration_that_cannot_be_read_leaves_the_endpoint_s_own_account(
    left_behind: Session,
) -> None:
    Endpoint.objects.update(expected_account=OURS)
    ConfigRevision.objects.update(content={"x": 1})
    session = Session.objects.get(pk=left_behind.pk)
    assert route(session).expected_account == OURS


def test_the_roll_over_reads_from_the_configured_account_alone(endpoint: Endpoint) -> None:
    def act(simulated: Simulated) -> None:
        configure(OTHERS)
        rolled = rolling.roll()
        assert (rolled.ok, OTHERS in rolled.text) == (False, True)

    at_gateway(endpoint, act)


@pytest.mark.parametrize("account", ["DU1", "DUM123456", "DF77", "DI1"])
def test_the_configuration_takes_what_the_door_takes(account: str) -> None:
    config = read({"paper_trading": {"expected_account": account}})
    assert config.paper_trading.expected_account == account


@pytest.mark.parametrize("account", ["U1234567", "D1", "DABC1", "DU", "du1", "DU1 ", "DU1\n"])
def test_the_configuration_names_no_account_that_the_door_takes_for_live(account: str) -> None:
    with pytest.raises(ConfigError):
        read({"paper_trading": {"expected_account": account}})


def test_what_is_bounded_at_door_and_connection_is_the_frozen_configuration_s(
    endpoint: Endpoint, people: People
) -> None:
    content = read(ConfigRevision.objects.get().content).content()
    content["limits"] |= {
        "risk_per_trade": 0.01, "single_trade": 0.02, "position": 0.1, "exposure": 0.5,
    }  # fmt: skip
    content["thresholds"] |= {"quote_freshness_seconds": 3.0, "max_messages_per_second": 40}
    content["validation"] |= {"max_retry_attempts": 2, "exponential_backoff_base": 3}
    ConfigRevision.objects.update(content=content)
    target = bookkeeping.open_run(taken(started(people.op)))["target"]
    assert target.bounds == Bounds(0.01, 0.02, 0.1, 0.5, 3.0, 40, 2, 3)


@pytest.mark.parametrize("limit", ["risk_per_trade", "single_trade", "position", "exposure"])
def test_a_limit_that_is_looser_than_the_product_s_own_is_refused(limit: str) -> None:
    with pytest.raises(ConfigError, match=limit):
        read({"limits": {limit: 0.96}})


def test_a_tightened_limit_keeps_the_order_in(endpoint: Endpoint, people: People) -> None:
    def act(simulated: Simulated) -> None:
        content = read(ConfigRevision.objects.get().content).content()
        content["limits"]["risk_per_trade"] = 0.0001
        ConfigRevision.objects.update(content=content)
        session = run(started(people.op))
        assert session.state == SessionState.BLOCKED
        assert not simulated.gateway.orders_received()

    at_gateway(endpoint, act)
