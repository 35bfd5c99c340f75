"""Every reason for which the door keeps an order in, each with nothing on the wire."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError
from django.utils import timezone

from brokerage import kill
from brokerage.bounds import Bounds
from brokerage.errors import OrderRefused
from brokerage.gateway import Contract, Desk, Intent, Quote
from brokerage.models import Endpoint, KillSwitch, OrderGrant, OrderRecord
from brokerage.safety import Permit, quote_problem
from tests.brokerage.port.stories import (
    SPY,
    buy,
    buying,
    door,
    open_desk,
    orders_on_the_wire,
    set_levers,
    story,
)

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 2, 17, 15, tzinfo=UTC)
SHARE = Contract(756733, "SPY")


def refused(grant: OrderGrant | None, before: Any = None, **more: Any) -> str:
    """The reason for which an order is refused, after checking that none was sent."""
    reasons: list[str] = []

    @story
    async def trades() -> None:
        async with open_desk() as (simulated, desk):
            if before is not None:
                before(simulated, desk)
            with pytest.raises(OrderRefused) as caught:
                await buy(desk, grant, **more)
            assert orders_on_the_wire(simulated) == 0
            reasons.append(caught.value.reason)

    trades()
    assert not OrderRecord.objects.exclude(state="REFUSED").exists()
    return reasons[0]


def test_a_grant_holds_at_its_own_endpoint_alone(grant: OrderGrant) -> None:
    other = Endpoint.objects.create(name="other", kind="SIMULATED", port=4003)
    elsewhere = OrderGrant.objects.create(scope="s1", endpoint=other, expires_at=grant.expires_at)
    assert refused(elsewhere) == "GRANT_ENDPOINT"


def test_a_drills_grant_holds_at_no_endpoint(grant: OrderGrant) -> None:
    private = OrderGrant.objects.create(scope="drill/s1", expires_at=grant.expires_at)
    assert refused(private) == "GRANT_ENDPOINT"


def test_a_sessions_grant_does_not_hold_at_a_private_gateway(grant: OrderGrant) -> None:
    def leave(simulated: Any, desk: Any) -> None:
        desk.target = replace(desk.target, endpoint_id=None)

    assert refused(grant, leave) == "GRANT_ENDPOINT"


def test_a_sound_order_passes(grant: OrderGrant) -> None:
    @story
    async def trades() -> None:
        async with open_desk() as (simulated, desk):
            await (await buy(desk, grant)).done()
            assert orders_on_the_wire(simulated) == 1

    trades()


def test_a_proof_older_than_a_minute(grant: OrderGrant, monkeypatch: pytest.MonkeyPatch) -> None:
    async def is_not_renewed(desk: Desk) -> None:
        return None

    def ages(simulated: object, desk: Desk) -> None:
        desk._proof = replace(desk._proof, at=time.monotonic() - 60.1)  # type: ignore[type-var]

    monkeypatch.setattr(Desk, "_keep_proof_fresh", is_not_renewed)
    assert refused(grant, ages) == "PROOF_STALE"


def test_a_proof_is_renewed_before_it_is_stale(grant: OrderGrant) -> None:
    @story
    async def trades() -> None:
        async with open_desk() as (simulated, desk):
            desk._proof = replace(desk._proof, at=time.monotonic() - 100)  # type: ignore[type-var]
            await (await buy(desk, grant)).done()
            assert any(frame.name == "ReqManagedAccts" for frame in simulated.transcript)

    trades()


def test_no_proof(grant: OrderGrant) -> None:
    def loses(simulated: object, desk: Desk) -> None:
        desk._proof = None

    assert refused(grant, loses) == "PROOF_MISSING"


def test_a_triggered_kill_switch(grant: OrderGrant) -> None:
    kill.trigger("test", "drill")
    unrevoked = OrderGrant.objects.create(
        scope="s1", endpoint=grant.endpoint, expires_at=grant.expires_at, symbols=["SPY"]
    )
    assert refused(unrevoked) == "KILL_SWITCH"


@pytest.mark.parametrize("state", ["RESET_REQUESTED", "NONSENSE"])
def test_any_state_but_armed(grant: OrderGrant, state: str) -> None:
    KillSwitch.objects.update(state=state)
    assert refused(grant) == "KILL_SWITCH"


def test_a_missing_kill_switch(grant: OrderGrant) -> None:
    KillSwitch.objects.all().delete()
    assert refused(grant) == "KILL_SWITCH"


def test_a_kill_switch_that_trips_while_the_door_looks(
    grant: OrderGrant, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def trips(desk: Desk) -> list[object]:
        await KillSwitch.objects.aupdate(state="TRIGGERED")
        return []

    monkeypatch.setattr(Desk, "positions", trips)
    assert refused(grant) == "KILL_SWITCH"


def test_a_database_that_can_not_be_read(
    grant: OrderGrant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails() -> bool:
        raise DatabaseError("gone")

    monkeypatch.setattr(KillSwitch, "permits", fails)
    assert refused(grant) == "DATABASE"


def test_a_database_that_can_not_be_written(
    grant: OrderGrant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(**kwargs: object) -> None:
        raise DatabaseError("full")

    monkeypatch.setattr(OrderRecord.objects, "get_or_create", fails)
    assert refused(grant) == "DATABASE"


def test_earlier_events_that_could_not_be_written(
    grant: OrderGrant, monkeypatch: pytest.MonkeyPatch
) -> None:
    @story
    async def trades() -> None:
        async with open_desk() as (simulated, desk):
            with monkeypatch.context() as patch:
                patch.setattr("brokerage.gateway.journal.keep_fill", _fails)
                await (await buy(desk, grant)).done()
                with pytest.raises(OrderRefused) as caught:
                    await buy(desk, grant, "k2")
                assert caught.value.reason == "DATABASE"
            assert orders_on_the_wire(simulated) == 1

    trades()
    assert OrderRecord.objects.get().state == "FILLED"


def _fails(*args: object) -> None:
    raise DatabaseError("disk full")


def test_no_grant(endpoint: object) -> None:
    assert refused(None) == "NO_GRANT"


def test_a_grant_that_does_not_exist(endpoint: object) -> None:
    assert refused(OrderGrant(pk=99)) == "NO_GRANT"


def test_a_revoked_grant(grant: OrderGrant) -> None:
    grant.revoke()
    assert refused(grant) == "GRANT_REVOKED"


def test_an_expired_grant(grant: OrderGrant) -> None:
    OrderGrant.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert refused(grant) == "GRANT_EXPIRED"


def test_a_used_up_grant(grant: OrderGrant) -> None:
    OrderGrant.objects.update(max_orders=0)
    assert refused(grant) == "GRANT_ORDERS"


def test_more_shares_than_granted(grant: OrderGrant) -> None:
    assert refused(grant, quantity=6) == "GRANT_SHARES"


def test_more_notional_than_granted(grant: OrderGrant) -> None:
    OrderGrant.objects.update(max_notional=100)
    assert refused(grant) == "GRANT_NOTIONAL"


def test_working_orders_count_toward_the_grant(grant: OrderGrant) -> None:
    @story
    async def trades() -> None:
        async with open_desk() as (simulated, desk):
            for number in range(5):
                await buy(desk, grant, f"k{number}", far=True)
            with pytest.raises(OrderRefused) as caught:
                await buy(desk, grant, "k5", far=True)
            assert caught.value.reason == "GRANT_SHARES"
            assert orders_on_the_wire(simulated) == 5

    trades()


def test_risk_above_three_per_cent(grant: OrderGrant) -> None:
    ample = OrderGrant.objects.create(
        scope="s1", endpoint=grant.endpoint, expires_at=grant.expires_at, symbols=["SPY"],
        max_notional=1e6,
    )  # fmt: skip
    assert refused(ample, quantity=5) == "RISK_PER_TRADE"


def test_a_symbol_that_is_not_granted(grant: OrderGrant) -> None:
    bare = OrderGrant.objects.create(
        scope="s1", endpoint=grant.endpoint, expires_at=grant.expires_at
    )
    assert refused(bare) == "GRANT_SYMBOL"


@pytest.mark.parametrize(
    "disguise", [{"con_id": 320227571}, {"multiplier": 100}, {"sec_type": "OPT"}, {"con_id": 9}]
)
def test_a_contract_under_a_false_name(grant: OrderGrant, disguise: dict[str, Any]) -> None:
    assert refused(grant, contract=replace(SHARE, **disguise)) == "CONTRACT"


def bounded(**bounds: float) -> Any:
    """Hold the desk to these bounds."""

    def bound(simulated: Any, desk: Desk) -> None:
        desk.target = replace(desk.target, bounds=Bounds(**bounds))  # type: ignore[arg-type]

    return bound


def test_risk_above_what_the_target_bounds(grant: OrderGrant) -> None:
    assert refused(grant, bounded(risk_per_trade=0.0001)) == "RISK_PER_TRADE"


def test_a_quote_that_is_older_than_the_target_bounds(grant: OrderGrant) -> None:
    def later(simulated: Any, desk: Desk) -> None:
        now = desk.now
        desk.now = lambda: now() + timedelta(seconds=4)  # type: ignore[method-assign]
        bounded(quote_lives=3)(simulated, desk)

    assert refused(grant, later) == "STALE_QUOTE"


def test_an_account_worth_nothing(grant: OrderGrant) -> None:
    def ruins(simulated: Any, desk: Desk) -> None:
        set_levers(simulated, net_liquidation=0.0)

    assert refused(grant, ruins) == "LIMITS"


def test_a_closed_market(grant: OrderGrant) -> None:
    def closes(simulated: object, desk: Desk) -> None:
        desk.target = replace(desk.target, always_open=False)
        desk.now = lambda: datetime(2026, 2, 15, 15, tzinfo=UTC)  # type: ignore[method-assign]

    assert refused(grant, closes) == "HOURS"


def test_a_day_that_the_calendar_does_not_know(grant: OrderGrant) -> None:
    def jumps(simulated: object, desk: Desk) -> None:
        desk.target = replace(desk.target, always_open=False)
        desk.now = lambda: datetime(2090, 1, 3, 15, tzinfo=UTC)  # type: ignore[method-assign]

    assert refused(grant, jumps) == "HOURS"


@pytest.mark.parametrize("quantity", [0, -1, float("nan"), float("inf")])
def test_a_quantity_that_is_none(grant: OrderGrant, quantity: float) -> None:
    assert refused(grant, quantity=quantity) == "INVALID"


@pytest.mark.parametrize("price", [0, -1, float("nan")])
def test_a_limit_that_is_no_price(grant: OrderGrant, price: float) -> None:
    assert refused(grant, limit_price=price) == "INVALID"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("no_bid", "INCOMPLETE_QUOTE"),
        ("crossed_quotes", "INCOMPLETE_QUOTE"),
        ("frozen_quotes", "STALE_QUOTE"),
        ("snapshots_always_fail", "STALE_QUOTE"),
    ],
)
def test_a_quote_that_nothing_may_rest_on(grant: OrderGrant, fault: str, reason: str) -> None:
    @story
    async def trades() -> None:
        async with open_desk() as (simulated, desk):
            intent = await buying(desk, await desk.qualify(SPY))
            desk.last_quotes.clear()
            set_levers(simulated, **{fault: True})
            with pytest.raises(OrderRefused) as caught:
                await desk.place(intent, door(desk, grant))
            assert caught.value.reason == reason
            assert orders_on_the_wire(simulated) == 0

    trades()


def quote(age: float, **more: float) -> Quote:
    prices = {"bid": 1.0, "ask": 1.1} | more
    return Quote(SHARE, exchange_time=NOW - timedelta(seconds=age), **prices)


@pytest.mark.parametrize(("age", "stale"), [(0, False), (4.99, False), (5.0, True), (45, True)])
def test_exactly_five_seconds_is_stale(age: float, stale: bool) -> None:
    problem = quote_problem(quote(age), NOW)
    assert (problem is not None and problem.reason == "STALE_QUOTE") is stale


@pytest.mark.parametrize(("ahead", "flagged"), [(1.0, False), (1.01, True), (60, True)])
def test_a_quote_ahead_of_the_clock_says_that_a_clock_is_wrong(ahead: float, flagged: bool) -> None:
    problem = quote_problem(quote(-ahead), NOW)
    assert (problem is not None and problem.reason == "FUTURE_QUOTE") is flagged
    assert problem is None or "NTP" in problem.text


@pytest.mark.parametrize("data_type", [2, 3, 4, 7])
def test_no_decision_rests_on_data_that_are_not_live(data_type: int) -> None:
    problem = quote_problem(quote(0, data_type=data_type), NOW)
    assert problem
    assert problem.reason == "NOT_LIVE"


def test_a_delayed_quote_keeps_the_order_in(grant: OrderGrant) -> None:
    delay = lambda simulated, _: set_levers(simulated, delayed_data=True)  # noqa: E731
    assert refused(grant, delay) == "NOT_LIVE"


def test_no_quote_at_all_is_stale() -> None:
    problem = quote_problem(None, NOW)
    assert problem
    assert problem.reason == "STALE_QUOTE"


@pytest.mark.parametrize("price", [-1, 0, float("nan"), float("inf")])
@pytest.mark.parametrize("side", ["bid", "ask"])
def test_a_missing_side_is_incomplete(side: str, price: float) -> None:
    problem = quote_problem(quote(0, **{side: price}), NOW)
    assert problem
    assert problem.reason == "INCOMPLETE_QUOTE"


def test_without_an_exchange_time_the_receipt_counts() -> None:
    received = replace(quote(0), exchange_time=None, received_at=NOW - timedelta(seconds=2))
    assert (received.age(NOW), received.time_source) == (2, "receipt")
    nothing = replace(received, received_at=None)
    assert (nothing.age(NOW), nothing.time_source) == (float("inf"), "none")


def test_nobody_else_makes_permits() -> None:
    with pytest.raises(TypeError):
        Permit(Intent("k", SHARE, "BUY", 1), object())


def test_a_permit_lets_one_order_out(grant: OrderGrant) -> None:
    @story
    async def trades() -> None:
        async with open_desk() as (_, desk):
            intent = await buying(desk, await desk.qualify(SPY))
            permit = await door(desk, grant).check(intent, desk)
            assert permit.spend() == intent
            with pytest.raises(OrderRefused) as caught:
                permit.spend()
            assert caught.value.reason == "PERMIT_SPENT"

    trades()
