"""Raise, acknowledge and resolve alerts; each leaves an entry in the ledger."""

from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from crucible.alerts.models import Alert
from crucible.ledger.models import Head
from crucible.ledger.record import record
from crucible.live.publish import publish
from crucible.roles import Role, has_role

SAME_WITHIN = timedelta(minutes=10)
# roles_and_states: who may acknowledge an alert.
MAY_ACKNOWLEDGE = (Role.OP, Role.QS, Role.QA, Role.CRO, Role.CTO, Role.LD, Role.TL)


class AlertError(Exception):
    """The alert cannot be acknowledged or resolved by this person, or not any more."""


def raise_alert(kind: str, title: str, text: str, *, severity: str, ref: str = "") -> Alert:
    """Raise an alert and return it.

    An open one of the same kind about the same `ref`, raised less than ten minutes before, is
    counted up instead. Raises ValueError for a severity that is none of Alert.Severity.
    """
    level = Alert.Severity(severity)
    with transaction.atomic():
        # The ledger's lock: two that raise the same alert at once must find each other's.
        Head.objects.select_for_update().get(pk=1)
        alert = _again(kind, ref) or _new(kind, title, text, level, ref)
        publish("dashboard")
    return alert


@dataclass(frozen=True)
class Standing:
    """Something that is not as it should be for as long as it lasts: what its alert says."""

    title: str
    text: str
    severity: str


def settle(kind: str, found: Standing | None, *, ref: str = "") -> bool:
    """Let the alerts of a kind agree with what is found now; return whether anything changed.

    One that stands, be it acknowledged, is not raised again unless it has become more or less
    severe; what is over is resolved.
    """
    standing = Alert.objects.filter(dedupe_key=_key(kind, ref)).exclude(state=Alert.State.RESOLVED)
    severities = set(standing.values_list("severity", flat=True))
    if severities == ({found.severity} if found else set()):
        return False
    with transaction.atomic():
        if severities:
            resolve(kind, ref=ref)
        if found:
            raise_alert(kind, found.title, found.text, severity=found.severity, ref=ref)
    return True


def _again(kind: str, ref: str) -> Alert | None:
    now = timezone.now()
    alert = Alert.objects.filter(
        dedupe_key=_key(kind, ref), state=Alert.State.OPEN, last_raised_at__gt=now - SAME_WITHIN
    ).first()
    if alert is not None:
        Alert.objects.filter(pk=alert.pk).update(count=F("count") + 1, last_raised_at=now)
        alert.refresh_from_db()
    return alert


def _new(kind: str, title: str, text: str, severity: Alert.Severity, ref: str) -> Alert:
    now = timezone.now()
    alert = Alert.objects.create(
        kind=kind,
        severity=severity,
        title=title[:200],
        text=text,
        ref=ref,
        dedupe_key=_key(kind, ref),
        raised_at=now,
        last_raised_at=now,
    )
    record(
        "alert.raised", "alert", alert.pk, actor="system",
        alert=kind, severity=severity, title=title, ref=ref,
    )  # fmt: skip
    return alert


def _key(kind: str, ref: str) -> str:
    return f"{kind}|{ref}"


def acknowledge(alert: Alert, by: User) -> Alert:
    """Note that a person has seen it; raise AlertError if they may not, or it is not open."""
    if not has_role(by, *MAY_ACKNOWLEDGE):
        raise AlertError("Your role may not acknowledge alerts.")
    with transaction.atomic():
        changed = Alert.objects.filter(pk=alert.pk, state=Alert.State.OPEN).update(
            state=Alert.State.ACKNOWLEDGED, acknowledged_by=by, acknowledged_at=timezone.now()
        )
        if not changed:
            raise AlertError("This alert is not open any more.")
        record("alert.acknowledged", "alert", alert.pk, actor=by, alert=alert.kind, ref=alert.ref)
        publish("dashboard")
    alert.refresh_from_db()
    return alert


def resolve(kind: str, *, ref: str = "", actor: User | str = "system") -> int:
    """Note that the cause of these alerts is gone; return how many were open or acknowledged."""
    with transaction.atomic():
        over = Alert.objects.select_for_update().exclude(state=Alert.State.RESOLVED)
        over = over.filter(dedupe_key=_key(kind, ref))
        found = [alert.pk for alert in over]
        Alert.objects.filter(pk__in=found).update(
            state=Alert.State.RESOLVED, resolved_at=timezone.now()
        )
        for pk in found:
            record("alert.resolved", "alert", pk, actor=actor, alert=kind, ref=ref)
        if found:
            publish("dashboard")
    return len(found)
