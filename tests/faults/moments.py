"""The moments of a session at which a fault strikes, each seen in the database from outside."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tests.faults.stage import Stage
from validation.models import SessionState

PAUSE_S = 0.004
COMES_WITHIN_S = 45.0
MOMENTS: dict[str, str] = {
    "clicked": "SELECT true",
    "claimed": "SELECT token > 0 FROM validation_session WHERE number = %(number)s",
    "in a scenario": (
        "SELECT true FROM validation_attempt a JOIN validation_session s ON s.id = a.session_id "
        "WHERE s.number = %(number)s AND a.started_at IS NOT NULL"
    ),
    "order written down": (
        "SELECT true FROM brokerage_orderrecord WHERE scope = %(number)s AND order_id IS NOT NULL"
    ),
    "order working": (
        "SELECT true FROM brokerage_orderrecord WHERE scope = %(number)s AND acked_ms IS NOT NULL"
    ),
    "order filled": "SELECT true FROM brokerage_execution WHERE scope = %(number)s",
    "after a result": (
        "SELECT true FROM validation_attempt a JOIN validation_session s ON s.id = a.session_id "
        "WHERE s.number = %(number)s AND a.ended_at IS NOT NULL"
    ),
    "all results in": (
        "SELECT count(*) > 0 AND bool_and(a.ended_at IS NOT NULL) FROM validation_attempt a "
        "JOIN validation_session s ON s.id = a.session_id WHERE s.number = %(number)s"
    ),
}
OVER = (
    "SELECT true FROM validation_session WHERE number = %(number)s AND token > 0 "
    f"AND lease_until IS NULL AND (ended_at IS NOT NULL OR state = '{SessionState.DRAFT}')"
)
BLOCKED = (
    "SELECT true FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
    "AND query LIKE '%%ledger_head%%' AND pid <> pg_backend_pid()"
)


def wait_for(stage: Stage, moment: str, number: str, chance: random.Random) -> bool:
    """Wait for a moment and a random blink after it; False when the session ended before it."""
    with stage.connect() as connection:
        connection.autocommit = True
        deadline = time.monotonic() + COMES_WITHIN_S
        while not _is(connection, MOMENTS[moment], number):
            if _is(connection, OVER, number) or time.monotonic() > deadline:
                return False
            time.sleep(PAUSE_S)
    # A blink: most are short, so that also what happens within milliseconds is met.
    time.sleep(chance.choice((0.0, 0.0, 0.002, 0.01, 0.05, 0.2)))
    return True


def _is(connection: psycopg.Connection[object], sql: str, number: str) -> bool:
    row = connection.execute(sql, {"number": number}).fetchone()  # type: ignore[call-overload]
    return bool(row and row[0])


@contextmanager
def held_before_commit(stage: Stage, seconds: float = 10.0) -> Iterator[bool]:
    """Hold the ledger's head until a writer waits for it: its transaction is open inside the block.

    Yields whether one came in time. Whoever is killed meanwhile has not committed.
    """
    with stage.connect() as holder, stage.connect() as looker:
        looker.autocommit = True
        holder.execute("SELECT 1 FROM ledger_head WHERE id = 1 FOR UPDATE")
        deadline = time.monotonic() + seconds
        while not (waits := _is(looker, BLOCKED, "")) and time.monotonic() < deadline:
            time.sleep(PAUSE_S)
        yield waits
        holder.rollback()
