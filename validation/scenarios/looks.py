"""How much of a time was looked at: what lies between two looks that are far apart was not seen."""

from dataclasses import dataclass

# Session seconds: looks that are further apart have a gap between them; the longest that may be.
GAP_S, LONGEST_GAP_S = 10.0, 60.0
# The same in real seconds, at the least: a busy machine is not blind at once.
LEAST_GAP, LEAST_LONGEST = 3.0, 6.0
# What must have been seen of the time that was asked for.
SHARE = 0.95


@dataclass
class Looks:
    """The looks since `began`, in session seconds at a gateway of this speed."""

    began: float
    speed: float
    count: int = 0
    longest: float = 0.0
    missed: float = 0.0

    def __post_init__(self) -> None:
        """Begin without a look."""
        self.last = self.began

    def add(self, now: float) -> None:
        """Count one more look."""
        self.end(now)
        self.count += 1

    def end(self, now: float) -> None:
        """Let the time since the last look count, which may be a gap; nothing was seen just now."""
        gap = now - self.last
        self.last, self.longest = now, max(self.longest, gap)
        if gap > max(GAP_S, LEAST_GAP * self.speed):
            self.missed += gap

    @property
    def seen(self) -> float:
        """Session seconds that were looked at; none without a look."""
        return self.last - self.began - self.missed if self.count else 0.0

    @property
    def limit(self) -> float:
        """Session seconds without a look that an observation may have at a time."""
        return max(LONGEST_GAP_S, LEAST_LONGEST * self.speed)

    def enough(self, asked: float) -> bool:
        """Say whether so many session seconds have been looked at, but for a little."""
        return self.count > 0 and self.seen >= SHARE * asked
