"""What the board says of a session that is handed in for its signatures (RP-22, WF-14)."""

from datetime import timedelta

from django.urls import reverse

from validation import findings
from validation.artefacts import performance
from validation.facts import Facts
from validation.models import AttemptState
from validation.verdicts import BAD, CRITICAL


def submitted(facts: Facts, request_id: int) -> str:
    """Return pass rate, duration, uptime, critical issues and archive, and who is waited for."""
    session = facts.session
    passed = facts.count(AttemptState.PASSED)
    label = "SIMULATED. " if session.simulated else ""
    issues = "; ".join(critical_issues(facts)) or "none"
    return (
        f"{label}{passed} of {session.planned} scenarios passed; duration {_duration(facts)}; "
        f"uptime {_uptime(facts)}; critical issues: {issues}. The report is complete; archive: "
        f"{reverse('archive', args=[session.number])}. "
        f"@QA @CRO: sign-off request {request_id} waits for you."
    )


def critical_issues(facts: Facts) -> list[str]:
    """Name critical scenarios that went wrong, and findings that block and nobody planned."""
    failed = [
        f"{one.scenario} {one.get_state_display().lower()}"
        for one in facts.counted
        if one.severity == CRITICAL and one.state in BAD
    ]
    seen = [row.name for row in findings.summarise(facts.session) if row.blocks]
    return [*failed, *seen]


def _duration(facts: Facts) -> str:
    begun, ended = facts.session.started_at, facts.session.ended_at
    if begun is None or ended is None:
        return "not known"
    return str(timedelta(seconds=round((ended - begun).total_seconds())))


def _uptime(facts: Facts) -> str:
    (share,) = (row["value"] for row in performance.figures(facts) if row["unit"] == "%")
    return "not measured" if share is None else f"{share:g} %, planned faults aside"
