"""A session's life: start, abort, run again, end; each change with its ledger entry."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone

from brokerage.calendar import ET
from brokerage.models import Endpoint, KillSwitch, OrderGrant
from crucible.ledger.record import record
from crucible.live.publish import publish
from crucible.roles import Role, has_role
from validation import board, checklist, outbox
from validation.build import code_version
from validation.involvement import involve
from validation.models import (
    Attempt,
    AttemptState,
    CleanupState,
    Column,
    ConfigRevision,
    RevisionState,
    Session,
    SessionKind,
    SessionState,
    Task,
)
from validation.scenarios import catalogue
from validation.scenarios.catalogue import ORDERS, Definition
from validation.verdicts import Stop, Told

MAY_START = (Role.OP, Role.QS, Role.QA)
MAY_TRY = (*MAY_START, Role.LD)
MAY_ABORT = (*MAY_START, Role.CRO, Role.PM, Role.CTO, Role.LT, Role.TL)
VALIDATION_TASK = "1.1.8"
# Longer than the longest suite: the grant ends with the session anyway.
GRANT_LIVES = timedelta(hours=2)
S = SessionState


class SessionRefused(Exception):  # noqa: N818 - an answer, not a fault
    """The session can't be started or changed as things stand; the text says why."""


def start(
    by: User,
    endpoint: Endpoint | None = None,
    scenarios: Collection[str] | None = None,
    *,
    kind: str | None = None,
    fail_fast: bool = False,
    restart_of: Session | None = None,
    seed: int | None = None,
    queue: bool = True,
    trusted: bool = False,
) -> Session:
    """Create a session with the configuration in force, and tell the workers after the commit.

    Without `scenarios` it runs the whole catalogue and is FULL, else PARTIAL. Without `queue` no
    worker is told: the caller runs it. `trusted` asks for no role: whoever has a shell on the host
    may try, and gets nothing that can be signed. Raises PermissionDenied, SessionRefused, and
    UnknownScenarioError.
    """
    definitions = catalogue.load().select(scenarios)
    kind = kind or (SessionKind.FULL if scenarios is None else SessionKind.PARTIAL)
    full = kind == SessionKind.FULL
    if (full or not trusted) and not has_role(by, *(MAY_START if full else MAY_TRY)):
        raise PermissionDenied("Your role may not start this kind of session.")
    endpoint = endpoint or Endpoint.objects.filter(is_default=True).first()
    _refuse_start(endpoint, definitions, kind)
    assert endpoint is not None
    try:
        with transaction.atomic():
            session = _create(by, endpoint, definitions, kind, fail_fast, restart_of, seed)
            if queue:
                outbox.post("session.execute", number=session.number)
    except IntegrityError as error:
        raise SessionRefused(_busy(endpoint)) from error
    return session


def _refuse_start(endpoint: Endpoint | None, definitions: list[Definition], kind: str) -> None:
    if endpoint is None:
        raise SessionRefused("No gateway is set up. Add an endpoint in the administration.")
    if not definitions:
        raise SessionRefused("The catalogue has no scenarios to run.")
    if kind == SessionKind.FULL and len(definitions) < len(catalogue.load().all()):
        raise SessionRefused("A full session runs every scenario of the catalogue.")
    if not KillSwitch.permits():
        raise SessionRefused("The kill switch is not armed. Two people must reset it first.")
    if Session.objects.filter(endpoint=endpoint, state__in=[S.READY, S.RUNNING, S.CLEANUP]):
        raise SessionRefused(_busy(endpoint))


def _busy(endpoint: Endpoint) -> str:
    other = Session.objects.filter(endpoint=endpoint, state__in=[S.READY, S.RUNNING, S.CLEANUP])
    number = other.values_list("number", flat=True).first() or "another session"
    return f"{endpoint.name} is taken by {number}. Wait for its end, or abort it."


def _create(
    by: User,
    endpoint: Endpoint,
    definitions: list[Definition],
    kind: str,
    fail_fast: bool,
    restart_of: Session | None,
    seed: int | None,
) -> Session:
    config = ConfigRevision.objects.filter(state=RevisionState.ACTIVE).first()
    if config is None:
        raise SessionRefused("No configuration is in force. Approve and activate a revision.")
    session = Session.objects.create(
        number=next_number(), kind=kind, endpoint=endpoint, config=config, created_by=by,
        endpoint_name=f"{endpoint.name} ({endpoint.host}:{endpoint.port})",
        simulated=endpoint.kind == Endpoint.Kind.SIMULATED, speed=endpoint.speed, seed=seed,
        code_version=code_version(), planned=len(definitions), fail_fast=fail_fast,
        restart_of=restart_of, task=_task(kind),
    )  # fmt: skip
    involve(session, by, "started the session")
    add_attempts(session, definitions)
    if session.approvable:
        checklist.create(session)
    why = f"Session {session.number} was started."
    board.move_by_system(session.task, Column.VALIDATION, actor=by, why=why, link=link(session))
    record(
        "session.started", "session", session.number, actor=by, session_kind=kind,
        endpoint=session.endpoint_name, config=config.digest, config_revision=config.number,
        code_version=session.code_version, simulated=session.simulated,
        scenarios=[definition.id for definition in definitions], fail_fast=fail_fast,
        restart_of=restart_of.number if restart_of else None,
    )  # fmt: skip
    publish("dashboard", topic(session))
    return session


def _task(kind: str) -> Task | None:
    if kind != SessionKind.FULL:
        return None
    return Task.objects.filter(code=VALIDATION_TASK).exclude(column=Column.DONE).first()


def next_number() -> str:
    """Return the next session number of the exchange's day: prelive_YYYYMMDD_NNN."""
    prefix = f"prelive_{timezone.now().astimezone(ET):%Y%m%d}_"
    last = Session.objects.filter(number__startswith=prefix).order_by("number").last()
    count = int(last.number.removeprefix(prefix)) if last else 0
    return f"{prefix}{count + 1:03d}"


def add_attempts(session: Session, definitions: list[Definition]) -> None:
    """Plan one more attempt at each of these scenarios."""
    known = dict.fromkeys((definition.id for definition in definitions), 0)
    for scenario in session.attempts.values_list("scenario", flat=True):
        known[scenario] = known.get(scenario, 0) + 1
    Attempt.objects.bulk_create(
        Attempt(
            session=session, scenario=definition.id, slug=definition.slug,
            title=definition.title, category=definition.category, position=position,
            number=known[definition.id] + 1, version=definition.version,
            severity=definition.severity, timeout_s=definition.timeout,
        )
        for position, definition in enumerate(definitions, start=1)
    )  # fmt: skip


def rerun(session: Session, scenarios: Collection[str], by: User) -> Session:
    """Add further attempts at these scenarios and queue the session again.

    The first attempts stay and are shown to those who sign. Raises PermissionDenied,
    SessionRefused and UnknownScenarioError.
    """
    definitions = catalogue.load().select(scenarios)
    if not has_role(by, *MAY_START):
        raise PermissionDenied("Your role may not run scenarios again.")
    _refuse_start(session.endpoint, definitions, SessionKind.PARTIAL)
    try:
        with transaction.atomic():
            session = lock(session)
            _refuse_rerun(session)
            involve(session, by, "ran scenarios again")
            add_attempts(session, definitions)
            names = [definition.id for definition in definitions]
            move(session, S.READY, actor=by, event="rerun", scenarios=names, ended_at=None)
            outbox.post("session.execute", number=session.number)
    except IntegrityError as error:
        raise SessionRefused(_busy(session.endpoint)) from error
    return session


def _refuse_rerun(session: Session) -> None:
    if not session.may_move(S.READY):
        raise SessionRefused(f"{session.number} is {session.get_state_display()}.")
    if session.code_version != code_version():
        raise SessionRefused("The product has changed since. Start a new session.")
    if session.endpoint.simulated != session.simulated:
        raise SessionRefused("The gateway is of another kind since. Start a new session.")


def abort(session: Session, by: User, reason: str, *, trusted: bool = False) -> Session:
    """Stop a session: at once when nobody runs it yet, else within a second by its worker.

    Raises PermissionDenied (not for the `trusted` shell that runs it) and SessionRefused.
    """
    if not trusted and not has_role(by, *MAY_ABORT):
        raise PermissionDenied("Your role may not abort sessions.")
    if not (reason := reason.strip()):
        raise SessionRefused("Say why the session is aborted.")
    with transaction.atomic():
        session = lock(session)
        if not session.in_flight:
            raise SessionRefused(f"{session.number} is {session.get_state_display()} already.")
        involve(session, by, "aborted the session")
        asked = {"abort_requested_by": by, "abort_requested_at": timezone.now()}
        if session.state == S.READY:
            end(session, abort_stop(by.get_username(), reason), actor=by, **asked)
        else:
            _set(session, abort_reason=reason[:500], **asked)
            record("session.abort_requested", "session", session.number, actor=by, reason=reason)
        publish("dashboard", topic(session))
    return session


def abort_stop(who: str, reason: str) -> Stop:
    """Return the end of a session that a person aborted."""
    return Stop(S.ABORTED, f"{who} aborted it: {reason}", "Start a new session when ready.")


def lock(session: Session) -> Session:
    """Lock and re-read a session inside the caller's transaction."""
    return Session.objects.select_for_update().get(pk=session.pk)


def move(
    session: Session, state: SessionState, *, actor: User | str, event: str = "", **fields: Any
) -> None:
    """Move a locked session along its state machine and write the ledger; raises SessionRefused."""
    if not session.may_move(state):
        raise SessionRefused(f"{session.number} can't go from {session.state} to {state}.")
    before = session.state
    details = {key: fields.pop(key) for key in ("scenarios", "note") if key in fields}
    _set(session, state=state, **fields)
    kind = f"session.{event or state.lower()}"
    record(kind, "session", session.number, actor=actor, before=before, after=state, **details)
    publish("dashboard", topic(session))


def end(session: Session, stop: Stop, *, actor: User | str, **fields: Any) -> None:
    """End a locked session before its time: open attempts are aborted, the task is told."""
    what = f"The session ended {SessionState(stop.state).label.upper()}."
    abort_attempts(session, stop.why)
    OrderGrant.objects.filter(scope=session.number, revoked_at=None).update(
        revoked_at=timezone.now()
    )
    outcome = str(Told(what, stop.why, stop.do))
    move(
        session, stop.state, actor=actor, note=stop.why, outcome_reason=outcome,
        ended_at=timezone.now(), lease_owner="", lease_until=None, **fields,
    )  # fmt: skip
    column = Column.BLOCKED if stop.state in {S.BLOCKED, S.HALTED} else Column.IN_PROGRESS
    why = f"Session {session.number}: {outcome}"
    board.move_by_system(session.task, column, actor="system", why=why, link=link(session))


def abort_attempts(session: Session, why: str) -> None:
    """Mark every attempt that has not ended as ABORTED."""
    for attempt in session.attempts.filter(state__in=[AttemptState.PENDING, AttemptState.RUNNING]):
        attempt.reason = why
        attempt.ended_at = timezone.now() if attempt.started_at else None
        attempt.state = AttemptState.ABORTED
        attempt.save(update_fields=["state", "reason", "ended_at"])
        record("attempt.aborted", "attempt", attempt.pk, actor="system", attempt=str(attempt))


def begin(session: Session, *, actor: str) -> OrderGrant | None:
    """Write down that a claimed session runs; issue its order grant if it needs one."""
    record("session.running", "session", session.number, actor=actor, token=session.token)
    pending = session.attempts.filter(state=AttemptState.PENDING)
    definitions = [catalogue.load().get(attempt.scenario) for attempt in pending]
    publish("dashboard", topic(session))
    if not any(definition.wants(ORDERS) for definition in definitions):
        return None
    _set(session, cleanup=CleanupState.PENDING)
    return _issue_grant(session)


def _issue_grant(session: Session) -> OrderGrant:
    limits = session.config.content["limits"]
    grant = OrderGrant.objects.create(
        scope=session.number, endpoint=session.endpoint, issued_by=session.created_by,
        expires_at=timezone.now() + GRANT_LIVES, max_orders=limits["max_orders"],
        max_contracts=limits["max_contracts"], max_shares=limits["max_shares"],
        max_notional=limits["max_notional"],
        max_premium=session.config.content["test_contracts"]["spy_weekly_call"]["premium_cap"],
    )  # fmt: skip
    record("grant.issued", "grant", grant.pk, actor="system", scope=session.number)
    return grant


def complete(session: Session, *, actor: str) -> None:
    """End the run of a locked session whose scenarios are all done: people go on from here."""
    OrderGrant.objects.filter(scope=session.number, revoked_at=None).update(
        revoked_at=timezone.now()
    )
    target = S.MANUAL_CHECKS if session.approvable else S.REPORTING
    move(
        session, target, actor=actor, event="completed", ended_at=timezone.now(),
        lease_owner="", lease_until=None,
    )  # fmt: skip
    if session.approvable:
        checklist.evaluate(session)


def _set(session: Session, **fields: Any) -> None:
    for name, value in fields.items():
        setattr(session, name, value)
    session.save(update_fields=list(fields))


def link(session: Session) -> str:
    """Return the address of the session's page, for comments."""
    return f"/sessions/{session.number}/"


def topic(session: Session) -> str:
    """Return the name under which open pages hear of the session."""
    return topic_of(session.number)


def topic_of(number: str) -> str:
    """Return the name under which open pages hear of the session with this number."""
    return f"session:{number}"
