"""The rules that tick: right when they know, silent when they don't."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from brokerage.models import AccountProof, Execution, OrderEvent, OrderRecord
from validation import pacing
from validation.facts import Facts
from validation.models import ConfigRevision, LogLine, Metric, Session
from validation.rules import apply, gateway

pytestmark = pytest.mark.django_db


def found(session: Session, name: str) -> bool | None:
    return apply(name, Facts(Session.objects.get(pk=session.pk))).ok


def measure(session: Session, name: str, value: float) -> None:
    attempt = session.attempts.get(scenario="BC-01")
    Metric.objects.create(attempt=attempt, name=name, value=value)


def sample(session: Session, kind: str, ms: float, censored: bool = False) -> None:
    attempt = session.attempts.get(scenario="BC-01")
    attempt.samples.create(kind=kind, ms=ms, censored=censored)


def order(session: Session, number: int = 1, **fields: Any) -> OrderRecord:
    row = {
        "scope": session.number, "endpoint": session.endpoint, "key": f"key-{number}",
        "ref": f"{session.number}/OE-01", "route": "SIMULATED", "con_id": 1, "symbol": "SPY",
        "sec_type": "OPT", "side": "BUY", "quantity": 1, "order_type": "LMT",
        "limit_price": 1.5, "multiplier": 100, "state": "FILLED",
        "created_at": session.started_at + timedelta(milliseconds=1),
    }  # fmt: skip
    return OrderRecord.objects.create(**(row | fields))


def market(session: Session, paid: float, **fields: Any) -> OrderRecord:
    row = {"order_type": "MKT", "limit_price": None, "avg_price": paid} | fields
    return order(session, **row)


def fill(session: Session, side: str, number: int | str, **fields: Any) -> None:
    row = {"con_id": 1, "symbol": "SPY", "quantity": 1, "price": 1.0, "at": timezone.now()} | fields
    Execution.objects.create(exec_id=f"e{number}", scope=session.number, side=side, **row)


def line(session: Session, message: str, level: str = "WARNING", **fields: Any) -> None:
    row = {"level": level, "source": "broker"} | fields
    LogLine.objects.create(session=session, message=message, **row)


def lost(session: Session, *, planned: bool = False) -> None:
    line(session, "Disconnected: gone", "ERROR", source="gateway", planned=planned)


def watched(session: Session, **figures: float) -> None:
    told(session, "watch", figures)


def ran(session: Session, **what: Any) -> None:
    told(session, "surroundings", what)


def told(session: Session, name: str, what: dict[str, Any]) -> None:
    facts = session.facts | {name: session.facts[name] | what}
    Session.objects.update(facts=facts)


def proof(session: Session, account: str, ok: bool) -> None:
    AccountProof.objects.create(
        endpoint=session.endpoint, target="x", accounts=[account], ok=ok, at=session.started_at
    )


Setup = Callable[[Session], Any]
CASES: list[tuple[str, Setup, bool | None]] = [
    ("passed:BC-01", lambda s: None, True),
    ("passed:XX-01", lambda s: None, None),
    ("orders_accepted", lambda s: None, None),
    ("orders_accepted", order, True),
    ("orders_accepted", lambda s: order(s, state="REJECTED"), None),
    ("paper_proofs", lambda s: None, None),
    ("paper_proofs", lambda s: proof(s, "DU1", True), True),
    ("no_live_account", lambda s: None, None),
    ("no_live_account", lambda s: proof(s, "U1", False), False),
    ("latency", lambda s: None, None),
    ("latency", lambda s: measure(s, "server_time_rtt_ms", 12), True),
    ("latency", lambda s: measure(s, "server_time_rtt_ms", 100), False),
    ("fill_time", lambda s: None, None),
    ("fill_time", lambda s: sample(s, "FILL", 29_999), True),
    ("fill_time", lambda s: sample(s, "FILL", 30_000), False),
    ("fill_time", lambda s: (sample(s, "FILL", 10), sample(s, "FILL", 30_000)), False),
    ("fill_time", lambda s: sample(s, "FILL", 10, censored=True), False),
    ("latency", lambda s: (measure(s, "server_time_rtt_ms", 12), sample(s, "CONNECTION", 300)),
     False),
    ("quote_age", lambda s: measure(s, "SPY_quote_age_s", 4.9), True),
    ("quote_age", lambda s: measure(s, "quote_age_s", 5), False),
    ("config_valid", lambda s: None, True),
    ("config_valid", lambda s: ConfigRevision.objects.update(content={"x": 1}), False),
    ("paper_port", lambda s: None, True),
    ("paper_port", lambda s: Session.objects.update(simulated=False), True),
    ("expiry_current", lambda s: None, True),
    ("expiry_current", lambda s: Session.objects.update(
        started_at=s.started_at - timedelta(days=60)), False),
    ("timeouts", lambda s: None, True),
    ("regular_hours", lambda s: None, True),
    ("regular_hours", lambda s: type(s.endpoint).objects.update(always_open=False), True),
    ("regular_hours", lambda s: ran(s, always_open=False), False),
    ("paper_port", lambda s: (
        Session.objects.update(simulated=False), type(s.endpoint).objects.update(port=5000)), True),
    ("paper_port", lambda s: (Session.objects.update(simulated=False), ran(s, port=7496)), False),
    ("paper_port", lambda s: Session.objects.update(simulated=False, facts={}), None),
    ("environment", lambda s: None, True),
    ("environment", lambda s: ran(s, python=[3, 10]), False),
    ("environment", lambda s: Session.objects.update(facts={}), None),
    ("tests_green", lambda s: None, None),
    ("pass_rate", lambda s: None, True),
    ("pass_rate", lambda s: Session.objects.update(planned=4), False),
    ("warnings", lambda s: None, True),
    ("suite_time", lambda s: None, True),
    ("no_skips", lambda s: None, True),
    ("positions_traded", lambda s: None, None),
    ("positions_traded", lambda s: (fill(s, "BUY", 1), fill(s, "SELL", 2)), True),
    ("positions_traded", lambda s: fill(s, "BUY", 1), False),
    ("positions_traded", lambda s: (fill(s, "BUY", 1), fill(s, "SELL", 2, con_id=2)), False),
    ("positions_traded", lambda s: (
        fill(s, "BUY", 1), fill(s, "SELL", "c.01", quantity=2), fill(s, "SELL", "c.02")), True),
    ("flat", lambda s: None, True),
    ("flat", lambda s: Session.objects.update(cleanup="FAILED"), False),
    ("flat", lambda s: Session.objects.update(cleanup="PENDING"), None),
    ("orders_logged", lambda s: None, None),
    ("orders_logged", order, False),
    ("orders_logged", lambda s: OrderEvent.objects.create(order=order(s), kind="FILLED"), True),
    ("orders_ended", lambda s: None, None),
    ("orders_ended", order, True),
    ("orders_ended", lambda s: order(s, state="SUBMITTED"), False),
    ("orders_in_time", lambda s: None, None),
    ("orders_in_time", order, True),
    ("orders_in_time", lambda s: order(s, created_at=s.ended_at + timedelta(hours=1)), False),
    ("orders_expected", lambda s: None, None),
    ("orders_expected", order, True),
    ("orders_expected", lambda s: order(s, state="REJECTED"), False),
    ("orders_expected", lambda s: order(s, state="CANCELLED", late_fill=True), False),
    ("log_errors", lambda s: None, True),
    ("log_errors", lambda s: line(s, "broken", "ERROR"), None),
    ("log_errors", lambda s: line(s, "broken", "ERROR", planned=True), True),
    ("log_warnings", lambda s: line(s, "odd"), None),
    ("no_disconnects", lambda s: None, True),
    ("no_disconnects", lost, False),
    ("no_disconnects", lambda s: lost(s, planned=True), True),
    ("no_disconnects", lambda s: Session.objects.update(facts={}), None),
    ("no_disconnects", lambda s: (lost(s), Session.objects.update(facts={})), False),
    ("gateway_up", lambda s: None, True),
    ("gateway_up", lambda s: watched(s, uptime=0.9999), False),
    ("gateway_up", lambda s: Session.objects.update(facts={}), None),
    ("no_pacing", lambda s: None, True),
    ("no_pacing", lambda s: line(s, "Max rate of messages", code=100), False),
    ("no_pacing", lambda s: line(s, "pacing violation", planned=True), True),
    ("log_stored", lambda s: line(s, "x"), True),
    ("sizing", lambda s: None, None),
    ("sizing", lambda s: (measure(s, "net_liquidation", 100_000), order(s)), True),
    ("sizing", lambda s: (measure(s, "net_liquidation", 4_000), order(s)), False),
    ("sizing", lambda s: (measure(s, "net_liquidation", 100_000), market(s, 1.5)), True),
    ("sizing", lambda s: (measure(s, "net_liquidation", 4_000), market(s, 1.5)), False),
    ("sizing", lambda s: (measure(s, "net_liquidation", 100_000), market(s, 0)), None),
    ("sizing", lambda s: (
        measure(s, "net_liquidation", 100_000), order(s, 2), market(s, 0, state="REJECTED")), True),
    ("sizing", lambda s: (
        measure(s, "net_liquidation", 100_000), order(s, 2),
        market(s, 0, state="CANCELLED")), True),
    ("balance", lambda s: None, True),
    ("balance", lambda s: Session.objects.update(facts={}), None),
    ("balance", lambda s: Session.objects.update(
        facts={"opening_balance": 100_000, "closing_balance": 98_999}), False),
    ("report_complete", lambda s: None, None),
    ("report_complete", lambda s: Session.objects.update(summary="a", recommendation="b"), True),
    ("issues_listed", lambda s: Session.objects.update(known_issues="none"), True),
    ("figures_recorded", lambda s: None, None),
    ("figures_recorded", lambda s: measure(s, "x", 1), True),
    ("connections_released", lambda s: None, True),
    ("connections_released", lambda s: Session.objects.update(facts={}), None),
    ("connections_released", lambda s: Session.objects.update(
        facts={"connections_opened": 2, "connections_released": 1}), False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "arrange", "ok"), CASES, ids=[f"{i}-{case[0]}" for i, case in enumerate(CASES)]
)
def test_a_rule_says_what_it_knows(
    reviewed: Session, monkeypatch: pytest.MonkeyPatch, rule: str, arrange: Setup, ok: bool | None
) -> None:
    monkeypatch.setattr(gateway, "is_regular_hours", lambda at: False)
    arrange(reviewed)
    assert found(reviewed, rule) is ok


def test_pacing_is_expected_in_the_rate_limit_scenario(
    reviewed: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "RATE_SCENARIO", "RS-01")
    attempt = reviewed.attempts.get(scenario="RS-01")
    line(reviewed, "pacing violation", attempt=attempt)
    assert found(reviewed, "no_pacing") is True


def test_before_the_run_the_rules_about_time_know_nothing(sound: Session) -> None:
    type(sound.endpoint).objects.update(always_open=False)
    assert found(sound, "regular_hours") is None
    assert found(sound, "paper_proofs") is None
    assert found(sound, "passed:BC-01") is None
