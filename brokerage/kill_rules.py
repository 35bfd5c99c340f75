"""The automatic rules of the kill switch that look at a connection. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

LONGEST_LOSS_S = 60.0
MOST_ATTEMPTS = 3
CONNECTION_RULE = "connection"


@dataclass(frozen=True)
class Loss:
    """One loss of the connection: how long it has lasted, and attempts to connect that failed.

    `planned` seconds of it lay in a window in which somebody broke the line on purpose; attempts
    that failed in such a window are not counted.
    """

    seconds: float
    failed_attempts: int = 0
    planned: float = 0.0

    @property
    def unplanned(self) -> float:
        """The seconds that nobody wanted."""
        return max(self.seconds - self.planned, 0.0)


def connection_problem(losses: Iterable[Loss]) -> str:
    """Return why the losses of a connection must trip the switch, or nothing.

    One that lasts longer than 60 s unplanned, or after which three attempts have failed, does.
    """
    for loss in losses:
        if loss.unplanned > LONGEST_LOSS_S:
            return (
                f"The gateway was away for {loss.unplanned:.0f} s; more than {LONGEST_LOSS_S:.0f} s"
                " without a connection are not allowed."
            )
        if loss.failed_attempts >= MOST_ATTEMPTS and loss.unplanned > 0:
            return f"{loss.failed_attempts} attempts to connect to the gateway again have failed."
    return ""
