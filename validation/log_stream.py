"""Write the lines that a session's log keeps to the log of the process, too."""

import logging

from validation.models import LogLine, Session

logger = logging.getLogger("session")
LEVELS = logging.getLevelNamesMapping()


def stream(line: LogLine, session: str) -> None:
    """Log the line with the names that the session's log has; `session` is its number."""
    attempt = line.attempt
    logger.log(
        LEVELS.get(line.level, logging.INFO), "%s", line.message,
        extra={
            "at": line.at, "event_type": line.event_type, "correlation": line.correlation,
            "session": session, "scenario": attempt.scenario if attempt else "",
            "attempt": attempt.number if attempt else None, "actor": line.actor,
            "source": line.source, "client_id": line.client_id, "code": line.code,
            "planned": line.planned,
        },
    )  # fmt: skip


def append(session: Session, text: str, *, level: str, source: str, event: str) -> None:
    """Add a line to the log of a session that no recorder writes to, and log it."""
    line = LogLine.objects.create(
        session=session, level=level, source=source, message=text, event_type=event
    )
    stream(line, session.number)
