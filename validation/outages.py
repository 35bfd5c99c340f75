"""What is known of a session's connection: the gateway's uptime, and each loss; pure but for `of`.

The session watch is the one source of the uptime: it follows the gateway from start to end, whereas
a scenario's desk knows only that it was lost itself. Where nobody watched, nothing is known.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from validation.models import ConnectionEvent, LaneState, LogLine, Session, SessionState
from validation.watch.lanes import GATEWAY

LOST, FOUND = "Disconnected", "Connected at attempt"
AWAY = frozenset({LaneState.DOWN, LaneState.MUTE})
# One loss of the gateway is seen by a scenario's desk and by the watch, at different moments.
TOGETHER = timedelta(seconds=1)


@dataclass(frozen=True)
class Outage:
    """One span without a connection; `planned` says that a scenario provoked it."""

    starts: datetime
    ends: datetime
    planned: bool


@dataclass(frozen=True)
class Uptime:
    """Percent of the watched time in which the gateway was up; None where nobody knows.

    `adjusted` leaves planned outages out, `raw` counts them.
    """

    adjusted: float | None = None
    raw: float | None = None

    @classmethod
    def told(cls, figures: dict[str, Any] | None) -> "Uptime":
        """Read what a watch has added up; a time that nobody watched is no uptime."""
        if not figures or not figures["total_s"]:
            return cls()
        away = figures["planned_outage_s"] / figures["total_s"]
        share = figures["uptime"]
        return cls(_percent(share), _percent(max(0.0, share - away)))


def _percent(share: float) -> float:
    return round(share * 100, 4)


@dataclass(frozen=True)
class Connection:
    """A session's connection to its gateway; `outages` are known ones, maybe not all."""

    uptime: Uptime
    outages: Sequence[Outage]

    @property
    def watched(self) -> bool:
        """Whether anybody would have seen every loss."""
        return self.uptime.adjusted is not None

    @property
    def planned(self) -> int:
        """How many losses were provoked."""
        return sum(one.planned for one in self.outages)

    @property
    def unplanned(self) -> int | None:
        """How many were not; None where none is known and nobody watched."""
        count = len(self.outages) - self.planned
        return count if count or self.watched else None


def of(
    session: Session,
    provoked: Callable[[datetime], bool],
    lines: Iterable[LogLine] | None = None,
) -> Connection:
    """Read what is known of an ended session's connection.

    `lines` is its log of connections where the caller has read it. What was watched up to a pause
    says nothing of the rest, if the worker was lost after it.
    """
    end = session.ended_at
    if session.started_at is None or end is None:
        return Connection(Uptime(), ())
    if lines is None:
        lines = session.log_lines.filter(source="gateway").select_related("attempt").order_by("pk")
    events = session.connection_events.filter(lane=GATEWAY).order_by("pk")
    lost = outages(lines, end, lambda one: one.planned or provoked(one.at))
    seen = absences(events, end, lambda one: one.planned or provoked(one.at))
    whole = session.state != SessionState.INTERRUPTED
    uptime = Uptime.told(session.facts.get("watch") if whole else None)
    return Connection(uptime, _told(lost, seen))


def outages(
    lines: Iterable[LogLine],
    end: datetime,
    planned: Callable[[LogLine], bool] = attrgetter("planned"),
) -> list[Outage]:
    """Return the spans from each loss of a scenario's desk to its next connection, in order.

    A loss after which nobody connected again lasts until its attempt ended, or until `end`.
    `planned` says whether a line tells of something that was provoked.
    """
    found: list[Outage] = []
    lost: LogLine | None = None
    for line in lines:
        if line.source != "gateway":
            continue
        if line.message.startswith(LOST):
            if lost is not None and _another(lost, line, planned):
                found.append(Outage(lost.at, min(line.at, _latest_end(lost, end)), planned(lost)))
                lost = None
            lost = lost or line
        elif line.message.startswith(FOUND) and lost is not None:
            found.append(Outage(lost.at, min(line.at, _latest_end(lost, end)), planned(lost)))
            lost = None
    if lost is not None:
        found.append(Outage(lost.at, _latest_end(lost, end), planned(lost)))
    return found


def _another(lost: LogLine, line: LogLine, planned: Callable[[LogLine], bool]) -> bool:
    """Say whether a second loss in a row is one of its own: of another desk, or not provoked."""
    return lost.attempt_id != line.attempt_id or planned(lost) != planned(line)


def _latest_end(line: LogLine, end: datetime) -> datetime:
    attempt = line.attempt
    return attempt.ended_at if attempt is not None and attempt.ended_at else end


def absences(
    events: Iterable[ConnectionEvent],
    end: datetime,
    planned: Callable[[ConnectionEvent], bool] = attrgetter("planned"),
) -> Iterator[Outage]:
    """Give the spans in which the watch found the gateway away, one that was never there too."""
    since: ConnectionEvent | None = None
    for event in events:
        if event.state in AWAY:
            since = since or event
        elif since is not None:
            yield Outage(since.at, event.at, planned(since))
            since = None
    if since is not None:
        yield Outage(since.at, end, planned(since))


def _told(desks: Iterable[Outage], watch: Iterable[Outage]) -> list[Outage]:
    """Give each loss once; what one of its witnesses knows to be provoked was provoked."""
    found, alone = list(watch), []
    for own in desks:
        place = next((n for n, one in enumerate(found) if _alike(own, one)), None)
        if place is None:
            alone.append(own)
        else:
            found[place] = _both(own, found[place])
    return sorted([*found, *alone], key=attrgetter("starts"))


def _alike(own: Outage, other: Outage) -> bool:
    return own.starts <= other.ends + TOGETHER and other.starts <= own.ends + TOGETHER


def _both(own: Outage, other: Outage) -> Outage:
    starts, ends = min(own.starts, other.starts), max(own.ends, other.ends)
    return Outage(starts, ends, own.planned or other.planned)
