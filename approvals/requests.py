"""A request's life: submitted, withdrawn, voided by a change, closed. Each is one transaction."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from approvals import evidence, manifest
from approvals.deadlines import signoff_due
from approvals.evidence import Evidence
from approvals.guards import SHORTEST_COMMENT, Reason, Refused, may_submit, refuse
from approvals.manifest import Manifest
from approvals.models import NOT_DEMO, Policy, Request, person
from approvals.rules import UNDECIDED, State
from crucible.alerts.models import Alert
from crucible.alerts.raising import raise_alert, resolve
from crucible.ledger.record import record
from crucible.live.publish import publish

SHOWN_CHANGES = 5


class UnstableEvidenceError(RuntimeError):
    """Submitting changed what was submitted: the manifest holds something that is no content."""


def submit(subject: str, by: User) -> Request:
    """Lay the subject before its signers.

    Raises Refused when this person may not or something blocks it, and ObjectDoesNotExist for an
    unknown subject.
    """
    source = evidence.load()
    with transaction.atomic():
        source.lock(subject)
        previous = Request.latest(subject)
        refuse_submission(subject, by, previous)
        request = _create(subject, by, previous)
        source.submitted(subject, request.pk, by)
        if not request.unchanged:
            raise UnstableEvidenceError(f"{subject}: {changes(request)}")
        _tell(request, "submitted", by, version=request.version, due_at=request.due_at)
    return request


def refuse_submission(
    subject: str, by: User, previous: Request | None, source: Evidence | None = None
) -> None:
    """Raise Refused when the person may not submit the subject now.

    Only a page that shows the answer passes the `source` that it has read already.
    """
    latest = State(previous.state) if previous else None
    if refusal := may_submit(person(by), blockers(subject, source), latest):
        raise Refused(refusal)


def blockers(subject: str, source: Evidence | None = None) -> list[str]:
    """Return what speaks against a submission; raise ObjectDoesNotExist for an unknown subject."""
    source = source or evidence.load()
    simulated = source.summary(subject).simulated and not settings.DEMO
    return ([NOT_DEMO] if simulated else []) + list(source.blockers(subject))


def _create(subject: str, by: User, previous: Request | None) -> Request:
    source, policy, now = evidence.load(), Policy.current(), timezone.now()
    what = Manifest.of(subject, policy.as_content(), source.manifest(subject))
    summary = source.summary(subject)
    return Request.objects.create(
        policy=policy,
        subject=subject,
        title=summary.title[:200],
        version=previous.version + 1 if previous else 1,
        previous=previous,
        simulated=summary.simulated,
        manifest_text=what.text,
        digest=what.digest,
        submitted_by=by,
        submitted_at=now,
        due_at=signoff_due(now, settings.SIGNOFF_CUTOFF_HOUR_ET, settings.SIGNOFF_DUE_HOUR_ET),
    )


def withdraw(pk: int, by: User, reason: str) -> Request:
    """Take a request back; raise Refused unless its submitter does so while it is undecided."""
    if len(reason.strip()) < SHORTEST_COMMENT:
        raise refuse(
            Reason.COMMENT,
            "The reason is missing or too short.",
            "Those who were asked to sign want to know why.",
            f"Write at least {SHORTEST_COMMENT} characters.",
        )
    with transaction.atomic():
        request = Request.lock(pk)
        if request.submitted_by_id != by.pk:
            raise refuse(
                Reason.SUBMITTER,
                "You can't withdraw this request.",
                "Only the person who submitted it may.",
                "Ask them, or let a signer reject it.",
            )
        if not request.undecided:
            raise refuse(
                Reason.CLOSED,
                "This request can't be withdrawn any more.",
                "It is closed.",
                "Reload the page to see how it ended.",
            )
        close(request, State.WITHDRAWN, by, reason.strip())
    return request


def void_if_changed(subject: str, actor: User | str) -> Request | None:
    """Void the subject's open request if its evidence is no longer what was submitted.

    Call it in the transaction of the change. Returns the request that it voided. Evidence that
    differs from what has been approved raises an alert: an approved request stays as it is.
    """
    with transaction.atomic():
        found = Request.latest(subject)
        if found is None:
            return None
        request = Request.lock(found.pk)
        if State(request.state) not in UNDECIDED | {State.APPROVED} or request.unchanged:
            return None
        if request.undecided:
            _void(request, actor)
            return request
        _warn(request)
    return None


def changes(request: Request) -> str:
    """Say in a sentence which parts of the evidence differ from what was submitted."""
    found = manifest.diff(request.manifest.content, request.current_manifest().content)
    names = manifest.in_words(found)
    if not names:
        return "Changed since it was submitted."
    more = f" and {len(names) - SHOWN_CHANGES} more" if len(names) > SHOWN_CHANGES else ""
    return f"Changed since it was submitted: {', '.join(names[:SHOWN_CHANGES])}{more}."


def _void(request: Request, actor: User | str) -> None:
    signers = [(s.signer.get_username(), s.signer_name) for s in request.signatures.all()]
    close(request, State.VOIDED, actor, changes(request))
    for username, name in signers:
        raise_alert(
            "signoff.voided",
            f"Your signature on {request} is void, {name}",
            f"{request.closed_reason} A new version has to be submitted and signed.",
            severity=Alert.Severity.WARNING,
            ref=f"signoff:{request.pk}:{username}",
        )


def _warn(request: Request) -> None:
    raise_alert(
        "signoff.changed_after_approval",
        f"The evidence of {request} differs from what was approved",
        f"{changes(request)} The approval stands for the manifest that was signed.",
        severity=Alert.Severity.CRITICAL,
        ref=f"signoff:{request.pk}",
    )


def close(request: Request, outcome: State, actor: User | str, reason: str) -> None:
    """End an open request inside the caller's transaction, and hand the decision back."""
    by = actor if isinstance(actor, User) else None
    request.state, request.closed_by = outcome.value, by
    request.closed_at, request.closed_reason = timezone.now(), reason
    request.save()
    evidence.load().decided(request.subject, outcome.value, by, reason)
    for kind in ("signoff.reminder", "signoff.overdue"):
        resolve(kind, ref=f"signoff:{request.pk}")
    _tell(request, outcome.value.lower(), actor, reason=reason)


def _tell(request: Request, event: str, actor: User | str, **details: Any) -> None:
    publish(*topics(request))
    record(
        f"signoff.{event}",
        "signoff",
        request.pk,
        actor=actor,
        subject=request.subject,
        digest=request.digest,
        simulated=request.simulated,
        **details,
    )


def topics(request: Request) -> tuple[str, ...]:
    """Return the live topics of pages that show the request."""
    return (f"signoff:{request.pk}", f"session:{request.subject}", "board", "dashboard")
