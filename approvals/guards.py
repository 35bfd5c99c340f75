"""Who may submit and who may sign: pure functions that answer with a reason in words.

Separation of duties as the requirements' roles_and_states §1 and §3 lay it down.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from approvals.rules import (
    RESUBMITTABLE,
    UNDECIDED,
    Decision,
    Mark,
    Slot,
    State,
    unlocked,
)
from crucible.roles import Role

SHORTEST_COMMENT = 10
SUBMITTERS = (Role.OP, Role.QS)


class Reason(StrEnum):
    """Why something was refused; a stable code for programs."""

    CLOSED = "CLOSED"
    SERVICE_ACCOUNT = "SERVICE_ACCOUNT"
    ROLE = "ROLE"
    ADMINISTRATOR = "ADMINISTRATOR"
    CONFLICT = "CONFLICT"
    ALREADY_SIGNED = "ALREADY_SIGNED"
    SLOT_TAKEN = "SLOT_TAKEN"
    LOCKED = "LOCKED"
    BLOCKED = "BLOCKED"
    CHANGED = "CHANGED"
    CHOOSE = "CHOOSE"
    COMMENT = "COMMENT"
    PASSWORD = "PASSWORD"  # noqa: S105 - a reason, not a secret
    LOCKED_OUT = "LOCKED_OUT"
    UNDECIDED = "UNDECIDED"
    DECIDED = "DECIDED"
    SUBMITTER = "SUBMITTER"


STATUS = {
    Reason.CHOOSE: 400,
    Reason.COMMENT: 400,
    Reason.SERVICE_ACCOUNT: 403,
    Reason.ROLE: 403,
    Reason.ADMINISTRATOR: 403,
    Reason.CONFLICT: 403,
    Reason.PASSWORD: 403,
    Reason.LOCKED_OUT: 403,
    Reason.SUBMITTER: 403,
}


@dataclass(frozen=True)
class Refusal:
    """Why something may not be done: what was refused, why, and what to do.

    `points` lists what `why` says in one text, where it is several things.
    """

    code: Reason
    detail: str
    why: str
    do: str
    points: tuple[str, ...] = ()

    @property
    def status(self) -> int:
        """The HTTP status: 400 to correct, 403 not this person, 409 not now."""
        return STATUS.get(self.code, 409)


class Refused(Exception):  # noqa: N818 - reads as what happened
    """Something was refused; `refusal` says why."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.detail} {refusal.why} {refusal.do}")
        self.refusal = refusal


CHANGED = Refusal(
    Reason.CHANGED,
    "This request can't be signed any more.",
    "What was to be signed has changed since it was submitted, so the request is void.",
    "Wait for the new version of the request.",
)


@dataclass(frozen=True)
class Person:
    """A person, as the rules see them; somebody disabled has no roles."""

    id: int
    roles: frozenset[Role]


@dataclass(frozen=True)
class Case:
    """All that decides whether a request may be signed."""

    slots: tuple[Slot, ...]
    state: State = State.OPEN
    marks: tuple[Mark, ...] = ()
    conflicts: Mapping[int, str] = field(default_factory=dict)
    blockers: tuple[str, ...] = ()
    unchanged: bool = True


def obstacle(
    case: Case, person: Person, role: Role, decision: Decision = Decision.APPROVE
) -> Refusal | None:
    """Return the first reason why this person may not sign in this slot, or None."""
    return (
        _closed(case)
        or _wrong_person(case, person, role)
        or _wrong_moment(case, person, role)
        or _wrong_content(case, decision)
    )


def choices(case: Case, person: Person, decision: Decision = Decision.APPROVE) -> tuple[Role, ...]:
    """Return the slots in which this person may decide so now."""
    return tuple(s.role for s in case.slots if obstacle(case, person, s.role, decision) is None)


def why_not(case: Case, person: Person, decision: Decision = Decision.APPROVE) -> Refusal | None:
    """Return why this person can't decide so in any slot, or None when they can.

    Somebody with several roles gets the reason that will pass by itself, where there is one.
    """
    roles = [slot.role for slot in case.slots if slot.role in person.roles]
    found = [obstacle(case, person, role, decision) for role in roles or [case.slots[0].role]]
    if None in found:
        return None
    refusals = [refusal for refusal in found if refusal]
    return next((r for r in refusals if r.code is Reason.LOCKED), refusals[0])


def pick(case: Case, person: Person, wanted: Role | None, decision: Decision) -> Role:
    """Return the slot to sign: the wanted one, or the only possible one; raise Refused."""
    if wanted is not None:
        if refusal := obstacle(case, person, wanted, decision):
            raise Refused(refusal)
        return wanted
    if refusal := why_not(case, person, decision):
        raise Refused(refusal)
    possible = choices(case, person, decision)
    if len(possible) > 1:
        names = " or ".join(role.label for role in possible)
        raise refuse(
            Reason.CHOOSE,
            "It is not clear in which role you sign.",
            f"You hold more than one role of this request: {names}.",
            "Choose one of them; one person signs once.",
        )
    return possible[0]


def refuse(code: Reason, detail: str, why: str, do: str) -> Refused:
    """Return the exception for a refusal."""
    return Refused(Refusal(code, detail, why, do))


def check_comment(decision: Decision, comment: str) -> None:
    """Raise Refused when a rejection or a request for changes doesn't say why."""
    if decision is not Decision.APPROVE and len(comment.strip()) < SHORTEST_COMMENT:
        raise refuse(
            Reason.COMMENT,
            "The comment is missing or too short.",
            "A rejection or a request for changes says why.",
            f"Write at least {SHORTEST_COMMENT} characters.",
        )


def may_submit(person: Person, blockers: Sequence[str], latest: State | None) -> Refusal | None:
    """Return why this person may not submit the subject now, or None."""
    cannot = "You can't submit this for sign-off."
    if Role.CI in person.roles or person.roles.isdisjoint(SUBMITTERS):
        names = " or ".join(role.label for role in SUBMITTERS)
        return Refusal(
            Reason.ROLE, cannot, f"It takes the role {names}.", "Ask one of them to submit it."
        )
    if latest in UNDECIDED:
        return Refusal(
            Reason.UNDECIDED,
            cannot,
            "It already waits for signatures.",
            "Wait for the decision, or withdraw the request first.",
        )
    if latest is not None and latest not in RESUBMITTABLE:
        return Refusal(
            Reason.DECIDED,
            cannot,
            f"It has been decided: {latest.value.lower()}.",
            "Start a new session and submit that.",
        )
    if blockers:
        return Refusal(
            Reason.BLOCKED, cannot, " ".join(blockers), "Settle this first.", tuple(blockers)
        )
    return None


def _closed(case: Case) -> Refusal | None:
    if case.state in UNDECIDED:
        return None
    word = case.state.value.replace("_", " ").lower()
    return Refusal(
        Reason.CLOSED,
        "This request can't be signed any more.",
        f"It is closed: {word}.",
        "Look for a newer version of the request.",
    )


def _wrong_person(case: Case, person: Person, role: Role) -> Refusal | None:
    cannot = f"You can't sign as {role.label}."
    if Role.CI in person.roles:
        return Refusal(
            Reason.SERVICE_ACCOUNT,
            "A service account never signs.",
            "A signature is a person's word.",
            "Sign in as a person who holds the role.",
        )
    if role not in person.roles or role not in {slot.role for slot in case.slots}:
        return _not_held(case, role)
    if Role.AD in person.roles and not person.roles.isdisjoint({Role.CRO, Role.QA}):
        return Refusal(
            Reason.ADMINISTRATOR,
            cannot,
            "You are also Administrator, which may not be combined with QA Lead or "
            "Chief Risk Officer for signing.",
            "Let somebody else sign, or have one of the roles taken from you.",
        )
    if person.id in case.conflicts:
        return Refusal(
            Reason.CONFLICT,
            cannot,
            f"Separation of duties: {case.conflicts[person.id]}.",
            f"Another {role.label} has to sign.",
        )
    return None


def _not_held(case: Case, role: Role) -> Refusal:
    names = ", ".join(slot.role.label for slot in case.slots)
    held = role in {slot.role for slot in case.slots}
    why = "You don't hold one of its roles" if held else f"It has no slot for the {role.label}"
    return Refusal(
        Reason.ROLE,
        "You can't sign this request.",
        f"{why}; it is signed by: {names}.",
        "Leave it to the people who hold these roles.",
    )


def _wrong_moment(case: Case, person: Person, role: Role) -> Refusal | None:
    if any(mark.signer == person.id for mark in case.marks):
        return Refusal(
            Reason.ALREADY_SIGNED,
            f"You can't sign as {role.label}.",
            "You have signed this request; one person fills one slot.",
            "Nothing to do: the other slots are for other people.",
        )
    if any(mark.role is role for mark in case.marks):
        return Refusal(
            Reason.SLOT_TAKEN,
            f"You can't sign as {role.label}.",
            f"Another {role.label} has signed already.",
            "Nothing to do: each slot has one signer.",
        )
    if role not in {slot.role for slot in unlocked(case.slots, case.marks)}:
        return Refusal(
            Reason.LOCKED,
            f"You can't sign as {role.label} yet.",
            f"{_missing(case, role)} must approve first.",
            "Come back when they have; the request then shows under Waiting for you.",
        )
    return None


def _missing(case: Case, role: Role) -> str:
    signed = {mark.role for mark in case.marks}
    before = next(slot.after for slot in case.slots if slot.role is role)
    return " and ".join(s.role.label for s in case.slots if s.role in before - signed)


def _wrong_content(case: Case, decision: Decision) -> Refusal | None:
    if not case.unchanged:
        return CHANGED
    if decision is Decision.APPROVE and case.blockers:
        return Refusal(
            Reason.BLOCKED,
            "This can't be approved now.",
            " ".join(case.blockers),
            "Have this settled; until then you can reject or request changes.",
            case.blockers,
        )
    return None
