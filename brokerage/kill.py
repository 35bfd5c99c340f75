"""The kill switch's life: anyone may trigger it, two people are needed to arm it again."""

from collections.abc import Iterable

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from brokerage.kill_rules import CONNECTION_RULE, Loss, connection_problem
from brokerage.models import KillSwitch, OrderGrant
from crucible.alerts.raising import raise_alert, resolve
from crucible.ledger.record import record
from crucible.live.publish import publish
from crucible.roles import Role, has_role

State = KillSwitch.State
MAY_REQUEST = (Role.OP, Role.QA)
MAY_APPROVE = (Role.CRO, Role.CTO)
SHORTEST_ROOT_CAUSE = 10


class KillSwitchError(Exception):
    """What was asked of the kill switch is not possible; the text says why."""

    status = 400


class NotPermittedError(KillSwitchError):
    """This person may not do it."""

    status = 403


class WrongStateError(KillSwitchError):
    """It can't be done in the switch's present state."""

    status = 409


def may_trigger(user: User) -> bool:
    """Say whether a signed-in person may trigger: everyone, but not the CI service account."""
    return user.is_active and not has_role(user, Role.CI)


def may_request(user: User) -> bool:
    """Say whether the person may ask for the switch to be armed again."""
    return has_role(user, *MAY_REQUEST)


def may_decide(user: User, switch: KillSwitch) -> bool:
    """Say whether the person may decide on the requested reset, if one is."""
    requested = switch.state == State.RESET_REQUESTED
    return requested and has_role(user, *MAY_APPROVE) and switch.requested_by_id != user.pk


@transaction.atomic
def trigger(actor: User | str, reason: str, *, rule: str = "manual") -> KillSwitch:
    """Block every opening order from now on and revoke all grants.

    `rule` names the automatic rule that fired, or "manual". A further trigger is only logged.
    Raises KillSwitchError without a reason, or for somebody who may not trigger.
    """
    reason = reason.strip()
    if not reason:
        raise KillSwitchError("Say why: the reason is missing.")
    if isinstance(actor, User) and not may_trigger(actor):
        raise NotPermittedError("A service account can't trigger the kill switch.")
    switch = _locked()
    if switch.state == State.TRIGGERED:
        _record("kill.triggered_again", switch, actor, reason=reason, rule=rule)
        return switch
    revoked = _revoke_grants()
    _move(switch, State.TRIGGERED, actor, reason=reason, rule=rule)
    said = f"{switch.by_name} said: “{reason}”."
    text = f"{said} No opening order leaves until two people have reset it."
    raise_alert("kill-switch", "Kill switch triggered", text, severity="CRITICAL")
    _record("kill.triggered", switch, actor, reason=reason, rule=rule, grants_revoked=revoked)
    return switch


def judge_connection(losses: Iterable[Loss], *, actor: str = "watch") -> str:
    """Trigger the switch when the rule about lost connections says so; return why, or nothing."""
    problem = connection_problem(losses)
    if problem:
        trigger(actor, problem, rule=CONNECTION_RULE)
    return problem


def judge(problem: str, rule: str, *, actor: str) -> bool:
    """Trigger an armed switch for a problem that a rule has found; return whether it did.

    One that is triggered already stays as it is: a rule that is looked at each few seconds must not
    write the same again each time.
    """
    if not problem or not KillSwitch.permits():
        return False
    trigger(actor, problem, rule=rule)
    return True


@transaction.atomic
def request_reset(actor: User, root_cause: str) -> KillSwitch:
    """Ask for the switch to be armed again, with the root cause.

    Raises KillSwitchError unless it is TRIGGERED, the actor is operator or QA lead, and the cause
    is told in at least ten characters.
    """
    if not has_role(actor, *MAY_REQUEST):
        raise NotPermittedError("Only the System Operator or the QA Lead can request the reset.")
    root_cause = root_cause.strip()
    if len(root_cause) < SHORTEST_ROOT_CAUSE:
        raise KillSwitchError("Tell the root cause in at least ten characters.")
    switch = _expect(State.TRIGGERED)
    switch.requested_by, switch.requested_at = actor, timezone.now()
    switch.root_cause = root_cause
    _move(switch, State.RESET_REQUESTED, actor, reason=switch.reason, rule=switch.rule)
    _record("kill.reset_requested", switch, actor, root_cause=root_cause)
    return switch


@transaction.atomic
def approve_reset(actor: User) -> KillSwitch:
    """Arm the switch again; raises KillSwitchError unless another person than the requester, who
    is Chief Risk Officer (deputy: CTO), approves a requested reset."""
    switch = _decidable(actor)
    cause, requester = switch.root_cause, str(switch.requested_by)
    _forget_request(switch)
    _move(switch, State.ARMED, actor, reason="", rule="")
    resolve("kill-switch", actor=actor)
    _record("kill.reset_approved", switch, actor, root_cause=cause, requested_by=requester)
    return switch


@transaction.atomic
def refuse_reset(actor: User, reason: str) -> KillSwitch:
    """Leave the switch triggered; the same people may refuse who may approve."""
    if not reason.strip():
        raise KillSwitchError("Say why: the reason is missing.")
    switch = _decidable(actor)
    _forget_request(switch)
    _move(switch, State.TRIGGERED, actor, reason=switch.reason, rule=switch.rule)
    _record("kill.reset_refused", switch, actor, reason=reason.strip())
    return switch


def _locked() -> KillSwitch:
    KillSwitch.objects.get_or_create(pk=KillSwitch.SINGLE)
    return KillSwitch.objects.select_for_update().get(pk=KillSwitch.SINGLE)


def _expect(state: str) -> KillSwitch:
    switch = _locked()
    if switch.state != state:
        raise WrongStateError(f"The kill switch is {switch.state}, not {state}.")
    return switch


def _decidable(actor: User) -> KillSwitch:
    if not has_role(actor, *MAY_APPROVE):
        raise NotPermittedError("Only the Chief Risk Officer (deputy: the CTO) decides on a reset.")
    switch = _expect(State.RESET_REQUESTED)
    if switch.requested_by_id == actor.pk:
        raise NotPermittedError("Who requested the reset can't decide on it.")
    return switch


def _forget_request(switch: KillSwitch) -> None:
    switch.requested_by, switch.requested_at, switch.root_cause = None, None, ""


def _move(switch: KillSwitch, state: str, actor: User | str, *, reason: str, rule: str) -> None:
    switch.state, switch.reason, switch.rule = state, reason, rule
    switch.since = timezone.now()
    switch.by = actor if isinstance(actor, User) else None
    switch.by_name = actor.get_username() if isinstance(actor, User) else actor
    switch.save()
    publish("kill", "dashboard")


def _revoke_grants() -> int:
    now = timezone.now()
    standing = OrderGrant.objects.filter(revoked_at=None, expires_at__gt=now)
    return standing.update(revoked_at=now)


def _record(kind: str, switch: KillSwitch, actor: User | str, **details: object) -> None:
    record(kind, "kill switch", KillSwitch.SINGLE, actor=actor, state=switch.state, **details)
