"""Cancel a session's own orders and close its own positions; say where that is still open."""

import asyncio
from dataclasses import dataclass

from brokerage import gateway
from brokerage.errors import PortError
from brokerage.gateway import CleanupReport
from brokerage.models import Endpoint
from brokerage.terms import Target
from validation.models import Session

# Real seconds: three steps of ten seconds for a contract, cancels before and a check after.
LIMIT_S = 120


@dataclass(frozen=True)
class Cleaned:
    """Whether everything of the scope is verified gone, and what was done."""

    ok: bool
    note: str


async def clean_up(target: Target, scope: str) -> Cleaned:
    """Clean up after everything whose orderRef is `scope` or begins with `scope/`.

    Never raises for a gateway that fails or is not the paper account: a clean-up that failed.
    """
    try:
        async with (
            asyncio.timeout(LIMIT_S),
            gateway.connect(target, readonly=False) as desk,
        ):
            report = await gateway.cleanup(desk, scope)
    except (PortError, TimeoutError, OSError) as error:
        return Cleaned(False, f"The gateway could not be used: {error or 'no answer in time.'}")
    return Cleaned(report.ok, words(report))


def left_at(endpoint: Endpoint) -> str:
    """Return whose clean-up at this gateway is not verified and what to do, or nothing."""
    left = Session.left_behind().filter(endpoint__in=endpoint.same_gateway()).first()
    if left is None:
        return ""
    return (
        f"{endpoint.name} is not clean: nobody has verified that nothing of {left.number} is left. "
        "The sweeper tries each minute; what it can't end, cancel and close by hand at the broker."
    )


def words(report: CleanupReport) -> str:
    """Say in sentences what a clean-up did and what is left."""
    cancelled = f"{len(report.cancelled)} orders cancelled"
    closed = ", ".join(f"{name} {quantity:+g}" for name, quantity in report.closed.items())
    parts = [f"{cancelled}, {'closed: ' + closed if closed else 'nothing to close'}."]
    if report.remaining:
        left = ", ".join(f"{name} {quantity:+g}" for name, quantity in report.remaining.items())
        parts.append(f"Still open: {left}.")
    if report.working:
        parts.append(f"Still working: {', '.join(report.working)}.")
    parts.extend(report.problems)
    if report.ok:
        parts.append("Verified: no own order works, no own position is left.")
    return " ".join(parts)
