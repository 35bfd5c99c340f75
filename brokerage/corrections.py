"""Settle differences to the broker: one person proposes, another one approves (RC-07, C-190).

Nothing on record is edited: a correction is a row beside it. Until one is approved, or the
difference is gone, nothing is opened at that gateway.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from brokerage.comparison import EXECUTION
from brokerage.models import Correction, ReconciliationDiff
from crucible.ledger.record import record
from crucible.live.publish import publish
from crucible.roles import Role, has_role

# Rows 32 and 33 of the permission matrix.
MAY_PROPOSE = (Role.OP, Role.QS)
MAY_APPROVE = (Role.QA, Role.CRO)
SHORTEST_TEXT = 10
State = ReconciliationDiff.State


class CorrectionError(Exception):
    """A difference can't be settled like that; the text says why."""


class NotPermittedError(CorrectionError, PermissionDenied):
    """This person may not; another one may."""


def may_propose(person: User) -> bool:
    """Say whether the person may propose what settles a difference."""
    return has_role(person, *MAY_PROPOSE)


def objection(diff: ReconciliationDiff, person: User) -> str:
    """Return why the person may not decide on what is proposed for a difference, or nothing."""
    if not has_role(person, *MAY_APPROVE):
        return "Only the QA Lead or the Chief Risk Officer decides on this."
    if diff.proposed_by_id == person.pk:
        return "Who proposed it can't decide on it."
    ran: Callable[[str], Mapping[int, str]] = import_string(settings.RUN_BY)
    deed = ran(diff.scope).get(person.pk)
    return f"You can't decide on it: you {deed}." if deed else ""


@transaction.atomic
def propose(
    diff: ReconciliationDiff, by: User, text: str, *, row: bool = False
) -> ReconciliationDiff:
    """Say what a difference comes from; with `row`, to take the broker's value over beside it.

    A later proposal replaces an earlier one. Raises CorrectionError; NotPermittedError for who
    may not.
    """
    if not may_propose(by):
        raise NotPermittedError("Only the System Operator or the QA Specialist proposes this.")
    text = _said(text, "what it comes from")
    diff = _open(diff)
    if row:
        _contract(diff)
    diff.proposal, diff.proposes_row, diff.proposed_by = text, row, by
    diff.proposed_at = timezone.now()
    diff.save()
    publish("differences")
    _line("proposed", diff, by, text=text, row=row)
    return diff


@transaction.atomic
def approve(diff: ReconciliationDiff, by: User, seen: datetime | None = None) -> ReconciliationDiff:
    """Settle a difference as another person has proposed it; raises CorrectionError.

    `seen` is when the proposal was made that the person has read: another one is not approved.
    """
    diff = _proposed(diff, by)
    if seen is not None and seen != diff.proposed_at:
        raise CorrectionError("Another proposal has taken the place of the one that you saw.")
    text = diff.proposal
    if diff.proposes_row:
        _write_row(diff, text, by.get_username(), by)
    diff.settle(State.EXPLAINED, text, by.get_username())
    _line("approved", diff, by, text=text, proposed_by=diff.proposer)
    return diff


@transaction.atomic
def refuse(diff: ReconciliationDiff, by: User, why: str) -> ReconciliationDiff:
    """Take a proposal off a difference, which stays open; raises CorrectionError."""
    diff, why = _proposed(diff, by), _said(why, "why it is refused")
    text, diff.proposal, diff.proposed_by = diff.proposal, "", None
    diff.save()
    publish("differences")
    _line("refused", diff, by, text=text, why=why)
    return diff


@transaction.atomic
def end_drill(diff: ReconciliationDiff, part: str, text: str) -> Correction:
    """Settle what a part of the system has provoked in a drill, by a row; raises CorrectionError.

    A drill's own differences are the only ones that no person settles.
    """
    diff = _open(diff)
    if not diff.drill:
        raise CorrectionError("A part of the system settles its own drill's differences alone.")
    correction = _write_row(diff, text, part, None)
    diff.settle(State.EXPLAINED, text, part)
    _line("approved", diff, part, text=text)
    return correction


def _said(text: str, what: str) -> str:
    if len(text.strip()) < SHORTEST_TEXT:
        raise CorrectionError(f"Say in at least ten characters {what}.")
    return text.strip()


def _open(diff: ReconciliationDiff) -> ReconciliationDiff:
    diff = ReconciliationDiff.objects.select_for_update().get(pk=diff.pk)
    if diff.state != State.OPEN:
        raise CorrectionError(f"This difference is {diff.state.lower()} already.")
    return diff


def _contract(diff: ReconciliationDiff) -> int:
    """Return the contract that a correcting row is about."""
    if diff.con_id is None or not diff.gap:
        raise CorrectionError("Only a position or an execution can be corrected by a row.")
    return diff.con_id


def _proposed(diff: ReconciliationDiff, by: User) -> ReconciliationDiff:
    """Lock a difference whose proposal this person may decide on."""
    diff = _open(diff)
    if not diff.proposal:
        raise CorrectionError("Nothing is proposed for this difference as it is now.")
    if why := objection(diff, by):
        raise NotPermittedError(why)
    return diff


def _write_row(diff: ReconciliationDiff, text: str, name: str, by: User | None) -> Correction:
    is_fill = diff.subject.startswith(EXECUTION)
    return Correction.objects.create(
        endpoint_id=diff.endpoint_id,
        scope=diff.scope,
        diff=diff,
        con_id=_contract(diff),
        quantity=diff.gap,
        exec_id=diff.subject.removeprefix(EXECUTION) if is_fill else "",
        text=text,
        by=by,
        by_name=name,
    )


def _line(deed: str, diff: ReconciliationDiff, actor: User | str, **details: Any) -> None:
    record(
        f"correction.{deed}", "reconciliation", diff.run_id, actor=actor,
        number=diff.pk, scope=diff.scope, difference=str(diff), **details,
    )  # fmt: skip
