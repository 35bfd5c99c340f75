"""The copy of a session's checklist (Markdown): what was confirmed, by whom, when, and why."""

from validation.artefacts.markup import SIMULATED, moment, table
from validation.models import Item, Session

HEAD = ("Item", "Text", "Evidence", "State", "Who", "When", "Reference", "Note")


def markdown(session: Session) -> str:
    """Return the checklist as Markdown, empty for a session that has none."""
    if not session.approvable:
        return ""
    lines = [f"# Deployment validation checklist of {session.number}", ""]
    if session.simulated:
        lines += [SIMULATED, ""]
    items = session.checklist.items.select_related("closed_by", "acknowledged_by")
    rows: dict[str, list[tuple[object, ...]]] = {}
    for item in items.order_by("position"):
        rows.setdefault(item.section, []).append(_row(item))
    for section, found in rows.items():
        lines += [f"## {section}", "", *table(HEAD, found), ""]
    return "\n".join(lines)


def _row(item: Item) -> tuple[object, ...]:
    who = item.closed_by.get_username() if item.closed_by else "machine" if item.closed else ""
    notes = [item.finding, item.note, f"Risk: {item.risk}" if item.risk else ""]
    if item.acknowledged_by:
        notes.append(f"Acknowledged by {item.acknowledged_by.get_username()}")
    text = "; ".join(note for note in notes if note)
    evidence = f"{item.evidence} {item.blocking}"
    return (
        item.code, item.text, evidence, item.get_state_display(), who, moment(item.closed_at),
        item.evidence_ref, text,
    )  # fmt: skip
