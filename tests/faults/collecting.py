"""Gather a schedule's history: from the database, the gateway's transcript, and the broker."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ib_async import IB

from brokerage.tws.messages import CLIENT, SERVER, ExecDetails, PlaceOrder
from tests.faults.history import (
    AttemptRow,
    Broker,
    CheckRow,
    EntryRow,
    EventRow,
    ExecutionRow,
    History,
    LineRow,
    OrderRow,
    Placed,
    Seen,
    SessionRow,
    Witnessed,
    belongs,
)
from tests.faults.reading import Reader
from tests.faults.stage import SimulatedGateway, Stage
from validation.models.session import IN_FLIGHT, STOPPED, SessionState

VERSION = 178  # what the product's client and ours speak
OBSERVER = 901
# Tables whose rows are written once; of each, a schedule's own rows are those above a mark.
APPEND_ONLY = (
    "validation_check", "validation_metric", "validation_logline", "brokerage_orderevent",
    "brokerage_execution", "brokerage_commission", "ledger_entry",
)  # fmt: skip


WANTED = {b'"PlaceOrder"': CLIENT, b'"ExecDetails"': SERVER}


class Mark(NamedTuple):
    """Where a schedule begins: the last row of each table, and the transcript's length."""

    rows: dict[str, int]
    sequence: int
    gateway: SimulatedGateway
    transcript: Path
    offset: int


def mark(stage: Stage, gateway: SimulatedGateway | None = None) -> Mark:
    """Remember where everything stands now; of the gateways, one (the first unless named)."""
    gateway = gateway or stage.gateway
    tables = (*APPEND_ONLY, "validation_session", "validation_outbox")
    rows = {table: _number(stage, f"SELECT max(id) FROM {table}") for table in tables}
    path = gateway.transcript
    sequence = _number(stage, "SELECT max(sequence) FROM ledger_entry")
    return Mark(rows, sequence, gateway, path, path.stat().st_size)


def kept(database: Reader | Stage, since: Mark) -> frozenset[Seen]:
    """Return every append-only row since the mark, with its digest."""
    parts = [
        f"SELECT '{table}', id, md5(t::text) FROM {table} t WHERE id > {since.rows[table]}"
        for table in APPEND_ONLY
    ]
    return frozenset(Seen(*row) for row in database.rows(" UNION ALL ".join(parts)))


def collect(stage: Stage, since: Mark, witnessed: Witnessed, endpoint: int = 1) -> History:
    """Return the history since the mark; the session is the newest at this endpoint since."""
    made = stage.rows(
        "SELECT id, number FROM validation_session WHERE id > %s AND endpoint_id = %s "
        "ORDER BY id DESC",
        since.rows["validation_session"], endpoint,
    )  # fmt: skip
    entries = _entries(stage, since)
    rows = kept(stage, since)
    if not made:
        return History(
            None, entries=entries, witnessed=witnessed, kept=rows, sessions_made=0,
            broker=read_broker(since, ""),
        )  # fmt: skip
    pk, number = made[0]
    orders = _orders(stage, number)
    return History(
        session=_session(stage, pk),
        attempts=_attempts(stage, pk),
        checks=_checks(stage, pk),
        lines=_lines(stage, pk),
        orders=orders,
        events=_events(stage, [order.pk for order in orders]),
        executions=_executions(stage, number),
        entries=entries,
        broker=read_broker(since, number),
        witnessed=witnessed,
        kept=rows,
        sessions_made=len(made),
        outbox=_number(
            stage, "SELECT count(*) FROM validation_outbox WHERE payload->>'number' = %s", number
        ),
    )


def _number(stage: Stage, sql: str, *values: Any) -> int:
    return int(stage.rows(sql, *values)[0][0] or 0)


def _session(stage: Stage, pk: int) -> SessionRow:
    sql = (
        "SELECT number, state, token, lease_until IS NOT NULL, cleanup, outcome_reason "
        "FROM validation_session WHERE id = %s"
    )
    row = stage.rows(sql, pk)[0]
    number, state, *others = row
    return SessionRow(
        number, state, *others, in_flight=state in IN_FLIGHT, stopped=state in STOPPED,
        handed_back=state == SessionState.DRAFT,
    )  # fmt: skip


def _attempts(stage: Stage, pk: int) -> tuple[AttemptRow, ...]:
    sql = (
        "SELECT id, scenario, number, state, started_at IS NOT NULL, ended_at IS NOT NULL "
        "FROM validation_attempt WHERE session_id = %s ORDER BY id"
    )
    return tuple(AttemptRow(*row) for row in stage.rows(sql, pk))


def _checks(stage: Stage, pk: int) -> tuple[CheckRow, ...]:
    sql = (
        "SELECT c.attempt_id, c.position, c.passed, c.required FROM validation_check c "
        "JOIN validation_attempt a ON a.id = c.attempt_id WHERE a.session_id = %s ORDER BY c.id"
    )
    return tuple(CheckRow(*row) for row in stage.rows(sql, pk))


def _lines(stage: Stage, pk: int) -> tuple[LineRow, ...]:
    sql = (
        "SELECT 'log line', id, attempt_id, at::text, source || ' ' || message "
        "FROM validation_logline WHERE session_id = %s UNION ALL "
        "SELECT 'metric', m.id, m.attempt_id, m.at::text, m.name || ' ' || m.value "
        "FROM validation_metric m JOIN validation_attempt a ON a.id = m.attempt_id "
        "WHERE a.session_id = %s"
    )
    return tuple(LineRow(*row) for row in stage.rows(sql, pk, pk))


def _orders(stage: Stage, number: str) -> tuple[OrderRow, ...]:
    """Those at the stage's gateway; scenarios have orders at gateways of their own as well."""
    sql = (
        "SELECT id, ref, client_id, order_id, state, reason, filled, acked_ms IS NOT NULL, purpose "
        "FROM brokerage_orderrecord WHERE endpoint_id IS NOT NULL "
        "AND (ref = %s OR ref LIKE %s) ORDER BY id"
    )
    return tuple(OrderRow(*row) for row in stage.rows(sql, number, f"{number}/%"))


def _events(stage: Stage, orders: list[int]) -> tuple[EventRow, ...]:
    sql = (
        "SELECT id, order_id, kind, at::text, detail::text FROM brokerage_orderevent "
        "WHERE order_id = ANY(%s) ORDER BY id"
    )
    return tuple(EventRow(*row) for row in stage.rows(sql, orders))


def _executions(stage: Stage, number: str) -> tuple[ExecutionRow, ...]:
    sql = (
        "SELECT e.exec_id, o.client_id, o.order_id, e.ref, e.con_id, e.side, e.quantity "
        "FROM brokerage_execution e LEFT JOIN brokerage_orderrecord o ON o.id = e.order_id "
        "WHERE (e.ref = %s OR e.ref LIKE %s) AND (o.id IS NULL OR o.endpoint_id IS NOT NULL)"
    )
    return tuple(ExecutionRow(*row) for row in stage.rows(sql, number, f"{number}/%"))


def _entries(stage: Stage, since: Mark) -> tuple[EntryRow, ...]:
    sql = (
        "SELECT sequence, kind, object_type, object_id, body, body_sha256 "
        "FROM ledger_entry WHERE sequence > %s ORDER BY sequence"
    )
    rows = stage.rows(sql, since.sequence)
    return tuple(EntryRow(*row, details=json.loads(row[4])["details"]) for row in rows)


# -- the gateway ----------------------------------------------------------------------------------


def read_broker(since: Mark, number: str) -> Broker:
    """Return what the gateway's transcript and its answers to a stranger say of the session.

    The stranger asks for executions, so that the transcript has those that nobody was there for.
    """
    working, positions = ask_broker(since.gateway.port)
    placed, executions = [], {}
    for client_id, message in _messages(since):
        if isinstance(message, PlaceOrder) and belongs(message.order.ref, number):
            placed.append(Placed(client_id, message.order_id, message.order.ref))
        elif isinstance(message, ExecDetails) and belongs(message.ref, number):
            executions[message.exec_id] = _execution(message)
    return Broker(tuple(placed), tuple(executions.values()), working, positions)


def _execution(message: ExecDetails) -> ExecutionRow:
    side = "BUY" if message.side == "BOT" else "SELL"
    return ExecutionRow(
        message.exec_id, message.client_id, message.order_id, message.ref,
        message.contract.con_id, side, message.shares,
    )  # fmt: skip


def _messages(since: Mark) -> Iterator[tuple[int, Any]]:
    """Yield the orders and the executions in the transcript since the mark, with the client."""
    with since.transcript.open("rb") as lines:
        lines.seek(since.offset)
        for line in lines:
            for name, table in WANTED.items():
                if name in line and line.endswith(b"\n"):
                    frame = json.loads(line)
                    yield frame["client"], table.parse(frame["fields"], VERSION)


def ask_broker(port: int) -> tuple[tuple[str, ...], tuple[tuple[int, float], ...]]:
    """Return working orders and open positions, as a stranger sees them."""
    return asyncio.run(_ask_broker(port))


async def _ask_broker(port: int) -> tuple[tuple[str, ...], tuple[tuple[int, float], ...]]:
    stranger = IB()
    await stranger.connectAsync("127.0.0.1", port, clientId=OBSERVER, timeout=20)
    try:
        orders = await stranger.reqAllOpenOrdersAsync()
        await stranger.reqExecutionsAsync()
        held = await stranger.reqPositionsAsync()
    finally:
        stranger.disconnect()
    working = tuple(trade.order.orderRef for trade in orders)
    return working, tuple((row.contract.conId, float(row.position)) for row in held if row.position)
