"""The connection's lanes: what the broker's own notices say of its link and its farms. Pure.

A lane of which nothing was heard is unknown: that nobody complains is no sign of health.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from validation.models.watching import LaneState, Severity
from validation.watch.conditions import Condition

UP, DOWN, UNKNOWN = LaneState.UP, LaneState.DOWN, LaneState.UNKNOWN
BROKER, MARKET, HISTORY, DEFINITIONS = "broker", "market data", "history", "definitions"
# The lanes of the watch's own connection, and of the desk of the scenario that runs.
GATEWAY, SCENARIO = "gateway", "scenario"
NAMES = (BROKER, MARKET, HISTORY, DEFINITIONS)
FARMS = {
    2103: (MARKET, DOWN), 2104: (MARKET, UP), 2108: (MARKET, UP),
    2105: (HISTORY, DOWN), 2106: (HISTORY, UP), 2107: (HISTORY, UP),
    2157: (DEFINITIONS, DOWN), 2158: (DEFINITIONS, UP),
}  # fmt: skip
LINK = {1100: DOWN, 1300: DOWN, 2110: DOWN, 1101: UP, 1102: UP}
SERVER_LOST = 2110
RESTORED = (1101, 1102, 2104)
# Session seconds without recovery that are too many, and how many breaks in a row.
LINK_S, FARM_S = 60.0, 60.0
FLAPS, FLAP_S = 3, 120.0
DO = {
    BROKER: "See the broker's status page and the gateway's window; restart the gateway.",
    MARKET: "Trade on no price until the farm is back; if it stays away, restart the gateway.",
    HISTORY: "Ask for no bars until the farm is back; if it stays away, restart the gateway.",
    DEFINITIONS: "Look no contracts up until the farm is back.",
}  # fmt: skip


@dataclass(frozen=True)
class LaneChange:
    """That a lane is in another state now."""

    lane: str
    state: LaneState
    code: int | None = None
    detail: str = ""


@dataclass
class _Lane:
    """A lane and which of its farms are down, by name, since when.

    It is `heard` of once a notice spoke of it, and `relieved` once another farm has come up:
    whether that one serves what the broken one did, only ticks can tell.
    """

    down: dict[str, tuple[float, int, str]] = field(default_factory=dict)
    breaks: list[float] = field(default_factory=list)
    relieved: bool = False
    heard: bool = False

    @property
    def state(self) -> LaneState:
        if self.is_down:
            return DOWN
        return UP if self.heard else UNKNOWN

    @property
    def is_down(self) -> bool:
        return bool(self.down) and not self.relieved

    @property
    def since(self) -> float:
        return min(at for at, _, _ in self.down.values())


class Lanes:
    """What the notices of one connection add up to; times are session seconds."""

    def __init__(self) -> None:
        self._lanes = {name: _Lane() for name in NAMES}
        self.restored: tuple[int, float] | None = None

    def is_down(self, lane: str) -> bool:
        """Whether the broker says that the lane is down."""
        return self._lanes[lane].is_down

    def state(self, lane: str) -> LaneState:
        """How the lane is, as far as the notices tell."""
        return self._lanes[lane].state

    def hear(self, code: int, text: str, now: float) -> list[LaneChange]:
        """Take a notice in and return which lanes have changed."""
        if code in RESTORED:
            self.restored = code, now
        if code in LINK:
            return self._move(BROKER, "", LINK[code], code, text, now)
        if code not in FARMS:
            return []
        lane, state = FARMS[code]
        name = text.rpartition(":")[2].strip() if ":" in text else ""
        changes = self._move(lane, name, state, code, text, now)
        if state is UP and (self._by_server() or self.state(BROKER) is UNKNOWN):
            # The broker's farms are reached over its link. After 2110 no 1102 need follow: the
            # farms report when it is over.
            changes += self._move(BROKER, "", UP, code, text, now)
        return changes

    def _by_server(self) -> bool:
        down = self._lanes[BROKER].down
        return any(code == SERVER_LOST for _, code, _ in down.values())

    def _move(
        self, name: str, part: str, state: LaneState, code: int, text: str, now: float
    ) -> list[LaneChange]:
        lane = self._lanes[name]
        before, lane.heard = lane.state, True
        if state is DOWN:
            if part not in lane.down:
                lane.breaks.append(now)
                lane.relieved = False
            lane.down.setdefault(part, (now, code, text))
        else:
            lane.relieved = lane.down.pop(part, None) is None and bool(lane.down)
        return [] if lane.state is before else [LaneChange(name, lane.state, code, text)]

    def conditions(self, now: float) -> Iterator[Condition]:
        """What has not recovered in time, or breaks again and again."""
        for name, lane in self._lanes.items():
            limit = LINK_S if name == BROKER else FARM_S
            if lane.is_down and now - lane.since > limit:
                yield _stays_down(name, lane, now)
            lane.breaks = [at for at in lane.breaks if now - at < FLAP_S]
            if len(lane.breaks) >= FLAPS:
                text = f"The lane {name} broke {len(lane.breaks)} times in {FLAP_S:.0f} s."
                do = "Keep the connection; mistrust what comes over this lane meanwhile."
                yield Condition("flapping", name, Severity.WARNING, text, do)


def _stays_down(name: str, lane: _Lane, now: float) -> Condition:
    _, code, text = next(iter(lane.down.values()))
    words = f"{code} {text} No recovery for {now - lane.since:.0f} s."
    if name == BROKER:
        kind = "server_lost" if code == SERVER_LOST else "link_lost"
        return Condition(kind, name, Severity.CRITICAL, words, DO[name])
    return Condition("farm_down", name, Severity.ERROR, words, DO[name])
