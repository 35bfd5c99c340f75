"""The automatic rules of the kill switch: connection, errors, violations, drawdown, disk. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

LONGEST_LOSS_S = 60.0
MOST_ATTEMPTS = 3
CONNECTION_RULE = "connection"
# KS-08: so many errors that nobody provoked, in so many minutes.
MOST_ERRORS, ERROR_MINUTES = 5, 10.0
ERROR_RULE = "errors"
# KS-09: orders of one session that broke a limit of the account or of their grant.
MOST_VIOLATIONS = 3
VIOLATION_RULE = "violations"
# KS-06: the loss from the highest value of the account that a session has seen.
MOST_DRAWDOWN, WARN_DRAWDOWN = 0.10, 0.05
DRAWDOWN_RULE = "drawdown"
# KS-10, C-85: evidence and orders can't be written down for long.
LEAST_FREE_GB = 1.0
DISK_RULE = "disk"


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


def error_problem(count: int) -> str:
    """Return why so many unplanned errors in ten minutes must trip the switch, or nothing."""
    if count < MOST_ERRORS:
        return ""
    return f"{count} errors that nobody provoked in {ERROR_MINUTES:.0f} minutes."


def violation_problem(scope: str, count: int) -> str:
    """Return why so many orders of a scope beyond their limits must trip the switch, or nothing."""
    if count <= MOST_VIOLATIONS:
        return ""
    return f"{count} orders of {scope} broke a limit; {MOST_VIOLATIONS} are tolerated."


def drawdown_problem(share: float) -> str:
    """Return why a loss of this share of the account's highest value must trip it, or nothing."""
    if share < MOST_DRAWDOWN:
        return ""
    return f"The account is {share:.1%} below its highest value; {MOST_DRAWDOWN:.0%} trips."


def disk_problem(free_gb: float) -> str:
    """Return why so little free space (GB, 10^9 bytes) must trip the switch, or nothing."""
    if free_gb >= LEAST_FREE_GB:
        return ""
    return f"Only {free_gb:.2f} GB are free where the product keeps its data."
