"""How every state of the product looks: a word, an icon and a tone, never a colour alone."""

from typing import NamedTuple


class Look(NamedTuple):
    """Tone is one of ok, warn, bad, info, sim, idle, loud; the icon a symbol of icons.svg."""

    word: str
    icon: str
    tone: str


LOOKS = {
    # sessions
    "DRAFT": Look("Draft", "edit", "idle"),
    "PREFLIGHT": Look("Preflight", "list-check", "info"),
    "READY": Look("Ready", "flag", "info"),
    "RUNNING": Look("Running", "loader-2", "info"),
    "PAUSED": Look("Paused", "clock", "warn"),
    "CLEANUP": Look("Cleaning up", "refresh", "info"),
    "MANUAL_CHECKS": Look("Manual checks", "checklist", "warn"),
    "REPORTING": Look("Reporting", "file-text", "info"),
    "AWAITING_APPROVAL": Look("Awaiting approval", "hourglass", "warn"),
    "APPROVED": Look("Approved", "shield-check", "ok"),
    "REJECTED": Look("Rejected", "circle-x", "bad"),
    "ABORTED": Look("Aborted", "player-stop", "bad"),
    "BLOCKED": Look("Blocked", "hand-stop", "bad"),
    "HALTED": Look("Halted", "alert-octagon", "loud"),
    "INTERRUPTED": Look("Interrupted", "plug-x", "bad"),
    "SUPERSEDED": Look("Superseded", "history", "idle"),
    # scenario attempts
    "PENDING": Look("Pending", "circle-dashed", "idle"),
    "PASSED": Look("Passed", "circle-check", "ok"),
    "PASSED_ON_RETRY": Look("Passed on retry", "refresh", "warn"),
    "FAILED": Look("Failed", "circle-x", "bad"),
    "ERROR": Look("Error", "alert-triangle", "bad"),
    "TIMED_OUT": Look("Timed out", "clock", "bad"),
    "SKIPPED": Look("Skipped", "player-skip-forward", "warn"),
    # checklists and their items
    "OPEN": Look("Open", "circle", "warn"),
    "AUTO_PASS": Look("Pass (machine)", "circle-check", "ok"),
    "AUTO_FAIL": Look("Fail (machine)", "circle-x", "bad"),
    "PASS": Look("Pass", "circle-check", "ok"),
    "FAIL": Look("Fail", "circle-x", "bad"),
    "EXCEPTION": Look("Exception", "alert-triangle", "warn"),
    "NOT_APPLICABLE": Look("Not applicable", "circle-minus", "idle"),
    "IN_PROGRESS": Look("In progress", "player-play", "info"),
    "COMPLETE": Look("Complete", "circle-check", "ok"),
    "LOCKED": Look("Locked", "lock", "idle"),
    "FROZEN": Look("Frozen", "lock", "ok"),
    # sign-off requests and their slots
    "PARTIALLY_SIGNED": Look("Partly signed", "writing-sign", "info"),
    "CHANGES_REQUESTED": Look("Changes requested", "arrow-back-up", "warn"),
    "VOIDED": Look("Voided", "ban", "bad"),
    "VOID": Look("Void", "ban", "bad"),
    "WITHDRAWN": Look("Withdrawn", "arrow-back-up", "idle"),
    "AWAITING": Look("Awaiting", "hourglass", "warn"),
    "OVERDUE": Look("Overdue", "alert-triangle", "bad"),
    # kill switch
    "ARMED": Look("Armed", "shield-check", "ok"),
    "TRIGGERED": Look("Triggered", "alert-octagon", "loud"),
    "RESET_REQUESTED": Look("Reset requested", "hourglass", "bad"),
    "PROBATION": Look("Probation", "shield-question", "warn"),
    # endpoints
    "CONNECTED": Look("Connected", "plug-connected", "ok"),
    "DISCONNECTED": Look("Disconnected", "plug-x", "bad"),
    "UNREACHABLE": Look("Unreachable", "plug-x", "bad"),
    "SILENT": Look("Does not answer", "plug-x", "bad"),
    "NOT_PAPER": Look("Not a paper account", "shield-x", "loud"),
    "OTHER_KIND": Look("Another kind of gateway", "shield-x", "loud"),
    "UNKNOWN": Look("Unknown", "help-circle", "warn"),
    "SIMULATED": Look("Simulated", "test-pipe", "sim"),
    "PAPER": Look("Paper", "file-text", "info"),
    # configuration
    "PROPOSED": Look("Proposed", "hourglass", "warn"),
    "ACTIVE": Look("Active", "circle-check", "ok"),
    # board
    "BACKLOG": Look("Backlog", "circle-dashed", "idle"),
    "VALIDATION": Look("Validation", "activity", "info"),
    "DONE": Look("Done", "circle-check", "ok"),
    # orders
    "INTENT": Look("Intent", "circle-dashed", "idle"),
    "REFUSED": Look("Refused", "ban", "bad"),
    "SUBMITTING": Look("Submitting", "loader-2", "info"),
    "SUBMITTED": Look("Submitted", "arrow-right", "info"),
    "PARTIAL": Look("Partly filled", "circle-dashed", "info"),
    "FILLED": Look("Filled", "circle-check", "ok"),
    "CANCEL_PENDING": Look("Cancelling", "loader-2", "warn"),
    "CANCELLED": Look("Cancelled", "circle-minus", "idle"),
    "NO_RESPONSE": Look("No response", "help-circle", "bad"),
    # uploads, alerts, attachments to the above
    "RECEIVED": Look("Received", "upload", "info"),
    "PARSED": Look("Read", "circle-check", "ok"),
    "ACCEPTED": Look("Accepted", "circle-check", "ok"),
    "ACKNOWLEDGED": Look("Acknowledged", "check", "info"),
    "EXPIRED": Look("Expired", "alert-triangle", "warn"),
    "RESOLVED": Look("Resolved", "circle-check", "ok"),
    # verdicts of a metric's evidence
    "INSUFFICIENT": Look("Insufficient", "alert-triangle", "warn"),
    "NO_DATA": Look("No data", "circle-dashed", "idle"),
    # log and alert severities
    "DEBUG": Look("Debug", "info-circle", "idle"),
    "INFO": Look("Info", "info-circle", "info"),
    "WARNING": Look("Warning", "alert-triangle", "warn"),
    "CRITICAL": Look("Critical", "alert-octagon", "loud"),
}

# Where one word means another thing elsewhere.
SPECIAL = {
    ("kind", "PARTIAL"): Look("Partial", "list-details", "idle"),
    ("kind", "FULL"): Look("Full", "list-check", "info"),
    ("kind", "DRY_RUN"): Look("Dry run", "test-pipe", "idle"),
    ("kind", "IMPORTED"): Look("Imported", "upload", "idle"),
    ("kind", "DRILL"): Look("Drill", "bolt", "warn"),
    ("kind", "OBSERVE"): Look("Observe", "eye", "idle"),
    ("health", "WARN"): Look("Warning", "alert-triangle", "warn"),
    ("health", "BLOCK"): Look("Blocks", "ban", "bad"),
    ("health", "ATTEST"): Look("A person looks", "user", "info"),
    ("health", "UNKNOWN"): Look("Unknown", "help-circle", "warn"),
    ("difference", "OPEN"): Look("Open", "alert-triangle", "bad"),
    ("difference", "EXPLAINED"): Look("Explained", "circle-check", "ok"),
    ("request", "OPEN"): Look("Open", "inbox", "warn"),
    ("config", "ACTIVE"): Look("In force", "circle-check", "ok"),
    ("slot", "LOCKED"): Look("Not yet", "lock", "idle"),
    ("upload", "FAILED"): Look("Tests failed", "circle-x", "bad"),
    ("upload", "PASSED"): Look("Green", "circle-check", "ok"),
}


def look_of(state: object, kind: str = "") -> Look:
    """Return the look of a state; what nobody knows is shown as unknown, never as healthy."""
    code = str(state or "UNKNOWN")
    unknown = Look(code.replace("_", " ").capitalize(), "help-circle", "idle")
    return SPECIAL.get((kind, code)) or LOOKS.get(code, unknown)
