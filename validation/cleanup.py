"""Cancel a session's own orders and close its own positions, wherever they came from."""

import asyncio
from dataclasses import dataclass

from brokerage import gateway
from brokerage.errors import PortError
from brokerage.gateway import CleanupReport
from brokerage.terms import Target

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
