"""Write what the watch sees: findings, log lines, and changes of the connection's lanes."""

from collections.abc import Callable
from dataclasses import replace

from django.utils import timezone

from validation.models import Attempt, LogLine
from validation.models.watching import ConnectionEvent, Finding, LaneState, Phase, Severity
from validation.watch.conditions import Key, Sighting
from validation.watch.lanes import LaneChange

SOURCE = "watch"
LEVELS = {Severity.WARNING: "WARNING", Severity.ERROR: "ERROR", Severity.CRITICAL: "CRITICAL"}
Kept = Finding | ConnectionEvent | LogLine
BLOCKING = frozenset({Severity.ERROR, Severity.CRITICAL})
# What the broker's reset of its servers brings about (C-22): no more than a warning meanwhile.
BY_RESETS = frozenset(
    {"no_connection", "connection_lost", "no_answer", "link_lost", "server_lost", "farm_down"}
)


class Notebook:
    """Takes what is seen in a session and hands rows on, which somebody else stores."""

    def __init__(
        self,
        session_id: int,
        keep: Callable[[Kept], None],
        attempt: Callable[[], Attempt | None],
        resetting: Callable[[], str] = lambda: "",
    ) -> None:
        """`resetting` names the broker's reset window that it is in now, or returns nothing."""
        self._session_id, self._keep, self._attempt = session_id, keep, attempt
        self._resetting = resetting
        self._lanes: dict[str, LaneState] = {}
        self._eased: set[Key] = set()
        self.failures = 0

    def tell(self, sighting: Sighting) -> None:
        """Keep a sighting, and a line of the log for it."""
        was_eased = sighting.condition.key in self._eased
        sighting = self._ease(sighting)
        condition, begun = sighting.condition, sighting.phase == Phase.BEGAN
        grave = condition.severity in BLOCKING and not sighting.planned
        if grave and (begun or was_eased):
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
            event = f"watch.{condition.kind}.{sighting.phase.lower()}"
            self._line(f"{condition.kind}: {sighting.text}", level, event, planned=sighting.planned)

    def _ease(self, sighting: Sighting) -> Sighting:
        """Make a warning of what a reset explains; what outlasts the window is grave again."""
        condition, over = sighting.condition, sighting.phase == Phase.OVER
        window = self._resetting() if condition.kind in BY_RESETS else ""
        if not (condition.key in self._eased if over else window):
            self._eased.discard(condition.key)
            return sighting
        if over:
            self._eased.discard(condition.key)
        else:
            self._eased.add(condition.key)
        mild = replace(condition, severity=Severity.WARNING)
        note = f"{sighting.note} In {window}.".strip() if window else sighting.note
        return replace(sighting, condition=mild, note=note)

    def _line(self, text: str, level: str, event: str, *, planned: bool) -> None:
        self._keep(
            LogLine(
                session_id=self._session_id, attempt=self._attempt(), level=level, source=SOURCE,
                message=text, planned=planned, at=timezone.now(), event_type=event,
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
