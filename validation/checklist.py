"""A checklist's life: items tick by machine, people attest the rest, and the session follows."""

from collections.abc import Callable, Iterable

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from crucible.ledger.record import record
from crucible.live.publish import publish
from crucible.roles import Role, has_role, roles_of
from validation import checklists, signals
from validation.facts import Facts
from validation.involvement import involve
from validation.models import Checklist, Item, ItemState, Session, SessionState
from validation.rules import apply
from validation.scenarios import catalogue

State, S = ItemState, SessionState
EDITABLE = (S.MANUAL_CHECKS, S.REPORTING, S.AWAITING_APPROVAL)
MAY_EXCEPT = (Role.OP, Role.QS, Role.QA)
FRESH: dict[str, object] = {
    "note": "", "risk": "", "evidence_ref": "", "closed_by": None, "closed_at": None,
    "acknowledged_by": None, "acknowledged_at": None,
}  # fmt: skip


class ChecklistError(ValueError):
    """The item can't be changed that way as it stands; the text says why."""


def create(session: Session) -> Checklist:
    """Give a new session its checklist, with a line for each planned scenario."""
    sheet = Checklist.objects.create(session=session, version=checklists.VERSION)
    Item.objects.bulk_create(
        Item(
            checklist=sheet, position=position, section=line.section, code=line.code,
            text=line.text, help=line.help, evidence=line.evidence, roles=list(line.roles),
            blocking=line.blocking, rule=line.rule, waivable=line.waivable,
        )
        for position, line in enumerate(checklists.lines(planned(session)), start=1)
    )  # fmt: skip
    return sheet


def planned(session: Session) -> dict[str, tuple[str, bool]]:
    """Return the session's scenarios: id → (title, whether a waiver is possible)."""
    known = {definition.id: definition.waivable for definition in catalogue.load().all()}
    return {
        scenario: (title, known.get(scenario, False))
        for scenario, title in session.attempts.values_list("scenario", "title").distinct()
    }


def evaluate(session: Session, codes: Iterable[str] | None = None) -> None:
    """Apply the machine's rules to a locked session's items, then let the session follow.

    Items that a person has decided stay, except that a machine's new failure reopens what was
    confirmed. Only the items named by `codes` are looked at when given.
    """
    facts, touched = Facts(session), False
    items = session.checklist.items.exclude(rule="")
    for item in items if codes is None else items.filter(code__in=list(codes)):
        touched |= _tick(item, facts)
    if touched:
        _announce(session, "system")
    settle(session)


def _tick(item: Item, facts: Facts) -> bool:
    """Apply one item's rule; return whether anything about the item changed."""
    finding = apply(item.rule, facts)
    state = _after(item, finding.ok)
    if (state, finding.text) == (item.state, item.finding):
        return False
    before, item.finding = item.state, finding.text[:500]
    if state != before:
        _overwrite(item, state=state)
        if state in {State.AUTO_PASS, State.AUTO_FAIL}:
            item.closed_at = timezone.now()
    item.save()
    record(
        "checklist.ticked", "item", f"{item.checklist.session.number}/{item.code}",
        actor="system", before=before, after=state, finding=finding.text,
    )  # fmt: skip
    return True


def _after(item: Item, ok: bool | None) -> str:
    """Return the item's state after the machine's finding."""
    decided = item.state in {State.PASS, State.FAIL, State.EXCEPTION, State.NOT_APPLICABLE}
    if ok is False:
        return item.state if item.state in {State.FAIL, State.EXCEPTION} else State.AUTO_FAIL
    if decided:
        return item.state
    # A rule of A+M shows its finding and leaves the confirmation to a person, unless its finding
    # is that there is nothing to look at.
    needs_person = item.evidence == "A+M" and item.rule not in NOTHING_TO_REVIEW
    return State.AUTO_PASS if ok and not needs_person else State.OPEN


NOTHING_TO_REVIEW = ("warnings", "log_errors", "log_warnings", "preflight:HP-25B")


def attest(item: Item, by: User, note: str = "", evidence_ref: str = "") -> Item:
    """Confirm an open item; raises PermissionDenied without its role, ChecklistError otherwise."""

    def change(found: Item) -> None:
        _require_role(found, by)
        if found.state not in {State.OPEN, State.FAIL} or not found.roles:
            raise ChecklistError(_why_not_attestable(found))
        _overwrite(found, state=State.PASS, note=note.strip(), evidence_ref=evidence_ref.strip())

    return _change(item, by, "attested", change)


def _why_not_attestable(item: Item) -> str:
    if item.state == State.AUTO_FAIL:
        return "The machine found a failure: only a new machine result can make it a pass."
    if not item.roles:
        return "Only a machine can tick this item."
    return f"The item is {ItemState(item.state).label.lower()} already."


def fail(item: Item, by: User, reason: str) -> Item:
    """Disagree with a pass, or find a fault; needs a reason."""

    def change(found: Item) -> None:
        _require_role(found, by, MAY_EXCEPT if not found.roles else ())
        if found.state not in {State.OPEN, State.PASS, State.AUTO_PASS}:
            raise ChecklistError(f"The item is {ItemState(found.state).label.lower()} already.")
        _overwrite(found, state=State.FAIL, note=_reason(reason))

    return _change(item, by, "failed", change)


def document_exception(item: Item, by: User, text: str, risk: str) -> Item:
    """Document why a failed item is acceptable; a QA Lead other than the author acknowledges."""

    def change(found: Item) -> None:
        if not has_role(by, *MAY_EXCEPT):
            raise PermissionDenied("Your role may not document exceptions.")
        if found.state not in {State.AUTO_FAIL, State.FAIL}:
            raise ChecklistError("Only a failed item can have an exception.")
        if not found.waivable or found.code in checklists.SAFETY:
            raise ChecklistError("This item admits no exception. Remove the cause and run again.")
        _overwrite(found, state=State.EXCEPTION, note=_reason(text), risk=_reason(risk))

    return _change(item, by, "excepted", change)


def not_applicable(item: Item, by: User, reason: str) -> Item:
    """Say that an item does not apply; a QA Lead other than the author acknowledges."""

    def change(found: Item) -> None:
        _require_role(found, by)
        if found.state not in {State.OPEN, State.FAIL} or not found.roles:
            raise ChecklistError(_why_not_attestable(found))
        if found.code in checklists.SAFETY:
            raise ChecklistError("This item is about safety and always applies.")
        _overwrite(found, state=State.NOT_APPLICABLE, note=_reason(reason))

    return _change(item, by, "not_applicable", change)


def acknowledge(item: Item, by: User) -> Item:
    """Accept an exception as QA Lead; a review, so it is no conflict for the sign-off."""

    def change(found: Item) -> None:
        if not has_role(by, Role.QA):
            raise PermissionDenied("Only the QA Lead acknowledges exceptions.")
        if found.state not in {State.EXCEPTION, State.NOT_APPLICABLE} or found.acknowledged_by_id:
            raise ChecklistError("There is nothing to acknowledge.")
        if found.closed_by_id == by.pk:
            raise PermissionDenied("Somebody else must acknowledge what you documented.")
        found.acknowledged_by, found.acknowledged_at = by, timezone.now()

    return _change(item, by, "acknowledged", change, involved=False)


def reopen(item: Item, by: User, reason: str) -> Item:
    """Open a closed item again; after the submission that voids the signatures."""

    def change(found: Item) -> None:
        _require_role(found, by, MAY_EXCEPT if not found.roles else ())
        if found.state == State.OPEN:
            raise ChecklistError("The item is open already.")
        _overwrite(found, state=State.OPEN, note=_reason(reason))
        found.closed_by, found.closed_at = None, None

    return _change(item, by, "reopened", change, again=True)


def _change(
    item: Item,
    by: User,
    event: str,
    change: Callable[[Item], None],
    *,
    involved: bool = True,
    again: bool = False,
) -> Item:
    """Make one change under the session's lock, with its entry, and let all else follow."""
    with transaction.atomic():
        session = Session.objects.select_for_update().get(checklist__items=item)
        if session.state not in EDITABLE:
            state = session.get_state_display().lower()
            raise ChecklistError(f"The session is {state}: its checklist can't be changed.")
        found = Item.objects.get(pk=item.pk)
        before = found.state
        if involved:
            found.closed_by, found.closed_at = by, timezone.now()
        change(found)
        found.save()
        if involved:
            involve(session, by, f"{event} item {found.code}".replace("_", " "))
        if again and found.rule:
            _tick(found, Facts(session))
        record(
            f"checklist.{event}", "item", f"{session.number}/{found.code}", actor=by,
            before=before, after=found.state, note=found.note, risk=found.risk,
            evidence=found.evidence_ref,
        )  # fmt: skip
        _announce(session, by)
        settle(session)
    return found


def _overwrite(item: Item, **fields: object) -> None:
    keep = {"closed_by", "closed_at"} if "note" in fields else set()
    for name, value in {key: FRESH[key] for key in FRESH if key not in keep}.items():
        setattr(item, name, value)
    for name, value in fields.items():
        setattr(item, name, value)


def _require_role(item: Item, by: User, instead: tuple[Role, ...] = ()) -> None:
    wanted = {Role(code) for code in item.roles} | set(instead)
    if wanted.isdisjoint(roles_of(by)):
        names = " or ".join(sorted(role.label for role in wanted)) or "a machine"
        raise PermissionDenied(f"{item.code} belongs to {names}.")


def _reason(text: str) -> str:
    if len(text.strip()) < 3:
        raise ChecklistError("Say why, in a few words.")
    return text.strip()


def _announce(session: Session, actor: User | str) -> None:
    publish(f"session:{session.number}", "dashboard")
    if session.state == S.AWAITING_APPROVAL:
        signals.changed.send(sender=Session, subject=session.number, actor=actor)


def settle(session: Session) -> None:
    """Move the session between MANUAL_CHECKS and REPORTING as its blocking items demand."""
    session.refresh_from_db()
    open_items = any(item.holds_up for item in session.checklist.items.all() if not _late(item))
    target = {
        (S.MANUAL_CHECKS, False): S.REPORTING,
        (S.REPORTING, True): S.MANUAL_CHECKS,
    }.get((SessionState(session.state), open_items))
    if target is None:
        return
    before, session.state = session.state, target
    session.save(update_fields=["state"])
    record(
        f"session.{target.lower()}", "session", session.number, actor="system",
        before=before, after=target,
    )  # fmt: skip
    publish(f"session:{session.number}", "dashboard")


def _late(item: Item) -> bool:
    """Say whether an item is closed while the report is written, not before."""
    return item.rule in {"report_complete", "issues_listed"}


def open_blocking(session: Session) -> list[Item]:
    """Return the blocking items that still hold the session up."""
    return [item for item in session.checklist.items.all() if item.holds_up]
