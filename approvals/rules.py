"""What a set of signatures amounts to: pure functions over slots and marks."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from crucible.roles import Role


class State(StrEnum):
    """Where a request for signatures stands."""

    OPEN = "OPEN"
    PARTIALLY_SIGNED = "PARTIALLY_SIGNED"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    CHANGES_REQUESTED = "CHANGES_REQUESTED"
    VOIDED = "VOIDED"
    WITHDRAWN = "WITHDRAWN"


UNDECIDED = frozenset({State.OPEN, State.PARTIALLY_SIGNED})
# After these a new version may be submitted; APPROVED and REJECTED are the last word.
RESUBMITTABLE = frozenset({State.CHANGES_REQUESTED, State.VOIDED, State.WITHDRAWN})


class Decision(StrEnum):
    """What a signer says."""

    APPROVE = "APPROVE"
    REJECT = "REJECT"
    REQUEST_CHANGES = "REQUEST_CHANGES"


class SlotState(StrEnum):
    """Where one slot of a request stands."""

    LOCKED = "LOCKED"
    AWAITING = "AWAITING"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    CHANGES_REQUESTED = "CHANGES_REQUESTED"
    VOID = "VOID"


SAID = {
    Decision.APPROVE: SlotState.APPROVED,
    Decision.REJECT: SlotState.REJECTED,
    Decision.REQUEST_CHANGES: SlotState.CHANGES_REQUESTED,
}


@dataclass(frozen=True)
class Slot:
    """A signature that the policy asks for, and those that must stand before it."""

    role: Role
    after: frozenset[Role] = frozenset()


@dataclass(frozen=True)
class Mark:
    """A signature, as the rules see it."""

    role: Role
    signer: int
    decision: Decision


def parse_slots(rows: Iterable[Mapping[str, Any]]) -> tuple[Slot, ...]:
    """Return the slots of a policy's JSON; raise ValueError for one that nobody could complete."""
    slots = tuple(
        Slot(Role(row["role"]), frozenset(map(Role, row.get("after", ())))) for row in rows
    )
    opened: set[Role] = set()
    while ready := {s.role for s in slots if s.after <= opened} - opened:
        opened |= ready
    if not slots or len(slots) != len({s.role for s in slots}) or len(opened) != len(slots):
        raise ValueError("A policy has slots, each role once, and each can be reached.")
    return slots


def outstanding(slots: Sequence[Slot], marks: Collection[Mark]) -> tuple[Slot, ...]:
    """Return the slots that have not approved yet."""
    approved = _approved(marks)
    return tuple(slot for slot in slots if slot.role not in approved)


def unlocked(slots: Sequence[Slot], marks: Collection[Mark]) -> tuple[Slot, ...]:
    """Return the slots that could sign now: unsigned, and all before them have approved."""
    approved, taken = _approved(marks), {mark.role for mark in marks}
    return tuple(s for s in slots if s.role not in taken and s.after <= approved)


def state_after(slots: Sequence[Slot], marks: Collection[Mark]) -> State:
    """Return what the signatures amount to; the first that is no approval decides."""
    for mark in marks:
        if mark.decision is not Decision.APPROVE:
            return State(SAID[mark.decision].value)
    if not outstanding(slots, marks):
        return State.APPROVED
    return State.PARTIALLY_SIGNED if marks else State.OPEN


def slot_states(
    slots: Sequence[Slot], marks: Collection[Mark], state: State
) -> dict[Role, SlotState]:
    """Return the state of each slot; in a closed request an unsigned slot stays locked."""
    said = {mark.role: SAID[mark.decision] for mark in marks}
    if state is State.VOIDED:
        said = dict.fromkeys(said, SlotState.VOID)
    waiting = {s.role for s in unlocked(slots, marks)} if state in UNDECIDED else set()
    return {
        slot.role: said.get(
            slot.role, SlotState.AWAITING if slot.role in waiting else SlotState.LOCKED
        )
        for slot in slots
    }


def _approved(marks: Iterable[Mark]) -> frozenset[Role]:
    return frozenset(mark.role for mark in marks if mark.decision is Decision.APPROVE)
