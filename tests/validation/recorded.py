"""A session that is the same in every database, for tests about what is made of it."""

from datetime import UTC, datetime, timedelta

from django.contrib.auth.models import User

from brokerage.models import Commission, Endpoint, Execution, OrderEvent, OrderRecord
from validation import checklist
from validation.configuration import Config, digest
from validation.models import ConfigRevision, KnownLimitation, Session, SessionState

AT = datetime(2026, 3, 2, 15, 30, 0, 123456, tzinfo=UTC)
# No two databases sort these alike unless they are told how.
SCENARIOS = (
    ("RS-01", "Resilience"), ("BC-01", "Broker Connectivity"), ("my-2", "Élan"),
    ("MY-1", "élan"), ("OE-01", "Order Execution"),
)  # fmt: skip

# The gateway was away once, for 3.025 of 60.5 real seconds.
WATCHED = {
    "total_s": 1512.5, "watched_s": 1436.9, "regular_s": 1436.9, "outage_s": 75.6,
    "planned_outage_s": 0.0, "uptime": 0.95, "answers": 280, "misses": 0, "rtt_p95_ms": 1.0,
    "reconciliations": 20, "failures": 1,
}  # fmt: skip


def at(seconds: float) -> datetime:
    """The time so many seconds after the session's start."""
    return AT + timedelta(seconds=seconds)


def record_session(number: str = "VS-RECORDED", lines: int = 20) -> Session:
    """Write a session with everything that its files tell of, and return it."""
    user, _ = User.objects.get_or_create(username="author", defaults={"first_name": "Öp"})
    endpoint, _ = Endpoint.objects.get_or_create(
        name="simulated", defaults={"kind": "SIMULATED", "is_default": True, "speed": 25}
    )
    session = Session.objects.create(
        number=number, endpoint=endpoint, endpoint_name="simulated", config=_config(),
        code_version="a" * 40, simulated=True, speed=25.0, seed=7, planned=len(SCENARIOS),
        created_by=user, created_at=at(-5), started_at=AT, ended_at=at(60.5),
        state=SessionState.MANUAL_CHECKS, summary="It | went\nwell.", known_issues="none",
        recommendation="Go on.", facts={"z": 1.0, "a": {"y": 2, "b": 1e20}, "watch": WATCHED},
    )  # fmt: skip
    _attempts(session)
    checklist.create(session)
    _log(session, lines)
    _orders(session)
    for code, text in (("b-1", "Lower."), ("B-2", "Upper."), ("Ä-3", "Umlaut.")):
        KnownLimitation.objects.get_or_create(code=code, defaults={"text": text})
    return session


def _config() -> ConfigRevision:
    content = Config().with_expiry("20260306").content()
    found, _ = ConfigRevision.objects.get_or_create(
        number=1, defaults={"state": "ACTIVE", "content": content, "digest": digest(content)}
    )
    return found


def _attempts(session: Session) -> None:
    for position, (scenario, category) in enumerate(SCENARIOS, start=1):
        attempt = session.attempts.create(
            scenario=scenario, slug=f"toy-{scenario.lower()}", title=f"Toy {scenario}",
            category=category, position=position, version="v1", severity="S-MED", timeout_s=30,
            state="RUNNING", started_at=at(position), ended_at=at(position + 1), duration_ms=1000,
        )  # fmt: skip
        good = scenario != "MY-1"
        attempt.checks.create(
            position=1, name="two is two", expected="2", actual="2" if good else "3",
            passed=good, at=at(position),
        )  # fmt: skip
        for value in (12.5, 0.1 + 0.2, 1e16):
            attempt.metrics.create(name="server_time_rtt_ms", value=value, unit="ms", at=at(9))
        attempt.state = "PASSED" if good else "FAILED"
        attempt.reason = "" if good else "Failed: two is two."
        attempt.save()
    session.fault_windows.create(starts_at=at(20), ends_at=at(22.5), why="A cut.")


def _log(session: Session, lines: int) -> None:
    attempt = session.attempts.get(scenario="RS-01")
    session.log_lines.bulk_create(
        session.log_lines.model(
            session=session, attempt=attempt if number % 2 else None, at=at(number / 100),
            source="scenario" if number % 3 else "broker",
            code=None if number % 3 else 2104,
            message=f"=line {number}, with “quotes”", request_id=number or None,
            planned=number % 5 == 0,
        )
        for number in range(lines)
    )  # fmt: skip
    session.log_lines.create(source="gateway", message="Disconnected: x", at=at(30), level="ERROR")
    session.log_lines.create(source="gateway", message="Connected at attempt 1", at=at(33.025))


def _orders(session: Session) -> None:
    order = OrderRecord.objects.create(
        scope=session.number, endpoint=session.endpoint, key=f"{session.number}/1",
        ref=f"{session.number}/OE-01", route="DOOR", account="DU1", con_id=1, symbol="SPY",
        sec_type="STK", side="BUY", quantity=1.0, order_type="LMT", limit_price=500.0,
        state="FILLED", filled=1.0, avg_price=499.99, created_at=at(5), ended_at=at(6),
        acked_ms=1.5, filled_ms=2.5,
    )  # fmt: skip
    detail = {"zeta": 1.0, "alpha": {"price": 499.990, "b": [1, 2.50]}, "Ä": "ü"}
    OrderEvent.objects.create(order=order, at=at(5.5), kind="ACKED", detail=detail)
    fill = Execution.objects.create(
        exec_id=f"{session.number}.01", order=order, scope=session.number, ref=order.ref, con_id=1,
        symbol="SPY", side="BUY", quantity=1.0, price=499.99, at=at(6),
    )  # fmt: skip
    Commission.objects.create(execution=fill, amount=1.0, currency="USD", at=at(6.5))
