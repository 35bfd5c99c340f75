"""Write what the watch sees: findings, log lines, and changes of the connection's lanes."""

from collections.abc import Callable

from django.utils import timezone

from validation.models import Attempt, LogLine
from validation.models.watching import ConnectionEvent, Finding, LaneState, Phase, Severity
from validation.watch.conditions import Sighting
from validation.watch.lanes import LaneChange

SOURCE = "watch"
LEVELS = {Severity.WARNING: "WARNING", Severity.ERROR: "ERROR", Severity.CRITICAL: "CRITICAL"}
Kept = Finding | ConnectionEvent | LogLine
BLOCKING = frozenset({Severity.ERROR, Severity.CRITICAL})


class Notebook:
    """Takes what is seen in a session and hands rows on, which somebody else stores."""

    def __init__(
        self,
        session_id: int,
        keep: Callable[[Kept], None],
        attempt: Callable[[], Attempt | None],
    ) -> None:
        self._session_id, self._keep, self._attempt = session_id, keep, attempt
        self._lanes: dict[str, LaneState] = {}
        self.failures = 0

    def tell(self, sighting: Sighting) -> None:
        """Keep a sighting, and a line of the log for it."""
        condition, begun = sighting.condition, sighting.phase == Phase.BEGAN
        if begun and not sighting.planned and condition.severity in BLOCKING:
            self.failures += 1
        self._keep(
            Finding(
                session_id=self._session_id, attempt=self._attempt(), kind=condition.kind,
                subject=condition.subject[:160], severity=condition.severity,
                phase=sighting.phase, text=sighting.text, do=condition.do,
                planned=sighting.planned, at=timezone.now(),
            )
        )  # fmt: skip
        if sighting.phase != Phase.STILL:
            level = LEVELS[condition.severity] if begun else "INFO"
            self._line(f"{condition.kind}: {sighting.text}", level, planned=sighting.planned)

    def _line(self, text: str, level: str, *, planned: bool) -> None:
        self._keep(
            LogLine(
                session_id=self._session_id, attempt=self._attempt(), level=level, source=SOURCE,
                message=text, planned=planned, at=timezone.now(),
            )
        )  # fmt: skip

    def lane(self, change: LaneChange, *, planned: bool) -> None:
        """Keep that a lane is in another state than before."""
        if self._lanes.get(change.lane) == change.state:
            return
        self._lanes[change.lane] = change.state
        self._keep(
            ConnectionEvent(
                session_id=self._session_id, attempt=self._attempt(), lane=change.lane,
                state=change.state, code=change.code, detail=change.detail[:300],
                planned=planned, at=timezone.now(),
            )
        )  # fmt: skip
