"""What a session page tells: how far it is, and what to do next."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from django.urls import reverse

from brokerage.models import KillSwitch
from validation.milestones import handed_over
from validation.models import (
    Attempt,
    AttemptState,
    CleanupState,
    Item,
    Session,
    SessionKind,
    SessionState,
)
from validation.preflight.report import Findings
from validation.verdicts import BAD

S = SessionState
UNDONE = {AttemptState.PENDING, AttemptState.RUNNING}
CUT_SHORT = {*UNDONE, AttemptState.ABORTED}
# How long each may take in minutes (WF-01); 2 to 3 hours in all.
STEPS = (
    ("Preflight", {S.DRAFT, S.PREFLIGHT, S.READY}, "15 min"),
    ("Scenarios", {S.RUNNING, S.PAUSED}, "30–60 min"),
    ("Clean-up", {S.CLEANUP}, "10 min"),
    ("Manual checks", {S.MANUAL_CHECKS}, "30 min"),
    ("Report", {S.REPORTING}, ""),
    ("Sign-off", {S.AWAITING_APPROVAL}, "2–3 h in all"),
    ("Transition", set[SessionState](), ""),
)
SIGNED_ONLY = {"Manual checks", "Sign-off", "Transition"}
TITLES = [title for title, _, _ in STEPS]
ICONS = {
    "done": "circle-check",
    "now": "player-play",
    "todo": "circle-dashed",
    "bad": "circle-x",
}


@dataclass(frozen=True)
class Tally:
    """How many scenarios stand where; the latest attempt at each counts."""

    planned: int
    counts: Counter[str]
    retried: int = 0  # of those that passed

    @property
    def passed(self) -> int:
        """Scenarios that passed."""
        return self.counts[AttemptState.PASSED]

    @property
    def skipped(self) -> int:
        """Scenarios that were skipped; they never count as passed."""
        return self.counts[AttemptState.SKIPPED]

    @property
    def ended(self) -> int:
        """Scenarios that reached their end; one that was aborted did not."""
        return sum(self.counts.values()) - sum(self.counts[state] for state in CUT_SHORT)

    @property
    def failed(self) -> int:
        """Scenarios that failed, timed out or ended in error."""
        return sum(self.counts[state] for state in BAD)

    @property
    def tone(self) -> str:
        """How a figure of these looks."""
        if self.failed:
            return "bad"
        whole = self.passed and self.passed == self.planned
        return ("warn" if self.retried else "ok") if whole else ""


class Step(NamedTuple):
    """One of the steps of a session; `target` is how long it is meant to take."""

    title: str
    state: str
    icon: str
    note: str
    target: str


@dataclass(frozen=True)
class Advice:
    """What happened and what to do next, with the way there."""

    tone: str
    icon: str
    title: str
    text: str
    url: str = ""
    label: str = ""


ABORTING = Advice(
    "warn",
    "player-stop",
    "Abort requested",
    "The running scenario is being stopped, then own orders are cancelled.",
)
# `url` is the name of an address here; the title may hold the number of open blocking items.
GOING = {
    S.DRAFT: Advice(
        "warn",
        "ban",
        "The preflight found what blocks a start",
        "Remove the causes below, then check again.",
    ),
    S.PREFLIGHT: Advice(
        "info",
        "list-check",
        "Preflight",
        "A worker looks at gateway, account, market and product; it takes a few seconds.",
    ),
    S.READY: Advice(
        "info",
        "flag",
        "Ready to run",
        "Nothing blocks. The findings hold for 30 minutes, then they are made anew.",
    ),
    S.PAUSED: Advice(
        "warn",
        "clock",
        "Paused",
        "No order works, no grant is open. It is aborted after 30 minutes; resuming makes the "
        "same checks as a start.",
    ),
    S.SUPERSEDED: Advice(
        "info",
        "history",
        "A newer session was approved in its place",
        "Its results, report and signatures stay as they are.",
        "report",
        "Open the report",
    ),
    S.RUNNING: Advice(
        "info", "activity", "Scenarios are running", "Nothing to do: results appear as they come."
    ),
    S.CLEANUP: Advice(
        "info", "refresh", "Cleaning up", "Own orders are cancelled, own positions closed."
    ),
    S.MANUAL_CHECKS: Advice(
        "warn",
        "checklist",
        "Blocking checklist items to close: {held}",
        "Attest what you have seen yourself, or document an exception.",
        "checklist",
        "Open the checklist",
    ),
    S.REPORTING: Advice(
        "info",
        "file-text",
        "Read the report and submit it",
        "Submission freezes the report and asks QA Lead, CRO and Project Manager to sign.",
        "report",
        "Open the report",
    ),
    S.AWAITING_APPROVAL: Advice(
        "warn",
        "hourglass",
        "Waiting for signatures",
        "Any change to what is signed voids every signature.",
        "report",
        "Read what was submitted",
    ),
    S.APPROVED: Advice(
        "ok",
        "shield-check",
        "Approved: this session is complete",
        "Its results, report and signatures can no longer change.",
        "report",
        "Open the report",
    ),
}
UNSIGNED = Advice(
    "info",
    "file-text",
    "Finished",
    "Only a full session can be signed: this one is for reading.",
    "report",
    "Open the report",
)
OBSERVING = Advice(
    "info",
    "eye",
    "Looking on",
    "No order is sent, and none of the bot's is touched. What it does appears as it is seen.",
)
HUNG = Advice(
    "warn",
    "hourglass",
    "{scenario} is overdue",
    "It has run for more than twice the time that it should take. Look at log, network and "
    "gateway; it is ended at its limit, or abort the session.",
)
PAUSING = Advice("warn", "clock", "Pause requested", "The running scenario comes to its end first.")
STOPPED = {
    S.ABORTED: "This session was aborted",
    S.BLOCKED: "This session stopped itself",
    S.HALTED: "This session was halted for safety",
    S.INTERRUPTED: "The worker was lost: this session was interrupted",
    S.REJECTED: "The sign-off was refused",
}


def tally(attempts: Iterable[Attempt], planned: int) -> Tally:
    """Count the latest attempt at each scenario; attempts come in the order of their number."""
    latest = {attempt.scenario: attempt for attempt in attempts}
    states = Counter(str(attempt.state) for attempt in latest.values())
    return Tally(planned or len(latest), states, sum(one.on_retry for one in latest.values()))


def not_passed(attempts: Iterable[Attempt]) -> list[str]:
    """The scenarios whose latest attempt ended other than passed."""
    latest = {attempt.scenario: attempt.state for attempt in attempts}
    return [name for name, state in latest.items() if state not in {*UNDONE, AttemptState.PASSED}]


def steps(session: Session, counted: Tally, items: Sequence[Item]) -> list[Step]:
    """Return the steps, each done, now, still to do, or where it went wrong.

    What nobody signs has no manual checks, no sign-off and no transition; what was imported had no
    preflight and no clean-up of ours.
    """
    left_out = set[str]() if session.approvable else SIGNED_ONLY
    if session.kind == SessionKind.IMPORTED:
        left_out = left_out | {"Preflight", "Clean-up"}
    at = _reached(session, counted)
    stopped = session.state in STOPPED
    notes = _notes(session, counted, items)
    found = []
    for index, (title, _, target) in enumerate(STEPS):
        state = "done" if index < at else "todo" if index > at else "bad" if stopped else "now"
        if title not in left_out:
            found.append(Step(title, state, ICONS[state], notes.get(title, ""), target))
    return found


def _reached(session: Session, counted: Tally) -> int:
    if session.signed:
        return len(STEPS) if handed_over(session) else TITLES.index("Transition")
    if session.state == S.REJECTED:
        return TITLES.index("Sign-off")
    for index, (_, states, _) in enumerate(STEPS):
        if session.state in states:
            return index
    return 1 if session.started_at or counted.ended else 0


def _notes(session: Session, counted: Tally, items: Sequence[Item]) -> dict[str, str]:
    judged = session.state in {S.MANUAL_CHECKS, S.REPORTING}
    held = sum(item.holds_up for item in items) if judged else 0
    return {
        "Scenarios": f"{counted.ended} of {counted.planned} ended" if counted.planned else "",
        "Clean-up": CleanupState(session.cleanup).label if session.ended_at else "",
        "Manual checks": f"{held} blocking open" if held else "",
        "Sign-off": session.get_state_display() if session.signed else "",
    }


def advice(session: Session, items: Sequence[Item], findings: Findings | None = None) -> Advice:
    """Return what the people of this session should know and do now."""
    found = _stopped(session) or _going(session, items)
    held = [one.code for one in findings.open if one.holds_up] if findings else []
    if held and session.state in {S.DRAFT, S.PAUSED} and not session.wanted:
        found = replace(found, tone="bad", text=f"{found.text} In the way: {', '.join(held)}.")
    return found


def hung(attempt: Attempt) -> Advice:
    """Return what to do about a scenario that runs for too long."""
    return replace(HUNG, title=HUNG.title.format(scenario=attempt.scenario))


def _stopped(session: Session) -> Advice | None:
    title = STOPPED.get(SessionState(session.state))
    if title is None:
        return None
    text = session.outcome_reason or "The audit log says who stopped it and when."
    if session.cleanup_note and session.state != S.REJECTED:
        text = f"{text}\n{session.cleanup_note}"
    if not _armed():
        url = reverse("brokerage:kill_switch")
        return Advice("bad", "alert-octagon", title, text, url, "Reset the kill switch first")
    url = f"{reverse('sessions')}?restart_of={session.number}#start"
    return Advice("bad", "alert-triangle", title, text, url, "Start a new session from it")


def _armed() -> bool:
    switch = KillSwitch.objects.filter(pk=KillSwitch.SINGLE).first()
    return switch is not None and switch.armed


def _going(session: Session, items: Sequence[Item]) -> Advice:
    if session.abort_requested_at and session.in_flight:
        return ABORTING
    if session.pause_requested_by_id and session.state == S.RUNNING:
        return PAUSING
    if session.state == S.REPORTING and not session.approvable:
        url = reverse(UNSIGNED.url, args=[session.number])
        return replace(UNSIGNED, url=url)
    if session.observes and session.state == S.RUNNING:
        return OBSERVING
    held = sum(item.holds_up for item in items)
    found = GOING[SessionState(session.state)]
    url = reverse(found.url, args=[session.number]) if found.url else ""
    if found.url == "checklist":
        url = f"{url}?show=open"
    return replace(found, url=url, title=found.title.format(held=held))
