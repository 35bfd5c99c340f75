"""A preflight's look at a real simulated gateway: sound, away, and under a fault."""

import socket
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from brokerage import gateway
from brokerage.calendar import ET, next_weekly_expiry
from brokerage.terms import ContractSpec, Target
from tests.brokerage.port.stories import story
from tests.validation.conftest import well_host
from validation.configuration import Config
from validation.models import Verdict
from validation.preflight import looking, process
from validation.preflight.judging import judge
from validation.preflight.looking import look
from validation.preflight.situation import GatewayLook, Plan, Situation

pytestmark = pytest.mark.django_db
assert process.RULES
WELL = {Verdict.PASS, Verdict.NOT_APPLICABLE}


@dataclass(frozen=True)
class Case:
    """A fault that is on before anything runs, and the checks (`kind`) that find it."""

    fault: str
    kind: str

    def __str__(self) -> str:
        return f"preflight-{self.fault}"


CASES = (
    Case("wrong_account", "HP-02"),
    Case("port_open_api_mute", "HP-02"),
    Case("mute_after_handshake", "HP-02"),
    Case("delayed_instead_of_live", "HP-23"),
    Case("contract_details_never_end", "HP-10 HP-23"),
    Case("client_id_stuck", "HP-25"),
    Case("positions_never_end", "HP-02"),
    Case("open_orders_never_end", "HP-18"),
    Case("no_quote", "HP-23"),
)


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "REQUESTS", 3)


def verdicts(seen: GatewayLook) -> dict[str, str]:
    """What the checks of the gateway make of a look."""
    now = datetime.now(UTC)
    expiry = f"{next_weekly_expiry(now.astimezone(ET).date()):%Y%m%d}"
    host = well_host()
    plan = Plan(
        now=now, simulated=True, always_open=True, upload_green=True,
        code_version=host.code_version, config=Config().with_expiry(expiry),
    )  # fmt: skip
    return {one.code: one.verdict for one in judge(Situation(plan, seen, host))}


@story
async def test_a_sound_gateway_is_seen_as_it_is() -> None:
    async with gateway.simulation() as simulated:
        seen = await look(simulated.target)
    assert (seen.connected, seen.accounts, seen.client_id) == (True, ("DU1234567",), 210)
    assert (len(seen.samples), seen.unanswered, seen.data_type) == (3, 0, 1)
    assert (seen.positions, seen.open_refs, seen.net_liquidation) == ((), (), 100_000.0)
    assert set(verdicts(seen).values()) <= WELL


@story
async def test_a_look_places_nothing_and_leaves_no_connection() -> None:
    async with gateway.simulation() as simulated:
        await look(simulated.target)
        sent = {frame.name for frame in simulated.transcript if frame.direction == "in"}
        assert "PlaceOrder" not in sent
        assert not simulated.gateway.sessions()


@story
async def test_the_vix_is_read_and_the_quotes_after_it_are_live() -> None:
    async with gateway.simulation() as simulated:
        seen = await look(simulated.target)
        kinds = [
            frame.message.kind
            for frame in simulated.transcript
            if frame.name == "ReqMarketDataType" and frame.direction == "in"
        ]
    assert seen.vix is not None
    assert 10 < seen.vix < 30
    assert (seen.vix_type, kinds[-2:]) == (1, [3, 1])
    assert verdicts(seen)["HP-14"] == "PASS"


@story
async def test_without_a_subscription_the_vix_is_read_delayed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with gateway.simulation() as simulated:
        await simulated.switches.on("delayed_instead_of_live")
        seen = await look(simulated.target)
    assert (seen.vix is not None, seen.vix_type) == (True, 3)


@story
async def test_a_gateway_that_does_not_know_the_vix_leaves_it_to_a_person(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(looking, "VIX", ContractSpec("VXX9", sec_type="IND", exchange="CBOE"))
    async with gateway.simulation() as simulated:
        seen = await look(simulated.target)
    assert (seen.vix, seen.connected) == (None, True)


@story
async def test_nothing_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    seen = await look(Target("none", "127.0.0.1", port, "SIMULATED", always_open=True))
    assert seen.port_ms is None
    assert "refused" in seen.port_error.lower()
    found = verdicts(seen)
    assert [found[code] for code in ("HP-01", "HP-02", "HP-26")] == ["BLOCK"] * 3
    assert {found[code] for code in ("HP-06", "HP-16", "HP-17", "HP-18", "HP-25")} == {"UNKNOWN"}


@story
async def test_a_live_port_beside_it_is_seen_and_nothing_is_sent_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as live:
        live.settimeout(5)
        port = live.getsockname()[1]
        monkeypatch.setattr(looking, "LIVE_PORTS", frozenset({port}))
        async with gateway.simulation() as simulated:
            seen = await look(simulated.target)
        peer, _ = live.accept()
        with peer:
            peer.settimeout(5)
            assert peer.recv(100) == b""
    assert seen.live_ports == (port,)
    assert verdicts(seen)["HP-03"] == "WARN"


@story
async def test_a_gateway_of_another_kind_stops_the_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("brokerage.simulator.peer.SIMULATED_BRAND", "Some Broker")
    async with gateway.simulation() as simulated:
        seen = await look(simulated.target)
    assert "it may be a broker's" in seen.unsafe
    assert verdicts(seen)["HP-02"] == "BLOCK"


@pytest.mark.parametrize("case", CASES, ids=str)
@story
async def test_each_fault_is_found_before_anything_runs(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "HANDSHAKE_SECONDS", 5.0)
    async with gateway.simulation() as simulated:
        await simulated.switches.on(case.fault)
        if case.fault == "client_id_stuck":
            # The id sticks once its connection has ended.
            await look(simulated.target)
        seen = await look(simulated.target)
    found = verdicts(seen)
    assert {code for code in case.kind.split() if found[code] in WELL} == set(), found


@story
async def test_an_account_that_is_not_paper_is_a_safety_violation() -> None:
    async with gateway.simulation() as simulated:
        await simulated.switches.on("wrong_account")
        seen = await look(simulated.target)
    assert "U1234567" in seen.unsafe
    assert not seen.connected
