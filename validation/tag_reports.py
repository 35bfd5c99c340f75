"""Take in a pipeline's word that it has made and pushed a tag (CI-09)."""

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from crucible.ledger.record import record
from crucible.live.publish import publish
from crucible.roles import has_role
from validation import milestones
from validation.models import CodeTag, Session, SessionKind, SessionState
from validation.tags import EARNED, name
from validation.uploads import COMMIT, MAY_UPLOAD, URL, UploadConflict, UploadRefused


def receive(by: User, tag: str, *, commit: str, run_url: str) -> tuple[CodeTag, bool]:
    """Store that a pipeline made and pushed a tag; return it, and whether that is new.

    Raises PermissionDenied, UploadRefused for a tag that no session of this commit has earned, and
    UploadConflict for one that was reported at another commit.
    """
    if not has_role(by, *MAY_UPLOAD):
        raise PermissionDenied("Only a service account or the Lead Developer may report tags.")
    if not COMMIT.fullmatch(commit) or not URL.fullmatch(run_url):
        raise UploadRefused("commit: 7 to 64 hexadecimal digits; run_url: an http address.")
    owners = _owners(tag, commit)
    if not owners:
        raise UploadRefused(f"No session of {commit[:12]} has earned the tag {tag[:80]}.")
    try:
        return _store(CodeTag(name=tag, commit=commit, run_url=run_url, reported_by=by), owners)
    except IntegrityError:
        known = CodeTag.objects.get(name=tag)
    if known.commit != commit:
        raise UploadConflict(f"{tag} was reported at {known.commit[:12]} already.")
    return known, False


def _owners(tag: str, commit: str) -> list[Session]:
    """Return the sessions of this commit that have earned the tag."""
    found = Session.objects.filter(
        code_version=commit, kind=SessionKind.FULL, state__in=EARNED
    ).select_related("restart_of", "follow_up")
    return [one for one in found if name(one, EARNED[SessionState(one.state)]) == tag]


def _store(row: CodeTag, owners: list[Session]) -> tuple[CodeTag, bool]:
    with transaction.atomic():
        row.save()
        record(
            "tag.reported", "tag", row.name, actor=row.reported_by, commit=row.commit,
            run_url=row.run_url, sessions=[one.number for one in owners],
        )  # fmt: skip
        where = f"At {row.commit[:12]}, {row.run_url}"
        for session in owners:
            milestones.tagged(session, row.name, where)
            publish(f"session:{session.number}")
    return row, True
