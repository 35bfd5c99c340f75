"""Figures that the pages of sessions, checklists and configurations show."""

from collections.abc import Sequence
from datetime import date

from django import template
from django.utils.safestring import SafeString, mark_safe

from crucible.roles import Role
from crucible.templatetags.crucible import NOTHING, duration, share
from validation.artefacts.markup import html
from validation.configuration import read
from validation.models import Check, Item, Metric, Session
from validation.statistics import four_digits

register = template.Library()


@register.filter
def took(session: Session) -> str:
    """How long the session ran, from its start to its end."""
    if not session.started_at or not session.ended_at:
        return NOTHING
    return duration(session.ended_at - session.started_at)


@register.filter
def allowed_failures(session: Session) -> int:
    """How many of the planned scenarios may fail before the session stops itself."""
    share_allowed = read(session.config.content).validation.max_failure_share
    return int(session.planned * share_allowed + 1e-9)


@register.filter
def closed_share(items: Sequence[Item]) -> str:
    """How much of a checklist is closed."""
    return share(sum(item.closed for item in items), len(items))


@register.filter
def held(checks: Sequence[Check]) -> int:
    """How many of the checks were as expected."""
    return sum(check.passed for check in checks)


@register.filter
def expiry_day(expiry: str | None) -> str:
    """Show an expiry (YYYYMMDD) as a day."""
    try:
        return f"{date.fromisoformat(expiry or ''):%a %d %b %Y}"
    except ValueError:
        return expiry or NOTHING


@register.filter
def markdown(text: str) -> SafeString:
    """Show Markdown, such as a scenario's docstring; nothing but formatting survives."""
    return mark_safe(html(text))  # noqa: S308 - cleaned by nh3


@register.filter
def role_name(code: str) -> str:
    """The name of a role."""
    return Role(code).label


@register.filter
def role_names(codes: Sequence[str]) -> str:
    """The names of roles, as in "System Operator or QA Specialist"."""
    names = [role_name(code) for code in codes]
    return " or ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


@register.filter
def metric_name(metric: Metric) -> str:
    """A metric's name in words, without the unit that stands beside its value."""
    return metric.name.removesuffix(f"_{metric.unit}").replace("_", " ")


@register.filter
def figure(value: float | None) -> str:
    """Show a measured value with four digits that matter."""
    return NOTHING if value is None else four_digits(value)
