"""A configuration revision's life: draft, proposal, approval by somebody else, force, roll-back."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from brokerage.models import Endpoint
from brokerage.terms import PAPER_PORTS
from crucible.alerts.raising import raise_alert
from crucible.ledger.models import Head
from crucible.ledger.record import record
from crucible.live.publish import publish
from crucible.roles import Role, has_role
from validation import signals
from validation.configuration import Change, Config, ConfigError, diff, digest, read
from validation.models import ConfigRevision, RevisionState, Session, SessionState
from validation.models.session import IN_FLIGHT

R = RevisionState
MAY_PROPOSE = (Role.OP, Role.QS, Role.QA, Role.CRO, Role.LD, Role.AD)
MAY_APPROVE = (Role.QA, Role.CRO)
# roles_and_states, policy CONFIG: a change of one of these needs the Chief Risk Officer as well.
SENSITIVE = (
    "thresholds.", "limits.", "paper_trading.", "validation.market_hours_required",
    "reset_windows",
)  # fmt: skip
EXPIRY = "test_contracts.spy_weekly_call.expiry"
SCHEDULE = "scheduler"


class RevisionError(ValueError):
    """The revision can't take this step as it stands; the text says why."""


def in_force() -> ConfigRevision | None:
    """Return the revision in force, if there is one."""
    return ConfigRevision.objects.filter(state=R.ACTIVE).first()


def allowed_ports() -> frozenset[int]:
    """Return the ports a configuration may name: the paper ports and the simulated gateways'."""
    simulated = Endpoint.objects.filter(kind=Endpoint.Kind.SIMULATED)
    return PAPER_PORTS | frozenset(simulated.values_list("port", flat=True))


def changes(revision: ConfigRevision, base: ConfigRevision | None = None) -> list[Change]:
    """Return what the revision changes against `base`, or against the one in force.

    A field that an older revision does not know has its default there, which is no change.
    """
    base = base or in_force()
    return diff(_whole(base) if base else {}, _whole(revision))


def slots(revision: ConfigRevision) -> list[Role]:
    """Return the roles that must approve the revision."""
    sensitive = any(change.path.startswith(SENSITIVE) for change in changes(revision))
    return [Role.QA, Role.CRO] if sensitive else [Role.QA]


def missing(revision: ConfigRevision) -> list[Role]:
    """Return the roles whose approval is still missing."""
    given = {entry["role"] for entry in revision.approvals}
    return [role for role in slots(revision) if role not in given]


def draft(
    by: User | None, config: Config, *, note: str = "", origin: str = "form"
) -> ConfigRevision:
    """Store a new draft; raises PermissionDenied, or RevisionError when it changes nothing."""
    if by is not None and not has_role(by, *MAY_PROPOSE):
        raise PermissionDenied("Your role may not propose configurations.")
    content = config.content()
    current = in_force()
    if current is not None and digest(_whole(current)) == digest(content):
        raise RevisionError(f"Revision {current.number}, in force, says the same already.")
    with transaction.atomic():
        return _new(by, content, note, origin)


def _new(
    by: User | None, content: dict[str, Any], note: str, origin: str, **fields: Any
) -> ConfigRevision:
    # The ledger's lock gives numbers one after the other.
    Head.objects.select_for_update().get(pk=1)
    last = ConfigRevision.objects.order_by("number").last()
    revision = ConfigRevision.objects.create(
        number=last.number + 1 if last else 1, content=content, digest=digest(content),
        author=by, note=note[:500], origin=origin, **fields,
    )  # fmt: skip
    _record(revision, "drafted", by or SCHEDULE, note=note, origin=origin)
    return revision


def copy(revision: ConfigRevision, by: User) -> ConfigRevision:
    """Make a draft of an earlier revision's content, to roll back to it."""
    note = f"Back to revision {revision.number}"
    return draft(by, read(revision.content), note=note, origin="roll-back")


def propose(revision: ConfigRevision, by: User) -> ConfigRevision:
    """Ask for approval: from here on the content never changes."""
    if not has_role(by, *MAY_PROPOSE):
        raise PermissionDenied("Your role may not propose configurations.")
    with transaction.atomic():
        revision = _locked(revision, R.DRAFT)
        read(revision.content, ports=allowed_ports())
        _move(revision, R.PROPOSED, by)
    return revision


def approve(revision: ConfigRevision, by: User) -> ConfigRevision:
    """Approve in one's role; when the last one has, the revision can be put in force.

    Raises PermissionDenied for the author, for a role that is not asked, and for a second approval
    by the same person.
    """
    with transaction.atomic():
        revision = _locked(revision, R.PROPOSED)
        role = _slot(revision, by)
        entry = {
            "user": by.pk, "name": by.get_username(), "role": role.value,
            "at": timezone.now().isoformat(),
        }  # fmt: skip
        revision.approvals = [*revision.approvals, entry]
        revision.save(update_fields=["approvals"])
        _record(revision, "approved_by", by, role=role)
        if not missing(revision):
            _move(revision, R.APPROVED, by, approved_at=timezone.now())
    return revision


def _slot(revision: ConfigRevision, by: User) -> Role:
    if revision.author_id == by.pk:
        raise PermissionDenied("Somebody else than the author must approve.")
    if any(entry["user"] == by.pk for entry in revision.approvals):
        raise PermissionDenied("You have approved already; one person fills one role.")
    for role in missing(revision):
        if has_role(by, role):
            return role
    names = " and ".join(role.label for role in missing(revision))
    raise PermissionDenied(f"This revision waits for {names}.")


def reject(revision: ConfigRevision, by: User, reason: str) -> ConfigRevision:
    """Refuse a proposal with a reason."""
    if not has_role(by, *MAY_APPROVE):
        raise PermissionDenied("Your role may not reject configurations.")
    if not reason.strip():
        raise RevisionError("Say why the revision is rejected.")
    with transaction.atomic():
        revision = _locked(revision, R.PROPOSED)
        _move(revision, R.REJECTED, by, rejected_reason=reason.strip()[:500])
    return revision


def activate(revision: ConfigRevision, by: User) -> ConfigRevision:
    """Put an approved revision in force; raises RevisionError while a session is under way."""
    if not has_role(by, *MAY_APPROVE):
        raise PermissionDenied("Your role may not put configurations in force.")
    if revision.author_id == by.pk:
        raise PermissionDenied("Somebody else than the author must put it in force.")
    with transaction.atomic():
        revision = _locked(revision, R.APPROVED)
        _put_in_force(revision, by)
    return revision


def _put_in_force(revision: ConfigRevision, actor: User | str) -> None:
    busy = Session.objects.filter(state__in=IN_FLIGHT)
    if number := busy.values_list("number", flat=True).first():
        raise RevisionError(f"{number} is under way. Wait for its end.")
    waiting = Session.objects.filter(state=SessionState.AWAITING_APPROVAL)
    held = {session: agrees(session) for session in waiting.select_related("config")}
    for previous in ConfigRevision.objects.select_for_update().filter(state=R.ACTIVE):
        _move(previous, R.SUPERSEDED, actor)
    person = actor if isinstance(actor, User) else None
    _move(revision, R.ACTIVE, actor, activated_by=person, activated_at=timezone.now())
    for session, before in held.items():
        if agrees(session) != before:
            signals.changed.send(sender=ConfigRevision, subject=session.number, actor=actor)


def agrees(session: Session) -> bool:
    """Say whether the configuration in force still is the session's, the expiry aside."""
    current = in_force()
    if current is None:
        return False
    found = diff(_whole(session.config), _whole(current))
    return all(change.path == EXPIRY for change in found)


def _whole(revision: ConfigRevision) -> dict[str, Any]:
    """Return the content with every key of today: an older version of the product had fewer."""
    try:
        return read(revision.content).content()
    except ConfigError:
        return dict(revision.content)


def roll_expiry(expiry: str, reason: str) -> ConfigRevision | None:
    """Propose the configuration in force with another weekly expiry (YYYYMMDD), once.

    It takes effect by itself when the setting EXPIRY_AUTO_ACTIVATE allows and no session is under
    way; the QA Lead is told either way. Returns None when nothing is in force or nothing changes.
    """
    current = in_force()
    if current is None:
        return None
    content = read(current.content).with_expiry(expiry).content()
    found = diff(_whole(current), content)
    if [change.path for change in found] != [EXPIRY]:
        return None
    with transaction.atomic():
        revision = ConfigRevision.objects.filter(
            state=R.PROPOSED, digest=digest(content), expiry_only=True
        ).first()
        if revision is None:
            revision = _new(None, content, reason, "schedule", expiry_only=True)
            _move(revision, R.PROPOSED, SCHEDULE)
            _tell_qa(revision, expiry)
    if settings.EXPIRY_AUTO_ACTIVATE:
        _try_in_force(revision)
    return revision


def _try_in_force(revision: ConfigRevision) -> None:
    try:
        with transaction.atomic():
            _put_in_force(_locked(revision, R.PROPOSED), SCHEDULE)
    except RevisionError:
        # A session is under way: the next scheduled run tries again.
        return
    revision.refresh_from_db()


def _tell_qa(revision: ConfigRevision, expiry: str) -> None:
    raise_alert(
        "expiry-rolled", f"Weekly expiry {expiry}", f"Revision {revision.number}: {revision.note}",
        severity="INFO", ref=f"config:{revision.number}",
    )  # fmt: skip


def _locked(revision: ConfigRevision, state: RevisionState) -> ConfigRevision:
    found = ConfigRevision.objects.select_for_update().get(pk=revision.pk)
    if found.state != state:
        name = found.get_state_display().lower()
        raise RevisionError(f"Revision {found.number} is {name}; it must be {state.label.lower()}.")
    return found


def _move(revision: ConfigRevision, state: RevisionState, actor: User | str, **fields: Any) -> None:
    before, revision.state = revision.state, state
    for name, value in fields.items():
        setattr(revision, name, value)
    revision.save(update_fields=["state", *fields])
    _record(revision, state.lower(), actor, before=before, after=state)


def _record(revision: ConfigRevision, event: str, actor: User | str, **details: Any) -> None:
    record(
        f"config.{event}", "config", revision.number, actor=actor, digest=revision.digest,
        **details,
    )  # fmt: skip
    publish("dashboard")
