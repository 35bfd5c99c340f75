"""Add up what a session watch has watched: session seconds, uptime, answers. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any


@dataclass
class Figures:
    """Session seconds since the watch began; `regular` of those watched lay in regular hours.

    Latencies are real ms. The time before the first look counts as what that look finds.
    """

    total: float = 0.0
    watched: float = 0.0
    regular: float = 0.0
    outage: float = 0.0
    planned_outage: float = 0.0
    answers: int = 0
    misses: int = 0
    reconciliations: int = 0
    failures: int = 0
    latencies: list[float] = field(default_factory=list)
    _at: float = 0.0

    @classmethod
    def resumed(cls, facts: Mapping[str, Any]) -> "Figures":
        """Go on from what an earlier part of the session has watched."""
        names = ("total", "watched", "regular", "outage", "planned_outage")
        counts = ("answers", "misses", "reconciliations", "failures")
        known: dict[str, Any] = {name: float(facts.get(f"{name}_s", 0.0)) for name in names}
        known |= {name: int(facts.get(name, 0)) for name in counts}
        return cls(**known)

    def pass_time(self, now: float, *, up: bool, regular: bool, planned: bool) -> None:
        """Count the time since the last call: watched, or an outage, planned or not."""
        spent = max(now - self._at, 0.0)
        self._at = now
        self.total += spent
        if up:
            self.watched += spent
            self.regular += spent if regular else 0.0
        elif planned:
            self.planned_outage += spent
        else:
            self.outage += spent

    @property
    def uptime(self) -> float | None:
        """The share of the time in which the gateway was up, planned outages aside."""
        return None if self.total <= 0 else 1 - self.outage / self.total

    def content(self) -> dict[str, Any]:
        """Return the figures as plain values, as a session's facts keep them."""
        ordered = sorted(self.latencies)
        p95 = ordered[ceil(0.95 * len(ordered)) - 1] if ordered else None
        return {
            "total_s": round(self.total, 1),
            "watched_s": round(self.watched, 1),
            "regular_s": round(self.regular, 1),
            "outage_s": round(self.outage, 1),
            "planned_outage_s": round(self.planned_outage, 1),
            "uptime": None if self.uptime is None else round(self.uptime, 6),
            "answers": self.answers,
            "misses": self.misses,
            "rtt_p95_ms": None if p95 is None else round(p95, 3),
            "reconciliations": self.reconciliations,
            "failures": self.failures,
        }
