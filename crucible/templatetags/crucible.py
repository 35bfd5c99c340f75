"""Template tags and filters that every page may use: times, figures, icons, states."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django import template
from django.contrib.auth.models import User
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from crucible.ledger.models import Entry
from crucible.states import look_of

register = template.Library()
ET = ZoneInfo("America/New_York")
UTC = ZoneInfo("UTC")
NOTHING = "–"
HIDDEN = mark_safe('aria-hidden="true"')
# Kinds of ledger entries whose parts, read as words, would not say what happened.
EVENTS = {
    "kill.triggered": "Kill switch triggered",
    "kill.triggered_again": "Kill switch triggered again",
    "kill.reset_requested": "Kill switch: reset requested",
    "kill.reset_approved": "Kill switch: reset approved, armed",
    "kill.reset_refused": "Kill switch: reset refused",
    "config.drafted": "Configuration drafted: revision",
    "config.edited": "Configuration edited: revision",
    "config.proposed": "Configuration proposed: revision",
    "config.approved_by": "Approval given for revision",
    "config.approved": "Configuration approved: revision",
    "config.active": "Configuration put in force: revision",
    "config.superseded": "Configuration superseded: revision",
    "config.rejected": "Configuration rejected: revision",
    "signoff.submitted": "Sign-off requested:",
    "signoff.signed": "Signature given:",
    "signoff.approved": "Sign-off complete:",
    "signoff.rejected": "Sign-off rejected:",
    "signoff.changes_requested": "Changes requested:",
    "signoff.voided": "Signatures void:",
    "signoff.withdrawn": "Sign-off withdrawn:",
    "signoff.wrong_password": "Wrong password on signing",
    "correction.proposed": "Settlement proposed:",
    "correction.approved": "Settled:",
    "correction.refused": "Settlement refused:",
    "task.moved": "Task moved:",
    "product.seeded": "Crucible set up",
    "session.cleanup": "Session cleaning up",
    "session.cleaned": "Session cleaned up",
    "session.completed": "Scenarios completed",
    "session.cleanup_failed": "Clean-up failed",
}
# Their objects have a number that means nothing to a person.
UNNAMED = {"alert", "kill switch", "reconciliation", "signoff"}
NAMING = ("title", "subject", "difference", "scope", "reason", "root_cause")
FORMATS = {
    "minute": "%Y-%m-%d %H:%M ET",
    "second": "%Y-%m-%d %H:%M:%S ET",
    "time": "%H:%M:%S",
    "date": "%Y-%m-%d",
    "day": "%a %d %b %Y",
    "clock": "%a %H:%M:%S ET",
}


@register.simple_tag
def icon(name: str, label: str = "", spin: bool = False) -> SafeString:
    """Draw a symbol of icons.svg; without a label it is decoration that a reader skips."""
    return format_html(
        '<svg class="icon{}" {}><use href="{}#{}"></use></svg>',
        " icon--spin" if spin else "",
        format_html('role="img" aria-label="{}"', label) if label else HIDDEN,
        static("icons.svg"),
        name,
    )


@register.simple_tag
def state_badge(state: object, kind: str = "", word: str = "") -> SafeString:
    """Show a state as icon and word on its tone; `kind` tells apart words with two meanings."""
    look = look_of(state, kind)
    return format_html(
        '<span class="badge badge--{}" data-state="{}">{}{}</span>',
        look.tone,
        state or "UNKNOWN",
        icon(look.icon, spin=look.icon == "loader-2"),
        word or look.word,
    )


@register.filter
def state_word(state: object, kind: str = "") -> str:
    """The state in words, for a sentence."""
    return look_of(state, kind).word


@register.filter
def et(moment: datetime | date | None, form: str = "minute") -> str:
    """Show a moment in exchange time with UTC on hover; forms: see FORMATS."""
    if not isinstance(moment, datetime):
        return moment.isoformat() if moment else NOTHING
    return _time(moment, f"{moment.astimezone(ET):{FORMATS[form]}}")


@register.filter
def ago(moment: datetime | None) -> str:
    """Show how long ago (or how far ahead) a moment is, with both zones on hover."""
    if moment is None:
        return "never"
    seconds = (timezone.now() - moment).total_seconds()
    span = _coarse(abs(seconds))
    words = "just now" if abs(seconds) < 1 else f"{span} ago" if seconds > 0 else f"in {span}"
    return _time(moment, words, f"{moment.astimezone(ET):{FORMATS['second']}} · ")


def _time(moment: datetime, text: str, before: str = "") -> SafeString:
    utc = moment.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{}{} UTC">{}</time>',
        utc.isoformat(timespec="milliseconds"),
        before,
        f"{utc:%Y-%m-%d %H:%M:%S}",
        text,
    )


def _coarse(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


@register.filter
def duration(value: timedelta | float | None) -> str:
    """Show a timedelta, or a number of milliseconds, in the two units that matter."""
    if value is None or value == "":
        return NOTHING
    ms = value.total_seconds() * 1000 if isinstance(value, timedelta) else float(value)
    if ms < 1000:
        return f"{ms:.0f} ms"
    if ms < 60_000:
        return f"{ms / 1000:.1f} s"
    minutes, seconds = divmod(int(ms // 1000), 60)
    if minutes < 60:
        return f"{minutes} min {seconds:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


@register.filter
def seconds(value: float | None) -> str:
    """Show a number of seconds as `duration` does."""
    return NOTHING if value is None else duration(float(value) * 1000)


@register.filter
def number(value: float | Decimal | None, decimals: int | None = None) -> str:
    """Show a figure with thousands separators; unless told, with the decimals that matter."""
    if value is None or value == "":
        return NOTHING
    if decimals is not None:
        return f"{value:,.{decimals}f}"
    size = abs(float(value))
    text = f"{value:,.{3 if size < 10 else 2 if size < 100 else 1}f}"
    return text.rstrip("0").rstrip(".")


@register.filter
def share(part: float | None, whole: float | None) -> str:
    """Show part of whole as a percentage; nothing when there is no whole."""
    return f"{100 * (part or 0) / whole:.0f} %" if whole else NOTHING


@register.filter
def money(value: float | Decimal | None) -> str:
    """Show an amount of dollars with cents."""
    return NOTHING if value is None else f"{value:,.2f}"


@register.filter
def short(digest: str | None) -> str:
    """Show the first twelve characters of a digest or commit."""
    return (digest or NOTHING)[:12]


@register.filter
def person(user: User | None) -> str:
    """Show a person by name; without one it was the system."""
    return (user.get_full_name() or user.get_username()) if user else "the system"


@register.filter
def event(kind: str) -> str:
    """Show the kind of a ledger entry, such as session.started, in words."""
    return EVENTS.get(kind) or kind.replace(".", " ").replace("_", " ").capitalize()


@register.filter
def event_about(entry: Entry) -> str:
    """Name what a ledger entry is about where its kind alone would not tell."""
    if entry.object_type in UNNAMED:
        details = entry.details
        found = (details.get(key) for key in NAMING)
        return str(next(filter(None, found), ""))
    return "" if entry.object_type == "product" else entry.object_id
