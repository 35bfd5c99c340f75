"""What signatures amount to: every combination of the VALIDATION policy, and any policy at all."""

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.apps import VALIDATION
from approvals.rules import (
    Decision,
    Mark,
    Slot,
    SlotState,
    State,
    outstanding,
    parse_slots,
    slot_states,
    state_after,
    unlocked,
)
from crucible.roles import Role

SLOTS = parse_slots(VALIDATION)
QA, CRO, PM = Role.QA, Role.CRO, Role.PM


def mark(role: Role, decision: Decision = Decision.APPROVE) -> Mark:
    return Mark(role, signer=list(Role).index(role), decision=decision)


def histories() -> list[tuple[Mark, ...]]:
    """Every sequence of signatures that the order of the policy and its end allow."""

    def longer(history: tuple[Mark, ...]) -> Iterator[tuple[Mark, ...]]:
        yield history
        if state_after(SLOTS, history) in {State.OPEN, State.PARTIALLY_SIGNED}:
            for slot, decision in itertools.product(unlocked(SLOTS, history), Decision):
                yield from longer((*history, mark(slot.role, decision)))

    return list(longer(()))


def test_qa_and_cro_sign_in_any_order_and_the_pm_last() -> None:
    approved = [h for h in histories() if state_after(SLOTS, h) is State.APPROVED]
    orders = {tuple(m.role for m in history) for history in approved}
    assert orders == {(QA, CRO, PM), (CRO, QA, PM)}


@pytest.mark.parametrize("history", histories(), ids=str)
def test_a_request_is_approved_only_by_every_slot(history: tuple[Mark, ...]) -> None:
    everybody = {m.role for m in history if m.decision is Decision.APPROVE} == {QA, CRO, PM}
    assert (state_after(SLOTS, history) is State.APPROVED) == everybody


@pytest.mark.parametrize("history", [h for h in histories() if h], ids=str)
def test_the_last_decision_that_is_no_approval_ends_the_request(history: tuple[Mark, ...]) -> None:
    ends = {
        Decision.REJECT: {State.REJECTED},
        Decision.REQUEST_CHANGES: {State.CHANGES_REQUESTED},
        Decision.APPROVE: {State.PARTIALLY_SIGNED, State.APPROVED},
    }
    assert state_after(SLOTS, history) in ends[history[-1].decision]


def test_the_pm_waits_for_both() -> None:
    assert [s.role for s in unlocked(SLOTS, [])] == [QA, CRO]
    assert [s.role for s in unlocked(SLOTS, [mark(QA)])] == [CRO]
    assert [s.role for s in unlocked(SLOTS, [mark(QA), mark(CRO)])] == [PM]
    assert unlocked(SLOTS, [mark(QA), mark(CRO), mark(PM)]) == ()


def test_outstanding_counts_approvals_alone() -> None:
    assert [s.role for s in outstanding(SLOTS, [mark(QA, Decision.REJECT)])] == [QA, CRO, PM]
    assert [s.role for s in outstanding(SLOTS, [mark(CRO)])] == [QA, PM]


def test_slots_say_who_is_awaited() -> None:
    states = slot_states(SLOTS, [mark(CRO)], State.PARTIALLY_SIGNED)
    assert states == {
        QA: SlotState.AWAITING, CRO: SlotState.APPROVED, PM: SlotState.LOCKED
    }  # fmt: skip


def test_a_void_request_shows_its_signatures_as_void_and_awaits_nobody() -> None:
    states = slot_states(SLOTS, [mark(QA)], State.VOIDED)
    assert states == {QA: SlotState.VOID, CRO: SlotState.LOCKED, PM: SlotState.LOCKED}


@pytest.mark.parametrize("state", sorted(set(State) - {State.OPEN, State.PARTIALLY_SIGNED}))
def test_a_closed_request_awaits_nobody(state: State) -> None:
    assert SlotState.AWAITING not in slot_states(SLOTS, [], state).values()


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [{"role": "QA", "after": ["QA"]}],
        [{"role": "QA", "after": ["CRO"]}, {"role": "CRO", "after": ["QA"]}],
        [{"role": "PM", "after": ["QA"]}],
        [{"role": "QA", "after": []}, {"role": "QA", "after": []}],
        [{"role": "BOSS", "after": []}],
    ],
    ids=["empty", "after itself", "circle", "after nobody's slot", "twice", "unknown role"],
)
def test_a_policy_that_nobody_can_complete_is_refused(rows: list[dict[str, object]]) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_slots(rows)


@st.composite
def policies(draw: st.DrawFn) -> tuple[Slot, ...]:
    """Any policy without circles: a role waits only for roles before it."""
    roles = draw(st.lists(st.sampled_from(list(Role)), min_size=1, max_size=6, unique=True))
    return tuple(
        Slot(
            role,
            draw(st.frozensets(st.sampled_from(roles[:place])) if place else st.just(frozenset())),
        )
        for place, role in enumerate(roles)
    )


@given(policies(), st.randoms(use_true_random=False))
def test_any_policy_can_be_completed_whoever_signs_first(
    slots: tuple[Slot, ...], random: object
) -> None:
    marks: list[Mark] = []
    while ready := unlocked(slots, marks):
        marks.append(mark(random.choice(ready).role))  # type: ignore[attr-defined]
        signed = {m.role for m in marks}
        assert all(slot.after <= signed for slot in slots if slot.role in signed)
    assert state_after(slots, marks) is State.APPROVED
    assert len(marks) == len(slots)
