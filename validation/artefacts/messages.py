"""A session's log as files: what the broker said (RP-37), and every line."""

from typing import Any

from validation.artefacts.markup import csv_text, instant, json_lines
from validation.facts import Facts
from validation.models import LogLine

HEAD = ("time", "code", "text", "request_id", "planned")


def broker_messages(facts: Facts) -> str:
    """Return what the broker said, as CSV: time (UTC), code, text, request id, planned."""
    lines = [line for line in facts.log_lines if line.source == "broker"]
    return csv_text(facts.session, HEAD, (_message(line) for line in lines))


def _message(line: LogLine) -> tuple[object, ...]:
    planned = "yes" if line.planned else "no"
    request = None if line.request_id is None or line.request_id < 0 else line.request_id
    return instant(line.at), line.code, line.message, request, planned


def session_log(facts: Facts) -> str:
    """Return every line of the log, one JSON object a line, in the order in which they came."""
    simulated = facts.session.simulated
    return json_lines({"simulated": simulated, **_line(line)} for line in facts.log_lines)


def _line(line: LogLine) -> dict[str, Any]:
    return {
        "at": instant(line.at),
        "level": line.level,
        "source": line.source,
        "event_type": line.event_type,
        "correlation_id": line.correlation,
        "actor": line.actor,
        "client_id": line.client_id,
        "scenario": line.attempt.scenario if line.attempt else None,
        "attempt": line.attempt.number if line.attempt else None,
        "message": line.message,
        "code": line.code,
        "request_id": line.request_id,
        "planned": line.planned,
    }
