"""What answers must be of the kind that the endpoint says: the simulated gateway bears a mark."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from brokerage import gateway
from brokerage.errors import SafetyViolation
from brokerage.gateway import Simulated, Target
from brokerage.models import AccountProof, Endpoint, KillSwitch, OrderGrant
from brokerage.relay.recorder import Recorder
from brokerage.relay.recording import Recording
from brokerage.relay.relay import Relay
from brokerage.relay.replay import Replay
from brokerage.simulator.peer import Peer
from brokerage.tws import messages as tws
from crucible.alerts.models import Alert
from tests.brokerage.port.stories import buy, open_desk, story
from tests.brokerage.wire.raw import Raw

pytestmark = pytest.mark.django_db
OURS = "what answers is the simulated gateway"
A_BROKERS = "it may be a broker's"


def _another_brand(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("brokerage.simulator.peer.SIMULATED_BRAND", "Some Broker")


def _no_answer(patch: pytest.MonkeyPatch) -> None:
    queue = Peer.queue

    def without(peer: Peer, message: object) -> None:
        if not isinstance(message, tws.UserInfo):
            queue(peer, message)

    patch.setattr(Peer, "queue", without)


@pytest.fixture(params=[_no_answer, _another_brand])
def posing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulated gateway answers as a broker's would: not at all, or with another brand."""
    pose: Callable[[pytest.MonkeyPatch], None] = request.param
    pose(monkeypatch)


def paper(port: int) -> Target:
    """A broker's paper gateway by its settings; what listens at `port` is behind it."""
    return Target("paper", "127.0.0.1", 4002, "PAPER", through=port)


async def connecting(target: Target) -> None:
    async with gateway.connect(target, readonly=False):
        pass


def asked(simulated: Simulated) -> list[str]:
    """What the gateway was asked after the handshake."""
    names = [frame.name for frame in simulated.transcript if frame.direction == "in"]
    return names[2:]


@story
async def test_the_simulated_gateway_is_refused_as_a_paper_gateway_before_it_is_read() -> None:
    async with gateway.simulation() as simulated:
        with pytest.raises(SafetyViolation, match=OURS):
            await connecting(paper(simulated.gateway.port))
        assert asked(simulated) == ["ReqUserInfo", "ReqCurrentTime"]
        assert simulated.gateway.admitted == 1


@story
async def test_it_is_recognised_through_a_relay_too() -> None:
    async with (
        gateway.simulation() as simulated,
        Relay("127.0.0.1", simulated.gateway.port) as relay,
    ):
        with pytest.raises(SafetyViolation, match=OURS):
            await connecting(paper(relay.port))


@story
async def test_what_bears_no_mark_is_refused_as_a_simulated_gateway(posing: None) -> None:
    async with gateway.simulation() as simulated:
        with pytest.raises(SafetyViolation, match=A_BROKERS):
            await connecting(simulated.target)
        assert asked(simulated) == ["ReqUserInfo", "ReqCurrentTime"]


@story
async def test_what_bears_no_mark_serves_as_a_paper_gateway(posing: None) -> None:
    async with (
        gateway.simulation(speed=1.0) as simulated,
        gateway.connect(paper(simulated.gateway.port)) as desk,
    ):
        assert desk.accounts == ("DU1234567",)


def test_the_mark_outlives_a_reconnection_and_its_loss_stops_the_next(
    grant: OrderGrant, monkeypatch: pytest.MonkeyPatch
) -> None:
    @story
    async def trades() -> None:
        async with open_desk() as (simulated, desk):
            assert (await buy(desk, grant)).order_id
            _no_answer(monkeypatch)
            with pytest.raises(SafetyViolation, match=A_BROKERS):
                await connecting(simulated.target)

    trades()


def test_a_gateway_of_another_kind_raises_every_alarm_but_the_kill_switch() -> None:
    endpoint = Endpoint.objects.create(name="paper", kind="PAPER", port=4002)

    @story
    async def connects() -> None:
        async with gateway.simulation() as simulated:
            target = replace(endpoint.target(), through=simulated.gateway.port)
            with pytest.raises(SafetyViolation, match="Set the endpoint up as simulated"):
                await connecting(target)

    connects()
    proof = AccountProof.objects.latest("pk")
    assert (proof.ok, proof.endpoint) == (False, endpoint)
    assert OURS in proof.reason
    assert Alert.objects.filter(kind="other-kind", severity="CRITICAL").exists()
    endpoint.refresh_from_db()
    assert endpoint.state_now == "OTHER_KIND"
    assert KillSwitch.permits()


async def record(simulated: Simulated, path: Path, target: Callable[[int], Target]) -> None:
    """Record a connection of ours."""
    with Recorder(path) as recorder:
        port = simulated.gateway.port
        async with Relay("127.0.0.1", port, witness=recorder) as relay:
            await connecting(target(relay.port))


@story
async def test_a_recording_of_the_simulated_gateway_is_not_taken_for_a_brokers(
    tmp_path: Path,
) -> None:
    async with gateway.simulation() as simulated:
        await record(simulated, tmp_path / "r", lambda p: replace(simulated.target, through=p))
    async with Replay(Recording.load(tmp_path / "r")) as replay:
        with pytest.raises(SafetyViolation, match=OURS):
            await connecting(paper(replay.port))


@story
async def test_a_recording_of_a_broker_is_not_taken_for_the_broker(
    posing: None, tmp_path: Path
) -> None:
    async with gateway.simulation(speed=1.0) as simulated:
        await record(simulated, tmp_path / "r", paper)
    async with Replay(Recording.load(tmp_path / "r")) as replay:
        with pytest.raises(SafetyViolation, match=OURS):
            await connecting(paper(replay.port))


@story
async def test_a_replayed_recording_serves_as_a_simulated_gateway(
    posing: None, tmp_path: Path
) -> None:
    async with gateway.simulation(speed=1.0) as simulated:
        await record(simulated, tmp_path / "r", paper)
    async with Replay(Recording.load(tmp_path / "r")) as replay:
        await connecting(Target("replay", "127.0.0.1", replay.port, "SIMULATED"))
        assert replay.mismatches == []


@story
async def test_a_gateway_that_answers_nothing_else_still_shows_the_mark() -> None:
    async with gateway.simulation() as simulated, Raw(simulated.gateway, 1) as raw:
        simulated.gateway.sessions()[0].muted = True
        raw.post(tws.ReqUserInfo(7))
        async with asyncio.timeout(5):
            await raw._hear()
        assert raw.heard[-1] == tws.UserInfo(7, tws.SIMULATED_BRAND)
