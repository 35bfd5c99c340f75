"""How many messages a client may send: those above the rate wait, or are refused and counted.

A real gateway takes half as many messages a second as the user has market-data lines, from each
connection. Its setting "Reject messages above maximum allowed message rate vs applying pacing"
decides on the rest. Off, the default: they wait, and the gateway reads no further meanwhile. On:
they are lost, and error 100 tells how many messages came in that second and how often that has
happened; the third time ends the session. In every such error that users have published the
request id equals the number in parentheses, and the count is that of the whole second
(`rec=56` … `rec=651`), so it is told when the second is over. Before that, from 44 messages on
(published: 44 and 45), comes code 0, `Warning: Approaching max rate of 50 messages per second`.
What exactly a real gateway takes for a second is not known: here it begins with the first message
after the previous one.
"""

from collections import deque
from dataclasses import dataclass

LINES = 100  # what an account begins with
WINDOW = 1.0  # simulated seconds
MOST_VIOLATIONS = 3
NEAR = 0.88  # of the rate; from here on the client is warned
INSTANT = 1e-6  # simulated seconds; what floating-point epoch times may be off
OVER = "Max rate of messages per second has been exceeded:max={rate} rec={count} ({number})"
APPROACHING = "Warning: Approaching max rate of {rate} messages per second ({count})"


def rate_for(lines: int) -> int:
    """Messages a second with so many market-data lines; at least 1."""
    return max(lines // 2, 1)


class Pacing:
    """The queue's arithmetic: at most `rate` messages in any second."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._taken: deque[float] = deque(maxlen=rate)

    def wait(self, now: float) -> float:
        """Seconds until one more message may be taken; 0 for at once."""
        if len(self._taken) < self._rate:
            return 0.0
        left = self._taken[0] + WINDOW - now
        return left if left > INSTANT else 0.0

    def take(self, now: float) -> None:
        """One message is being handled."""
        self._taken.append(now)


@dataclass(frozen=True)
class Violation:
    """A second with too many messages; `number` counts them, from 1."""

    number: int
    text: str

    @property
    def last(self) -> bool:
        """Whether it ends the session."""
        return self.number >= MOST_VIOLATIONS


class Counting:
    """The other setting's arithmetic: counts each second, and the seconds with too many."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._began, self._count, self._violations = float("-inf"), 0, 0

    @property
    def near(self) -> bool:
        """Whether the message just counted is the one to warn of."""
        return self._count == round(NEAR * self._rate)

    @property
    def first_over(self) -> bool:
        """Whether it is the first above the rate: ask for the `violation` at `ends`."""
        return self._count == self._rate + 1

    @property
    def ends(self) -> float:
        """When the running second is over, in simulated time."""
        return self._began + WINDOW

    def admits(self, now: float) -> bool:
        """Count a message; whether it is within the rate."""
        if now >= self.ends:
            self._began, self._count = now, 0
        self._count += 1
        return self._count <= self._rate

    def warning(self) -> str:
        """What `near` is told with."""
        return APPROACHING.format(rate=self._rate, count=self._count)

    def violation(self) -> Violation:
        """The second that was too busy; call it once, when that second is over."""
        self._violations += 1
        text = OVER.format(rate=self._rate, count=self._count, number=self._violations)
        return Violation(self._violations, text)
