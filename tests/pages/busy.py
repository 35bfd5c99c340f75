"""A session with as many orders and log lines as the pages must bear, written in one go."""

from datetime import datetime, timedelta

from brokerage.models import OrderEvent, OrderRecord
from validation.models import Attempt, AttemptState, Check, FaultWindow, LogLine, Session

LEVELS = ("INFO", "INFO", "INFO", "INFO", "INFO", "INFO", "INFO", "INFO", "WARNING", "ERROR")


def busy(session: Session, *, orders: int, lines: int, seconds: float) -> Session:
    """Spread orders, log lines and a check for each scenario evenly over so many seconds."""
    start = session.created_at
    Session.objects.filter(pk=session.pk).update(
        state="REPORTING", started_at=start, ended_at=start + timedelta(seconds=seconds), speed=1.0
    )
    session.refresh_from_db()
    attempts = list(session.attempts.all())
    for place, attempt in enumerate(attempts):
        _fill(attempt, start, seconds * place / len(attempts), seconds / len(attempts))
    _lines(session, attempts, start, lines, seconds)
    _orders(session, start, orders, seconds)
    middle = start + timedelta(seconds=seconds / 2)
    FaultWindow.objects.create(
        session=session, starts_at=middle, ends_at=middle + timedelta(seconds=seconds / 20),
        why="the gateway is cut off",
    )  # fmt: skip
    return session


def _fill(attempt: Attempt, start: datetime, first: float, length: float) -> None:
    attempt.started_at = start + timedelta(seconds=first)
    attempt.ended_at = attempt.started_at + timedelta(seconds=length * 0.9)
    attempt.duration_ms, attempt.state = int(length * 900), AttemptState.PASSED
    attempt.save()
    at = attempt.started_at + timedelta(seconds=length / 2)
    Check.objects.create(
        attempt=attempt, position=1, name=f"check of {attempt.scenario}", expected="yes",
        actual="yes", passed=True, at=at,
    )  # fmt: skip
    attempt.metrics.create(name="quote_age_s", value=0.1 + (attempt.pk % 7) / 5, unit="s", at=at)
    attempt.metrics.create(name="server_time_rtt_ms", value=5 + attempt.pk % 9, unit="ms", at=at)
    for text, late in (("Connected at attempt 1", 0.0), ("Disconnected: closed", 0.92)):
        planned = text.startswith("Disc")
        moment = attempt.started_at + timedelta(seconds=length * late)
        attempt.log_lines.create(
            session=attempt.session, source="gateway", message=text, at=moment, planned=planned
        )


def _lines(
    session: Session, attempts: list[Attempt], start: datetime, count: int, seconds: float
) -> None:
    LogLine.objects.bulk_create(
        LogLine(
            session=session, attempt=attempts[n * len(attempts) // count],
            at=start + timedelta(seconds=seconds * n / count), level=LEVELS[n % len(LEVELS)],
            source="broker", message=f"line {n:05d} of many",
        )
        for n in range(count)
    )  # fmt: skip


def _orders(session: Session, start: datetime, count: int, seconds: float) -> None:
    made = OrderRecord.objects.bulk_create(
        _order(session, start + timedelta(seconds=seconds * n / count), n) for n in range(count)
    )
    OrderEvent.objects.bulk_create(
        OrderEvent(order=order, kind=order.state, detail={"limit_s": 5.0}) for order in made
    )


def _order(session: Session, at: datetime, n: int) -> OrderRecord:
    silent = n % 40 == 39
    filled_ms = None if silent else 40.0 + (n * 7919) % 900
    return OrderRecord(
        scope=session.number, endpoint=session.endpoint, key=f"busy-{session.pk}-{n}",
        ref=f"{session.number}/OE-01", route="SIMULATED", con_id=1, symbol="SPY", sec_type="STK",
        side="BUY" if n % 2 else "SELL", quantity=1, limit_price=100 + n / 100, order_id=n + 1,
        order_type="LMT", state="NO_RESPONSE" if silent else "FILLED", created_at=at, held_ms=3.0,
        acked_ms=None if silent else 8.0 + (n * 131) % 60, filled=0 if silent else 1,
        filled_ms=filled_ms, avg_price=0 if silent else 100 + n / 100,
        ended_at=at + timedelta(milliseconds=filled_ms or 5000),
    )  # fmt: skip
