"""The runner's writes and looks at the database: each one transaction under the fencing token."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from brokerage.models import AccountProof, KillSwitch
from crucible.alerts.raising import raise_alert, resolve
from crucible.ledger.record import record
from crucible.live.publish import publish
from validation import sessions
from validation.build import SURROUNDINGS, surroundings
from validation.cleanup import Cleaned
from validation.configuration import read
from validation.lease import Lease, guarded
from validation.models import Attempt, AttemptState, CleanupState, LogLevel, Session, SessionState
from validation.observation import observation_of
from validation.route import route
from validation.scenarios import catalogue
from validation.trials import Ending
from validation.verdicts import Stop, latest

NOT_FLAT = "The clean-up could not verify that no order is open and every position is closed."
BY_HAND = "Cancel and close by hand at the broker now, then find out why the clean-up failed."


def open_run(lease: Lease) -> dict[str, Any]:
    """Issue the order grant, and return what the runner needs to know."""
    with guarded(lease) as session:
        grant = sessions.begin(session)
    rows = session.attempts.values_list("scenario", "number", "state")
    states = {
        scenario: state
        for scenario, state in latest(rows).items()
        if state not in {AttemptState.PENDING, AttemptState.RUNNING}
    }
    registry, config = catalogue.load(), read(session.config.content)
    target = route(session)
    waiting = session.attempts.filter(state=AttemptState.PENDING)
    pairs = [(attempt, registry.get(attempt.scenario)) for attempt in waiting]
    return {
        "plan": sorted(pairs, key=lambda pair: pair[1].order),
        "target": target,
        "config": config,
        "hours_required": session.needs_hours(config.validation.market_hours_required),
        "grant_id": grant.pk if grant else None,
        "fail_fast": session.fail_fast,
        "verbose": session.log_level == LogLevel.DEBUG,
        "planned": session.planned,
        "states": states,
        "facts": session.facts | {SURROUNDINGS: surroundings(target)},
        "observation": observation_of(session, lease),
    }


def admit(session: Session) -> bool:
    """Let a locked session go on from a preflight that found nothing; return whether it runs now.

    One that is not wanted yet stays READY, and its worker goes away.
    """
    if session.state == SessionState.PREFLIGHT:
        sessions.move(session, SessionState.READY, actor="worker")
    if not session.wanted:
        sessions.assign(session, lease_owner="", lease_until=None)
        return False
    event = "resumed" if session.state == SessionState.PAUSED else "running"
    sessions.move(
        session, SessionState.RUNNING, actor="worker", event=event, paused_at=None,
        started_at=session.started_at or timezone.now(),
    )  # fmt: skip
    return True


def hand_back(session: Session, findings: str) -> None:
    """Give a locked session back to people because of what its preflight found.

    A start becomes a draft again; a session that was to be resumed stays paused.
    """
    away: dict[str, Any] = {"lease_owner": "", "lease_until": None, "wanted": False}
    if session.state == SessionState.PAUSED:
        sessions.assign(session, **away)
        record(
            "session.resumption_refused", "session", session.number, actor="worker", why=findings
        )
        publish("dashboard", sessions.topic(session))
        return
    sessions.move(session, SessionState.DRAFT, actor="worker", note=findings[:2000], **away)


def give_up(lease: Lease, stop: Stop) -> None:
    """End a session whose preflight was stopped from outside, unless that has just ended it."""
    with guarded(lease) as session:
        if session.may_move(stop.state):
            sessions.end(session, stop, actor=stop.actor)


def wants_pause(lease: Lease) -> bool:
    """Say whether a person has asked for a pause."""
    asked = Session.objects.filter(pk=lease.session_id, token=lease.token)
    return asked.exclude(pause_requested_by=None).exists()


def enter_pause(lease: Lease, cleaned: Cleaned, facts: dict[str, Any]) -> Stop | None:
    """Pause the session: no grant, no lease; return why it must stop instead."""
    with guarded(lease) as session:
        sessions.assign(session, facts=facts)
        sessions.revoke_grants(session)
        stop = look_outside(lease) or (None if cleaned.ok else not_flat(session, cleaned))
        if stop is not None:
            return stop
        by = session.pause_requested_by
        sessions.move(
            session, SessionState.PAUSED, actor=by or "worker", note=session.pause_reason,
            paused_at=timezone.now(), pause_requested_by=None, wanted=False, lease_owner="",
            lease_until=None,
        )  # fmt: skip
        return None


def start_attempt(lease: Lease, attempt: Attempt) -> None:
    """Mark an attempt RUNNING."""
    with guarded(lease):
        attempt.state, attempt.started_at = AttemptState.RUNNING, timezone.now()
        attempt.save(update_fields=["state", "started_at"])
        _record(lease, attempt)


def finish_attempt(lease: Lease, attempt: Attempt, ending: Ending, ms: int | None) -> None:
    """Give an attempt its last state; `ms` is its length in real milliseconds."""
    with guarded(lease):
        attempt.state, attempt.reason = ending.state, ending.reason
        attempt.ended_at, attempt.duration_ms = timezone.now(), ms
        attempt.trace = ending.trace
        attempt.save(update_fields=["state", "reason", "trace", "ended_at", "duration_ms"])
        _record(lease, attempt, reason=ending.reason, duration_ms=ms)


def _record(lease: Lease, attempt: Attempt, **details: Any) -> None:
    record(
        f"attempt.{attempt.state.lower()}", "attempt",
        f"{lease.number}/{attempt.scenario}/{attempt.number}", actor="worker",
        session=lease.number, scenario=attempt.scenario, number=attempt.number, **details,
    )  # fmt: skip
    publish(sessions.topic_of(lease.number), f"attempt:{attempt.pk}", "dashboard")


def look_outside(lease: Lease) -> Stop | None:
    """Return why the session must stop: a person, the kill switch, or its gateway was swapped."""
    related = Session.objects.select_related("abort_requested_by", "endpoint")
    session = related.get(pk=lease.session_id)
    if session.abort_requested_by is not None and session.token == lease.token:
        who = session.abort_requested_by.get_username()
        return sessions.abort_stop(who, session.abort_reason)
    if session.endpoint.simulated != session.simulated:
        why = f"{session.endpoint.name} was made another kind of gateway after the session began."
        return Stop(SessionState.HALTED, why, "Start a new session on the gateway as it is now.")
    # Who sends no order need not stop: a bot is watched all the more when trading is stopped.
    return None if session.observes or KillSwitch.permits() else killed()


def killed() -> Stop:
    """Return the end of a session that the kill switch stops."""
    switch = KillSwitch.objects.filter(pk=KillSwitch.SINGLE).first()
    reason = switch.reason if switch else "its state can't be read"
    do = "Find the root cause; two people must reset the switch before a new session."
    return Stop(SessionState.HALTED, f"The kill switch was triggered: {reason}", do)


def saw_live_account(lease: Lease) -> bool:
    """Say whether any reading of the gateway's accounts in this run was not paper."""
    session = Session.objects.get(pk=lease.session_id)
    return AccountProof.objects.filter(
        endpoint=session.endpoint_id, ok=False, at__gte=session.started_at
    ).exists()


def enter_cleanup(lease: Lease) -> CleanupState:
    """Move the session to CLEANUP and return whether it has anything to clean up."""
    with guarded(lease) as session:
        sessions.move(session, SessionState.CLEANUP, actor="worker")
        return CleanupState(session.cleanup)


def close_run(lease: Lease, stop: Stop | None, cleaned: Cleaned, facts: dict[str, Any]) -> None:
    """End the run: store the clean-up and the facts, then complete or end the session."""
    with guarded(lease) as session:
        session.facts = facts
        session.cleanup = CleanupState.DONE if cleaned.ok else CleanupState.FAILED
        session.cleanup_note = cleaned.note
        session.save(update_fields=["facts", "cleanup", "cleanup_note"])
        # Whatever came during the last clean-up still counts.
        stop = stop or look_outside(lease)
        if not cleaned.ok:
            stop = not_flat(session, cleaned)
        if stop is None:
            sessions.complete(session, actor="worker")
        else:
            sessions.end(session, stop, actor=stop.actor)


def tell_people(
    lease: Lease, attempt: Attempt, title: str, text: str, *, severity: str, drill: str = ""
) -> None:
    """Raise a scenario's alert; one of a drill (why it was provoked) is over at once."""
    title = f"{attempt.scenario}, {title}"
    if not drill:
        kind = f"scenario-{attempt.scenario}"
        raise_alert(kind, title, text, severity=severity, ref=lease.number)
        return
    kind = f"drill-{attempt.scenario}"
    with transaction.atomic():
        words = f"Provoked on purpose by {drill}; nothing is to be done. It said: {text}"
        raise_alert(kind, f"Drill: {title}", words, severity="INFO", ref=lease.number)
        resolve(kind, ref=lease.number, actor="worker")


def not_flat(session: Session, cleaned: Cleaned) -> Stop:
    """Alert people to a clean-up that failed, and return the end of the session for it."""
    text = f"{NOT_FLAT} {cleaned.note} {BY_HAND}"
    raise_alert(
        "cleanup-failed", f"Clean-up of {session.number} failed", text,
        severity="CRITICAL", ref=session.number,
    )  # fmt: skip
    return Stop(SessionState.HALTED, f"{NOT_FLAT} {cleaned.note}", BY_HAND)
