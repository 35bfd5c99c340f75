"""Sizes and shares: what an order may be, given what is held and what still works."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from brokerage import limits
from brokerage.bounds import Bounds
from brokerage.gateway import Contract, Intent, Position
from brokerage.limits import (
    Held,
    Holding,
    closes,
    doubled_problem,
    ended_so_far,
    grant_problem,
    holdings_of,
    trade_problem,
)
from brokerage.models import OrderGrant, OrderRecord

SHARE = Contract(1, "SPY")
CALL = Contract(2, "SPY", "OPT", multiplier=100)
NOW = datetime(2026, 2, 17, 15, tzinfo=UTC)
EARLIER, LATER = NOW - timedelta(seconds=1), NOW + timedelta(seconds=1)


def buying(contract: Contract = SHARE, quantity: float = 1) -> Intent:
    return Intent("k", contract, "BUY", quantity, limit_price=10)


def selling(contract: Contract = SHARE, quantity: float = 1) -> Intent:
    return Intent("k", contract, "SELL", quantity, limit_price=10)


def held(net: float = 0, buying: float = 0, selling: float = 0, *, call: bool = False) -> Holding:
    return Holding("OPT" if call else "STK", 100 if call else 1, 10, net, buying, selling)


def reason(problem: Exception | None) -> str:
    return getattr(problem, "reason", "")


@pytest.mark.parametrize(
    ("intent", "holding", "answer"),
    [
        (selling(), held(1), True),
        (selling(), held(1, selling=1), False),
        (selling(quantity=2), held(1), False),
        (selling(), held(0), False),
        (buying(), held(-1), True),
        (buying(), held(-1, buying=1), False),
        (buying(), held(1), False),
    ],
)
def test_closing_only_brings_the_position_nearer_to_zero(
    intent: Intent, holding: Holding, answer: bool
) -> None:
    assert closes(intent, holding) is answer


@pytest.mark.parametrize(
    ("holding", "worst"),
    [(held(1, 1), 2), (held(1, selling=1), 1), (held(1, 1, 3), 2), (held(0, selling=2), 2)],
)
def test_the_worst_case_counts_each_side_by_itself(holding: Holding, worst: float) -> None:
    assert holding.worst == worst


@pytest.mark.parametrize(
    ("price", "positions", "expected"),
    [
        (30, [], ""),
        (30.01, [], "RISK_PER_TRADE"),
        (10, [Position(1, "SPY", "STK", "", 10, 19)], ""),
        (10, [Position(1, "SPY", "STK", "", 10, 19.1)], "RISK_POSITION"),
        (10, [Position(9, "QQQ", "STK", "", 10, 94)], ""),
        (10, [Position(9, "QQQ", "STK", "", -10, 94.1)], "RISK_EXPOSURE"),
    ],
)
def test_shares_of_the_accounts_value(
    price: float, positions: list[Position], expected: str
) -> None:
    assert reason(trade_problem(buying(), price, 1000, positions)) == expected


def test_a_single_trade_has_its_own_share() -> None:
    tighter = Bounds(single_trade=0.02)
    assert reason(trade_problem(buying(), 21, 1000, [], tighter)) == "RISK_SINGLE_TRADE"


@pytest.mark.parametrize(
    ("bound", "expected"),
    [
        ("risk_per_trade", "RISK_PER_TRADE"),
        ("single_trade", "RISK_SINGLE_TRADE"),
        ("position", "RISK_POSITION"),
        ("exposure", "RISK_EXPOSURE"),
    ],
)
def test_a_configuration_that_is_tighter_is_heard(bound: str, expected: str) -> None:
    tighter = Bounds(**{bound: 0.01})
    assert reason(trade_problem(buying(), 10, 1000, [], tighter)) == ""
    assert reason(trade_problem(buying(), 10.01, 1000, [], tighter)) == expected


@pytest.mark.parametrize("looser", [1.0, float("inf"), float("nan")])
def test_a_configuration_that_is_looser_is_not(looser: float) -> None:
    shares = ("risk_per_trade", "single_trade", "position", "exposure", "quote_lives")
    house, bounds = Bounds(), Bounds(**dict.fromkeys(shares[:4], looser), quote_lives=60)
    assert bounds == house
    assert Bounds(messages_in_a_second=51, quote_lives=looser * 6) == house


@pytest.mark.parametrize("equity", [0, -5, float("nan")])
def test_an_unknown_value_allows_nothing(equity: float) -> None:
    assert reason(trade_problem(buying(), 1, equity, [])) == "LIMITS"


def granted(**more: float) -> OrderGrant:
    expires = timezone.now() + timedelta(hours=1)
    grant = OrderGrant(scope="s", expires_at=expires, symbols=["SPY"], **more)
    grant.orders_used = lambda: 0  # type: ignore[method-assign]
    return grant


@pytest.mark.parametrize(
    ("intent", "price", "holdings", "expected"),
    [
        (buying(CALL), 5.0, {}, ""),
        (buying(CALL), 5.01, {}, "PREMIUM"),
        (buying(CALL), 4.0, {2: held(2, call=True)}, "GRANT_CONTRACTS"),
        (buying(CALL), 4.0, {2: held(0, 2, call=True)}, "GRANT_CONTRACTS"),
        (buying(), 10.0, {1: held(5)}, "GRANT_SHARES"),
        (buying(), 5001.0, {}, "GRANT_NOTIONAL"),
        (buying(), 10.0, {2: held(1, call=True), 1: held(4)}, ""),
        (selling(CALL), 99.0, {2: held(1, call=True)}, ""),
        (selling(CALL, 3), 1.0, {2: held(0, call=True)}, "GRANT_CONTRACTS"),
        (buying(Contract(3, "QQQ")), 10.0, {}, "GRANT_SYMBOL"),
        (buying(Contract(4, "QQQ", "OPT", multiplier=100)), 1.0, {}, "GRANT_SYMBOL"),
        (selling(Contract(3, "QQQ"), 2), 10.0, {3: held(1)}, "GRANT_SYMBOL"),
        (selling(Contract(3, "QQQ")), 10.0, {3: held(1)}, ""),
    ],
)
def test_what_a_grant_covers(
    intent: Intent, price: float, holdings: dict[int, Holding], expected: str
) -> None:
    assert reason(grant_problem(granted(), intent, price, holdings)) == expected


@pytest.mark.django_db
def test_holdings_add_up_what_is_filled_and_what_works() -> None:
    for key, side, state, quantity, filled in (
        ("a", "BUY", "FILLED", 2, 2),
        ("b", "BUY", "PARTIAL", 3, 1),
        ("c", "SELL", "SUBMITTED", 1, 0),
        ("d", "SELL", "CANCELLED", 5, 1),
        ("e", "BUY", "REFUSED", 9, 0),
        ("f", "BUY", "UNKNOWN", 1, 0),
    ):
        OrderRecord.objects.create(
            key=key, scope="s", ref="s/x", route="SIMULATED", con_id=1, symbol="SPY", side=side,
            sec_type="STK", quantity=quantity, filled=filled, state=state, limit_price=7,
        )  # fmt: skip
    assert holdings_of("s") == {1: Holding("STK", 1, 7, net=2, buying=3, selling=1)}
    assert holdings_of("other") == {}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({"state": "SUBMITTED"}, "REDUCE_ONLY"),
        ({"state": "FILLED", "filled": 1, "ended_at": EARLIER}, "REDUCE_ONLY"),
        ({"state": "CANCELLED", "ended_at": LATER}, ""),
        ({"state": "INTENT"}, ""),
        ({"state": "UNKNOWN"}, ""),
        ({"state": "SUBMITTED", "purpose": "TEST"}, ""),
        ({"state": "SUBMITTED", "side": "BUY"}, ""),
        ({"state": "SUBMITTED", "ref": "s2/cleanup"}, ""),
    ],
)
def test_a_clean_up_order_does_not_do_again_what_another_does(
    other: dict[str, object], expected: str
) -> None:
    usual = {"ref": "s1/cleanup", "side": "SELL", "purpose": "CLEANUP", "key": "c1", "scope": "s1"}
    OrderRecord.objects.create(
        **usual | other, route="SIMULATED", con_id=1, symbol="SPY", sec_type="STK", quantity=1
    )
    intent = Intent("c2", SHARE, "SELL", 1, ref="s1/cleanup", purpose="CLEANUP", reduce_only=True)
    assert reason(doubled_problem(intent, Held(1), None)) == expected


@pytest.mark.django_db
@pytest.mark.parametrize("recent", [0, 1000])
def test_what_had_ended_before_the_position_was_read_is_in_it_whatever_its_worker_s_clock_said(
    monkeypatch: pytest.MonkeyPatch, recent: int
) -> None:
    monkeypatch.setattr(limits, "RECENT", recent)
    OrderRecord.objects.create(
        key="c1", scope="s1", ref="s1/cleanup", purpose="CLEANUP", side="SELL", route="SIMULATED",
        con_id=1, symbol="SPY", sec_type="STK", quantity=1, filled=1, state="FILLED",
        ended_at=LATER,
    )  # fmt: skip
    intent = Intent("c2", SHARE, "SELL", 1, ref="s1/cleanup", purpose="CLEANUP", reduce_only=True)
    held = replace(ended_so_far(intent, None), quantity=1)
    assert doubled_problem(intent, held, None) is None
