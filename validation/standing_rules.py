"""What is wrong with the product or its trading for as long as it lasts. Pure (SJ-04)."""

from brokerage.kill_rules import LEAST_FREE_GB
from brokerage.models import Endpoint
from crucible.alerts.raising import Standing

# C-86: of the orders sent in an hour; fewer say nothing.
REJECTION_MINUTES, FEWEST_ORDERS = 60.0, 5
MANY_REJECTED, SOME_REJECTED = 0.20, 0.05
# C-85.
LOW_GB = 5.0
# C-81: the exchange's days must be known so far ahead.
DAYS_AHEAD = 60
AWAY = {
    Endpoint.Seen.UNREACHABLE: "Start the gateway and log it in; check host and port.",
    Endpoint.Seen.SILENT: "Restart the gateway: it takes connections and does not answer.",
}


def gateway_away(endpoint: Endpoint, window: str = "") -> Standing | None:
    """A gateway that was looked for lately and is not there (MO-04).

    In a reset `window` of the broker, given in words, that is to be expected, and warns (C-22).
    """
    do = AWAY.get(Endpoint.Seen(endpoint.state_now))
    if do is None:
        return None
    title = f"{endpoint.name}: {endpoint.state_label.lower()}"
    if window:
        text = f"{window}: it should be back after that. {endpoint.last_error}".strip()
        return Standing(title, text, "WARNING")
    return Standing(title, f"{endpoint.last_error} {do}".strip(), "CRITICAL")


def disk_low(free_gb: float) -> Standing | None:
    """The disk that takes the evidence fills up (MO-05)."""
    if free_gb >= LOW_GB:
        return None
    text = f"{free_gb:.2f} GB are free; no session starts below {LOW_GB:g} GB. Free space now."
    severe = "CRITICAL" if free_gb < LEAST_FREE_GB else "WARNING"
    return Standing("Disk space is low", text, severe)


def rejections(sent: int, rejected: int) -> Standing | None:
    """Too many of the last hour's paper orders were rejected (MO-06)."""
    share = rejected / sent if sent >= FEWEST_ORDERS else 0.0
    if share < SOME_REJECTED:
        return None
    text = f"{rejected} of {sent} orders in an hour. Read the broker's reasons before any other."
    severe = "CRITICAL" if share > MANY_REJECTED else "WARNING"
    return Standing(f"{share:.0%} of the orders were rejected", text, severe)


def calendar_short(missing: int) -> Standing | None:
    """The exchange's days are not known far enough ahead (SJ-16)."""
    if not missing:
        return None
    text = (
        f"{missing} of the next {DAYS_AHEAD} days are not in the calendar. Hours, expiries and "
        "deadlines of those days are unknown: install a version with a longer table."
    )
    return Standing("The trading calendar ends soon", text, "WARNING")
