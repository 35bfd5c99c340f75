"""Nothing but a paper account is ever traded, and nothing else is even asked of a gateway."""

import asyncio
import time
from dataclasses import replace

import pytest

from brokerage import gateway
from brokerage.errors import GatewayError, OrderRefused, SafetyViolation
from brokerage.gateway import Listener, OrderState, Simulated, Target
from brokerage.models import AccountProof, Endpoint, KillSwitch, OrderGrant, OrderRecord
from brokerage.safety import is_paper
from crucible.alerts.models import Alert
from crucible.ledger.models import Entry
from tests.brokerage.port.stories import (
    SPY,
    buy,
    buying,
    granted,
    open_desk,
    orders_on_the_wire,
    set_levers,
    story,
)

pytestmark = pytest.mark.django_db
LIVE = ("U1234567",)


async def connecting(target: Target) -> None:
    async with gateway.connect(target, readonly=False):
        pass


def from_client(simulated: Simulated) -> list[str]:
    return [frame.name for frame in simulated.transcript if frame.direction == "in"]


@pytest.mark.parametrize("account", ["DU1234567", "DF77", "DUP123", "DI1", "DUM123456"])
def test_paper_accounts_are_known(account: str) -> None:
    assert is_paper(account)


@pytest.mark.parametrize(
    "account",
    ["U1", "F1", "", "DU", "du1", "xDU1", "DU1x", "DU1\n", "I99", "D1", "DABC1", "DU\u0661"],
)
def test_anything_else_counts_as_live(account: str) -> None:
    assert not is_paper(account)


@story
async def test_a_live_account_is_disconnected_before_anything_is_asked() -> None:
    async with gateway.simulation(accounts=LIVE) as simulated:
        with pytest.raises(SafetyViolation, match="U1234567"):
            await connecting(simulated.target)
        assert from_client(simulated) == ["Hello", "StartApi"]
        assert orders_on_the_wire(simulated) == 0
        assert not simulated.gateway._peers


def test_a_live_account_raises_every_alarm(endpoint: Endpoint) -> None:
    @story
    async def connects() -> None:
        async with gateway.simulation(accounts=LIVE) as simulated:
            target = replace(simulated.target, endpoint_id=endpoint.pk)
            with pytest.raises(SafetyViolation):
                await connecting(target)

    connects()
    proof = AccountProof.objects.get()
    assert (proof.ok, proof.accounts, proof.endpoint) == (False, ["U1234567"], endpoint)
    assert (KillSwitch.current().state, KillSwitch.current().rule) == ("TRIGGERED", "not paper")
    assert Entry.objects.filter(kind="safety.violation").exists()
    assert Alert.objects.filter(kind="not-paper", severity="CRITICAL").exists()
    endpoint.refresh_from_db()
    assert endpoint.state_now == "NOT_PAPER"


@story
async def test_one_live_account_among_paper_ones_is_enough() -> None:
    async with gateway.simulation(accounts=("DU1", "U2")) as simulated:
        with pytest.raises(SafetyViolation, match="U2"):
            await connecting(simulated.target)


@story
async def test_a_violation_is_never_retried() -> None:
    async with gateway.simulation(accounts=LIVE) as simulated:
        with pytest.raises(SafetyViolation):
            await connecting(simulated.target)
        assert simulated.gateway.admitted == 1


def test_the_expected_account_must_be_there() -> None:
    @story
    async def connects() -> None:
        async with gateway.simulation(expected_account="DU7777777") as simulated:
            with pytest.raises(SafetyViolation, match="DU7777777"):
                await connecting(simulated.target)

    connects()
    assert KillSwitch.permits()
    assert AccountProof.objects.get().ok is False


def test_the_expected_account_must_be_the_only_one() -> None:
    @story
    async def connects() -> None:
        shown = ("DU1234567", "DU7654321")
        async with gateway.simulation(accounts=shown, expected_account=shown[0]) as simulated:
            with pytest.raises(SafetyViolation) as caught:
                await connecting(simulated.target)
        assert "Besides the expected account DU1234567 the login shows DU7654321." in str(
            caught.value
        )
        assert "log it in with a paper user that sees the account DU1234567 alone" in str(
            caught.value
        )

    connects()
    assert AccountProof.objects.get().ok is False


def test_a_further_account_that_turns_up_later_ends_the_connection() -> None:
    @story
    async def connects() -> None:
        async with (
            gateway.simulation(expected_account="DU1234567") as simulated,
            gateway.connect(simulated.target, readonly=False) as desk,
        ):
            set_levers(simulated, accounts=("DU1234567", "DU7654321"))
            with pytest.raises(SafetyViolation, match="Besides"):
                await desk.renew_proof()
            assert not desk.connected
            assert desk.proof is None

    connects()


def test_every_connection_and_reconnection_is_proved() -> None:
    @story
    async def connects() -> None:
        async with gateway.simulation() as simulated:
            await connecting(simulated.target)
            set_levers(simulated, accounts=LIVE)
            with pytest.raises(SafetyViolation):
                await connecting(simulated.target)

    connects()
    assert list(AccountProof.objects.order_by("pk").values_list("ok", flat=True)) == [True, False]


def test_a_login_that_turns_live_under_way_sends_no_order(grant: OrderGrant) -> None:
    @story
    async def trades() -> None:
        async with open_desk() as (simulated, desk):
            set_levers(simulated, accounts=LIVE)
            desk._proof = replace(desk._proof, at=time.monotonic() - 50)  # type: ignore[type-var]
            with pytest.raises(SafetyViolation):
                await buy(desk, grant)
            assert not desk.connected
            with pytest.raises(OrderRefused, match="not connected"):
                await desk.place(await _any_intent(desk), gateway.Door(grant.pk, desk.clock))
            assert orders_on_the_wire(simulated) == 0

    trades()
    assert not OrderRecord.objects.exclude(state="REFUSED").exists()


async def _any_intent(desk: gateway.Desk) -> gateway.Intent:
    contract = gateway.Contract(con_id=756733, symbol="SPY")
    return gateway.Intent("k9", contract, "BUY", 1, limit_price=1.0, ref="s1/OE-01")


@pytest.mark.parametrize("port", [4001, 7496])
@pytest.mark.parametrize("kind", ["SIMULATED", "PAPER"])
def test_a_live_port_is_refused_before_a_socket_opens(
    monkeypatch: pytest.MonkeyPatch, port: int, kind: str
) -> None:
    @story
    async def connects() -> None:
        opened: list[object] = []
        monkeypatch.setattr("asyncio.BaseEventLoop.create_connection", opened.append)
        with pytest.raises(SafetyViolation, match="live-trading port"):
            await connecting(Target("t", "127.0.0.1", port, kind))
        assert not opened

    connects()
    assert Entry.objects.filter(kind="safety.violation").exists()


@pytest.mark.parametrize(("kind", "port"), [("PAPER", 4003), ("LIVE", 4002), ("paper", 4002)])
@story
async def test_no_other_route_exists(kind: str, port: int) -> None:
    with pytest.raises(SafetyViolation):
        await connecting(Target("t", "127.0.0.1", port, kind))


def announce(simulated: Simulated, *accounts: str) -> None:
    """Let the gateway name its accounts again, unasked, as after a new login."""
    set_levers(simulated, accounts=accounts)
    for peer in simulated.gateway._peers:
        assert peer.session is not None
        simulated.gateway.venue._managed(peer.session)
    simulated.gateway.flush()


def test_a_live_account_announced_unasked_sends_no_order(grant: OrderGrant) -> None:
    @story
    async def trades() -> None:
        async with open_desk() as (simulated, desk):
            assert (await buy(desk, grant, "k0", far=True)).order_id
            announce(simulated, *LIVE)
            with pytest.raises(SafetyViolation, match="U1234567"):
                await buy(desk, grant)
            assert orders_on_the_wire(simulated) == 1

    trades()
    assert KillSwitch.current().rule == "not paper"


class Losses(Listener):
    """Lets a test wait until the connection is lost."""

    def __init__(self) -> None:
        self.told = asyncio.Event()

    def lost(self, why: str) -> None:
        self.told.set()


def test_a_live_account_announced_unasked_is_left_at_once(grant: OrderGrant) -> None:
    @story
    async def waits() -> None:
        ears = Losses()
        async with gateway.simulation() as simulated:
            target = await granted(simulated.target)
            async with gateway.connect(target, readonly=False, listener=ears) as desk:
                ticket = await (await buy(desk, grant, "k0", far=True)).acked()
                asked = len(from_client(simulated))
                announce(simulated, *LIVE)
                async with asyncio.timeout(20):
                    await ears.told.wait()
                assert (desk.connected, desk.proof) == (False, None)
                assert ticket.status is OrderState.UNKNOWN
                assert len(from_client(simulated)) == asked

    waits()
    assert KillSwitch.current().rule == "not paper"
    assert list(AccountProof.objects.values_list("ok", flat=True)) == [False, True]


@story
async def test_a_stream_ends_when_a_live_account_is_announced() -> None:
    async with open_desk(readonly=True) as (simulated, desk):
        contract = await desk.qualify(SPY)
        async with asyncio.timeout(20), desk.stream(contract) as stream:
            announce(simulated, *LIVE)
            with pytest.raises(GatewayError, match="U1234567"):
                async for _ in stream:
                    pass
        with pytest.raises(SafetyViolation, match="U1234567"):
            await desk.quote(contract)


def test_a_live_account_announced_while_an_order_is_at_the_door_stops_it(
    grant: OrderGrant,
) -> None:
    @story
    async def trades() -> None:
        async with open_desk() as (simulated, desk):
            contract = await desk.qualify(SPY)
            order = await buying(desk, contract)
            door = gateway.Door(grant.pk, desk.clock)
            look = door.check

            async def looks(intent: gateway.Intent, at: gateway.Desk) -> object:
                permit = await look(intent, at)
                announce(simulated, *LIVE)
                with pytest.raises(SafetyViolation, match="U1234567"):
                    await desk.server_time()
                return permit

            door.check = looks  # type: ignore[method-assign, assignment]
            with pytest.raises(OrderRefused, match="not connected"):
                await desk.place(order, door)
            assert orders_on_the_wire(simulated) == 0

    trades()


@story
async def test_a_restored_link_is_proved_again() -> None:
    async with open_desk() as (simulated, desk):
        set_levers(simulated, accounts=LIVE)
        desk._link._on_error(-1, 1102, "Connectivity restored", None)
        with pytest.raises(SafetyViolation):
            await buy(desk, None)
        assert orders_on_the_wire(simulated) == 0
