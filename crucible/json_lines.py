"""Log records as JSON, one object a line, for whatever collects the logs of all processes."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

from crucible.correlation import about

# What a caller may add with `extra`, beside what the context knows.
EXTRA = ("source", "client_id", "code", "attempt", "planned")


class JsonFormatter(logging.Formatter):
    """Writes timestamp (UTC), level, event type, correlation id, message, and what it is about.

    `extra={"event_type": …}` names the kind of the event; without it, it is the logger's name.
    Names without a value are left out, except for the first five, which every line has.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON in ASCII, whatever its text holds."""
        here, added = about(), vars(record)
        row: dict[str, Any] = {
            "timestamp": _instant(added.get("at"), record.created),
            "level": record.levelname,
            "event_type": added.get("event_type") or record.name,
            "correlation_id": added.get("correlation") or here.correlation,
            "message": record.getMessage(),
        }
        known = {
            "session": added.get("session") or here.session,
            "scenario": added.get("scenario") or here.scenario,
            "actor": added.get("actor") or here.actor,
            **{name: added.get(name) for name in EXTRA},
            "logger": record.name,
            "process": record.process,
            "exception": self._trace(record),
        }
        row.update({name: value for name, value in known.items() if _says(value)})
        return json.dumps(row, default=str)

    def _trace(self, record: logging.LogRecord) -> str:
        return self.formatException(record.exc_info) if record.exc_info else ""


def _says(value: object) -> bool:
    """Whether a value tells anything; 0 does, it is a client id."""
    return value is not None and value is not False and value != ""


def _instant(at: object, created: float) -> str:
    """When it happened, which a line that tells of something earlier says itself."""
    moment = at if isinstance(at, datetime) else datetime.fromtimestamp(created, UTC)
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
