"""A session's life: start, check, run, abort, run again, end; each change with its entry."""

from collections.abc import Collection
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone

from brokerage.models import Endpoint, KillSwitch
from crucible.ledger.record import record
from crucible.live.publish import publish
from crucible.roles import Role, has_role
from validation import board, checklist, outbox
from validation.build import code_version
from validation.cleanup import left_at
from validation.findings import TWO_HOURS
from validation.involvement import involve
from validation.lease import FINDINGS_LIVE
from validation.models import (
    Attempt,
    AttemptState,
    Column,
    ConfigRevision,
    LogLevel,
    RevisionState,
    Session,
    SessionKind,
    SessionState,
    Task,
)
from validation.models.session import IN_FLIGHT, STOPPED
from validation.numbering import numbered
from validation.observation import SCENARIO, Term
from validation.scenarios import catalogue
from validation.scenarios.catalogue import Definition
from validation.transitions import (
    SessionRefused,
    abort_attempts,
    abort_stop,
    assign,
    begin,
    complete,
    end,
    link,
    lock,
    move,
    revoke_grants,
    topic,
    topic_of,
)

__all__ = [
    "MAY_ABORT", "MAY_START", "MAY_TRY", "SessionRefused", "abort", "abort_attempts", "abort_stop",
    "add_attempts", "assign", "begin", "complete", "end", "enqueue", "link", "lock", "move",
    "preflight", "refuse_change", "rerun", "revoke_grants", "run_now", "stale",
    "start", "topic", "topic_of",
]  # fmt: skip

MAY_START = (Role.OP, Role.QS, Role.QA)
MAY_TRY = (*MAY_START, Role.LD)
MAY_ABORT = (*MAY_START, Role.CRO, Role.PM, Role.CTO, Role.LT, Role.TL)
VALIDATION_TASK = "1.1.8"
S = SessionState
# In these states a session waits for a worker or for a person, unless somebody holds its lease.
WITHOUT_WORKER = (S.DRAFT, S.PREFLIGHT, S.READY, S.PAUSED)


def start(
    by: User,
    endpoint: Endpoint | None = None,
    scenarios: Collection[str] | None = None,
    *,
    kind: str | None = None,
    fail_fast: bool = False,
    restart_of: Session | None = None,
    seed: int | None = None,
    run: bool = True,
    queue: bool = True,
    trusted: bool = False,
    term: Term | None = None,
    log_level: str = LogLevel.INFO,
    two_hours: bool = False,
) -> Session:
    """Create a session with the configuration in force and queue its preflight.

    It runs by itself when nothing blocks; without `run` it stays READY until `run_now`. Without
    `scenarios` it runs the whole catalogue and is FULL, else PARTIAL. Without `queue` no worker is
    told: the caller runs it. `trusted` asks for no role: whoever has a shell on the host may try,
    and gets nothing that can be signed. A `term` is of an observing session, which runs nothing
    but its own scenario; `log_level` DEBUG also keeps what is on the wire. With `two_hours` it
    goes on at its end until it has been watched for as long as is asked. Raises PermissionDenied,
    SessionRefused, and UnknownScenarioError.
    """
    if term is not None:
        kind, scenarios = _to_observe([*(scenarios or ()), *[TWO_HOURS] * two_hours], term)
    definitions = catalogue.load().select(scenarios, two_hours=two_hours)
    kind = kind or (SessionKind.FULL if scenarios is None else SessionKind.PARTIAL)
    full = kind == SessionKind.FULL
    if (full or not trusted) and not has_role(by, *(MAY_START if full else MAY_TRY)):
        raise PermissionDenied("Your role may not start this kind of session.")
    endpoint = endpoint or Endpoint.objects.filter(is_default=True).first()
    _refuse_start(endpoint, definitions, kind)
    _refuse_predecessor(restart_of)
    assert endpoint is not None
    plan = (by, endpoint, definitions, kind, fail_fast, restart_of, seed, term, log_level)

    def create(number: str) -> Session:
        session = _create(number, *plan)
        enqueue(session, by, run=run, tell=queue)
        return session

    try:
        return numbered(create)
    except IntegrityError as error:
        raise SessionRefused(_busy(endpoint)) from error


def _to_observe(scenarios: Collection[str] | None, term: Term) -> tuple[str, list[str]]:
    if scenarios or term.problem:
        raise SessionRefused(term.problem or f"An observing session runs {SCENARIO} alone.")
    return SessionKind.OBSERVE, [SCENARIO]


def enqueue(
    session: Session, by: User | str, *, run: bool, tell: bool = True, **details: Any
) -> None:
    """Send a locked session into its preflight, inside the caller's transaction."""
    held = {"gateway": session.endpoint.gateway}
    move(session, S.PREFLIGHT, actor=by, wanted=run, checked_at=None, **held, **details)
    if tell:
        outbox.post("session.execute", number=session.number)


def preflight(session: Session, by: User, *, run: bool = True) -> Session:
    """Check a draft, or a session that is ready, once more; with `run` it then runs by itself.

    A draft that never ran takes over the configuration and the version of now. Raises
    PermissionDenied and SessionRefused.
    """
    _require(by, session)
    _refuse_start(session.endpoint, _pending(session), _once_started(session), session)
    try:
        with transaction.atomic():
            session = lock(session)
            if session.lease_until is not None or not session.may_move(S.PREFLIGHT):
                raise SessionRefused(f"{session.number} is {session.get_state_display()}.")
            _freeze(session)
            involve(session, by, "started the preflight")
            enqueue(session, by, run=run)
    except IntegrityError as error:
        raise SessionRefused(_busy(session.endpoint)) from error
    return session


def run_now(session: Session, by: User) -> Session:
    """Run a session that is READY: a worker takes it; findings that grew old are made anew.

    Raises PermissionDenied and SessionRefused.
    """
    _require(by, session)
    _refuse_start(session.endpoint, _pending(session), _once_started(session), session)
    with transaction.atomic():
        session = lock(session)
        if session.state != S.READY:
            raise SessionRefused(f"{session.number} is {session.get_state_display()}, not Ready.")
        refuse_change(session)
        involve(session, by, "started the session")
        if stale(session):
            enqueue(session, by, run=True, note="The preflight's findings were too old.")
        else:
            assign(session, wanted=True)
            record("session.run_requested", "session", session.number, actor=by)
            outbox.post("session.execute", number=session.number)
    return session


def stale(session: Session) -> bool:
    """Say whether the preflight's findings are too old to start on."""
    return session.checked_at is None or timezone.now() - session.checked_at > FINDINGS_LIVE


def _require(by: User, session: Session) -> None:
    if not has_role(by, *(MAY_START if session.approvable else MAY_TRY)):
        raise PermissionDenied("Your role may not start this kind of session.")


def _once_started(session: Session) -> str:
    """What was asked of the kind at the start is asked of a full session no more."""
    return SessionKind.PARTIAL if session.kind == SessionKind.FULL else session.kind


def _pending(session: Session) -> list[Definition]:
    waiting = session.attempts.filter(state=AttemptState.PENDING)
    return [catalogue.load().get(attempt.scenario) for attempt in waiting]


def _freeze(session: Session) -> None:
    """Pin a draft to the configuration and the code of now, unless a part of it has run."""
    if session.started_at is not None:
        return refuse_change(session)
    endpoint = session.endpoint
    return assign(
        session, config=_config(), code_version=code_version(), speed=endpoint.speed,
        simulated=endpoint.kind == Endpoint.Kind.SIMULATED, endpoint_name=_address(endpoint),
    )  # fmt: skip


def _refuse_start(
    endpoint: Endpoint | None,
    definitions: list[Definition],
    kind: str,
    itself: Session | None = None,
) -> None:
    if endpoint is None:
        raise SessionRefused("No gateway is set up. Add an endpoint in the administration.")
    if not definitions:
        raise SessionRefused("The catalogue has no scenarios to run.")
    counted = [one for one in definitions if one.id != TWO_HOURS]
    if kind == SessionKind.FULL and counted != catalogue.load().core():
        raise SessionRefused("A full session runs every scenario of the catalogue and no other.")
    if kind == SessionKind.DRY_RUN and not endpoint.simulated:
        raise SessionRefused("A dry run is for simulated gateways (in a shell: give a --user).")
    observes = kind == SessionKind.OBSERVE
    if observes != any(one.id == SCENARIO for one in definitions):
        raise SessionRefused(f"{SCENARIO} runs in an observing session, and nowhere else.")
    if not observes and not KillSwitch.permits():
        raise SessionRefused("The kill switch is not armed. Two people must reset it first.")
    others = Session.objects.filter(endpoint__in=endpoint.same_gateway(), state__in=IN_FLIGHT)
    if any(other != itself for other in others):
        raise SessionRefused(_busy(endpoint))
    # After the look at those in flight: one that ends meanwhile is found here.
    if problem := left_at(endpoint):
        raise SessionRefused(problem)


def _refuse_predecessor(restart_of: Session | None) -> None:
    if restart_of is not None and restart_of.state not in {*STOPPED, S.REJECTED}:
        state = restart_of.get_state_display().lower()
        raise SessionRefused(
            f"{restart_of.number} is {state}: only a session that ended before its time, or whose "
            "sign-off was refused, has a successor."
        )


def _busy(endpoint: Endpoint) -> str:
    other = Session.objects.filter(endpoint__in=endpoint.same_gateway(), state__in=IN_FLIGHT)
    number = other.values_list("number", flat=True).first() or "another session"
    return f"{endpoint.name} is taken by {number}. Wait for its end, or abort it."


def _create(
    number: str,
    by: User,
    endpoint: Endpoint,
    definitions: list[Definition],
    kind: str,
    fail_fast: bool,
    restart_of: Session | None,
    seed: int | None,
    term: Term | None,
    log_level: str,
) -> Session:
    config = _config()
    session = Session.objects.create(
        number=number, kind=kind, endpoint=endpoint, config=config, created_by=by,
        endpoint_name=_address(endpoint),
        simulated=endpoint.kind == Endpoint.Kind.SIMULATED, speed=endpoint.speed, seed=seed,
        code_version=code_version(), planned=len(definitions), fail_fast=fail_fast,
        restart_of=restart_of, task=_task(kind), observe_s=term.seconds if term else None,
        observed_client=term.client_id if term else None, log_level=log_level,
    )  # fmt: skip
    involve(session, by, "started the session")
    add_attempts(session, definitions)
    if session.approvable:
        checklist.create(session)
    why = f"Session {session.number} was started."
    board.move_by_system(
        session.task, Column.VALIDATION, actor=by, why=why, link=link(session), session=session
    )
    record(
        "session.started", "session", session.number, actor=by, session_kind=kind,
        endpoint=session.endpoint_name, config=config.digest, config_revision=config.number,
        code_version=session.code_version, simulated=session.simulated,
        scenarios=[definition.id for definition in definitions], fail_fast=fail_fast,
        restart_of=restart_of.number if restart_of else None,
    )  # fmt: skip
    publish("dashboard", topic(session))
    return session


def _config() -> ConfigRevision:
    config = ConfigRevision.objects.filter(state=RevisionState.ACTIVE).first()
    if config is None and not ConfigRevision.objects.exists():
        raise SessionRefused("The database is new: run `manage.py seed_crucible` first.")
    if config is None:
        raise SessionRefused("No configuration is in force. Approve and activate a revision.")
    return config


def _address(endpoint: Endpoint) -> str:
    return f"{endpoint.name} ({endpoint.host}:{endpoint.port})"


def _task(kind: str) -> Task | None:
    if kind != SessionKind.FULL:
        return None
    return Task.objects.filter(code=VALIDATION_TASK).exclude(column=Column.DONE).first()


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
            expected_s=definition.expected,
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
            _refuse_others(session, definitions)
            involve(session, by, "ran scenarios again")
            add_attempts(session, definitions)
            names = [definition.id for definition in definitions]
            enqueue(session, by, run=True, event="rerun", scenarios=names, ended_at=None)
    except IntegrityError as error:
        raise SessionRefused(_busy(session.endpoint)) from error
    return session


def _refuse_rerun(session: Session) -> None:
    if session.kind == SessionKind.IMPORTED:
        raise SessionRefused("An imported session ran elsewhere: it can't be run here.")
    if session.observes:
        raise SessionRefused("What was not seen can't be seen again: start a new session.")
    if session.state not in {S.MANUAL_CHECKS, S.REPORTING}:
        raise SessionRefused(f"{session.number} is {session.get_state_display()}.")
    refuse_change(session)


def _refuse_others(session: Session, definitions: list[Definition]) -> None:
    """What a session never planned is none of its evidence, and would count beside its plan."""
    planned = set(session.attempts.values_list("scenario", flat=True))
    if others := [one.id for one in definitions if one.id not in planned]:
        raise SessionRefused(f"{session.number} did not plan {', '.join(others)}.")


def refuse_change(session: Session) -> None:
    """Raise SessionRefused when product or gateway are no more what the session is pinned to."""
    do = "Start a new session." if session.started_at else "Make the preflight again."
    if session.code_version != code_version():
        raise SessionRefused(f"The product has changed since. {do}")
    if session.endpoint.simulated != session.simulated:
        raise SessionRefused(f"The gateway is of another kind since. {do}")


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
        if not session.in_flight and session.state != S.DRAFT:
            raise SessionRefused(f"{session.number} is {session.get_state_display()} already.")
        involve(session, by, "aborted the session")
        asked = {"abort_requested_by": by, "abort_requested_at": timezone.now()}
        if session.state in WITHOUT_WORKER and session.lease_until is None:
            end(session, abort_stop(by.get_username(), reason), actor=by, **asked)
        else:
            assign(session, abort_reason=reason[:500], **asked)
            record("session.abort_requested", "session", session.number, actor=by, reason=reason)
        publish("dashboard", topic(session))
    return session
