"""How long the gateway was away during a session, told from its log: a pure function."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from validation.models import LogLine

LOST, FOUND = "Disconnected", "Connected at attempt"


@dataclass(frozen=True)
class Outage:
    """One span without a connection; `planned` says that a scenario provoked it."""

    starts: datetime
    ends: datetime
    planned: bool

    @property
    def seconds(self) -> float:
        """Its length in real seconds."""
        return max(0.0, (self.ends - self.starts).total_seconds())


def outages(
    lines: Sequence[LogLine],
    end: datetime,
    planned: Callable[[LogLine], bool] = attrgetter("planned"),
) -> list[Outage]:
    """Return the spans from each loss to the next connection, in the order of the log.

    A loss after which nobody connected again lasts until its attempt ended, or until `end`.
    `planned` says whether a line tells of something that was provoked.
    """
    found: list[Outage] = []
    lost: LogLine | None = None
    for line in lines:
        if line.source != "gateway":
            continue
        if line.message.startswith(LOST):
            lost = lost or line
        elif line.message.startswith(FOUND) and lost is not None:
            found.append(Outage(lost.at, min(line.at, _latest_end(lost, end)), planned(lost)))
            lost = None
    if lost is not None:
        found.append(Outage(lost.at, _latest_end(lost, end), planned(lost)))
    return found


def _latest_end(line: LogLine, end: datetime) -> datetime:
    attempt = line.attempt
    return attempt.ended_at if attempt is not None and attempt.ended_at else end


def uptime(spans: Sequence[Outage], starts: datetime, ends: datetime) -> float | None:
    """Return the share of the time in which none of the outages was; None for no time at all."""
    whole = (ends - starts).total_seconds()
    if whole <= 0:
        return None
    return max(0.0, 1 - sum(span.seconds for span in spans) / whole)
