"""Store what scenarios report, once a second, under the worker's fencing token."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime

from asgiref.sync import sync_to_async
from django.db import DatabaseError
from django.utils import timezone

from crucible.live.publish import publish
from validation.lease import Lease, StaleToken, guarded
from validation.log_stream import stream
from validation.models import (
    Attempt,
    Check,
    ConnectionEvent,
    FaultWindow,
    Finding,
    LatencySample,
    LogLine,
    Metric,
)
from validation.scenarios.trial import CheckRow, MetricRow, Row, SampleRow, Sink, WindowRow
from validation.storable import storable

Stored = Check | Metric | LogLine | FaultWindow | LatencySample | Finding | ConnectionEvent
logger = logging.getLogger(__name__)


class Recorder:
    """Collects rows in the order in which they come; `flush` writes them in one transaction."""

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self._rows: list[Stored] = []
        self._writing = asyncio.Lock()
        self._doubtful = False

    def sink(self, attempt: Attempt) -> Sink:
        """Return what takes the rows of one attempt."""

        def take(row: Row) -> None:
            self.keep(_model(row, attempt))

        return take

    def keep(self, row: Stored) -> None:
        """Add a row that somebody else has made; a line also goes to the process's log."""
        self._rows.append(storable(row))
        if isinstance(row, LogLine):
            stream(row, self.lease.number)

    def line(self, text: str, level: str = "INFO", source: str = "session") -> None:
        """Add a line of the session's own."""
        self.keep(
            LogLine(
                session_id=self.lease.session_id, at=timezone.now(), level=level,
                source=source, message=text, event_type=f"{source}.note",
            )
        )  # fmt: skip

    async def flush(self) -> bool:
        """Write everything collected so far; what can't be written is kept for the next time.

        Return whether it was written; what is collected meanwhile waits. Raises StaleToken.
        """
        async with self._writing:
            batch, self._rows = self._rows, []
            if not batch:
                return True
            try:
                await sync_to_async(write)(self.lease, batch, again=self._doubtful)
                self._doubtful = False
            except StaleToken:
                raise
            except Exception:
                # Whatever it is: evidence that is dropped would leave a verdict without its checks.
                self._rows, self._doubtful = batch + self._rows, True
                logger.exception("%s: %d rows wait for the database", self.lease.number, len(batch))
                return False
            return True

    async def settle(self) -> None:
        """Write everything now, before a verdict rests on it; raises DatabaseError, StaleToken."""
        if not await self.flush():
            text = f"{self.lease.number}: {len(self._rows)} rows of evidence can't be written"
            raise DatabaseError(text)


def write(lease: Lease, rows: Sequence[Stored], *, again: bool = False) -> None:
    """Write the rows in one transaction under the token; raises StaleToken.

    With `again`, an earlier call with some of them failed, perhaps only in hearing that its
    transaction was committed: what is there already stays as it is.
    """
    with guarded(lease):
        if again:
            rows = [_anew(row) for row in rows if not _stored(row)]
        Check.objects.bulk_create([row for row in rows if isinstance(row, Check)])
        Metric.objects.bulk_create([row for row in rows if isinstance(row, Metric)])
        LogLine.objects.bulk_create([row for row in rows if isinstance(row, LogLine)])
        FaultWindow.objects.bulk_create([row for row in rows if isinstance(row, FaultWindow)])
        LatencySample.objects.bulk_create([row for row in rows if isinstance(row, LatencySample)])
        Finding.objects.bulk_create([row for row in rows if isinstance(row, Finding)])
        events = [row for row in rows if isinstance(row, ConnectionEvent)]
        ConnectionEvent.objects.bulk_create(events)
        attempts = {row.attempt_id for row in rows}
        topics = [f"attempt:{pk}" for pk in attempts if pk is not None]
        publish(f"session:{lease.number}", *topics)


def _stored(row: Stored) -> bool:
    """Whether a row that once got a key stands there under it, as it is."""
    found = type(row)._default_manager.filter(pk=row.pk).first() if row.pk else None
    names = [field.attname for field in row._meta.concrete_fields]
    return found is not None and all(getattr(found, n) == getattr(row, n) for n in names)


def _anew(row: Stored) -> Stored:
    """The same row without the key of a transaction that was rolled back."""
    row.pk, row._state.adding = None, True
    return row


def _model(row: Row, attempt: Attempt) -> Stored:
    if isinstance(row, WindowRow):
        return FaultWindow(
            session_id=attempt.session_id, attempt=attempt, starts_at=row.starts_at,
            ends_at=row.ends_at, why=row.why,
        )  # fmt: skip
    at: datetime = row.at
    if isinstance(row, SampleRow):
        return LatencySample(
            attempt=attempt, kind=row.kind, ms=row.ms, censored=row.censored, planned=row.planned,
            at=at,
        )  # fmt: skip
    if isinstance(row, CheckRow):
        return Check(
            attempt=attempt, position=row.position, name=row.name, expected=row.expected,
            actual=row.actual, passed=row.passed, required=row.required, at=at,
        )  # fmt: skip
    if isinstance(row, MetricRow):
        return Metric(attempt=attempt, name=row.name, value=row.value, unit=row.unit, at=at)
    return LogLine(
        session_id=attempt.session_id, attempt=attempt, at=at, level=row.level,
        source=row.source, message=row.text, code=row.code, request_id=row.request_id,
        planned=row.planned, event_type=row.event[:60], client_id=row.client_id,
    )  # fmt: skip
