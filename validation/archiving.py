"""A session's files: rendered while it is under review, as they were kept once it is submitted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from validation.artefacts.bundle import complete, zipped
from validation.artefacts.file import JSON, MARKDOWN, TEXT, File
from validation.artefacts.markup import day, when
from validation.artefacts.rendering import makers, render, render_one
from validation.models import Artefact, GatewayLog, Report, Session, SessionState
from validation.signals import signed_files_wanted

DECIDED = (SessionState.APPROVED, SessionState.SUPERSEDED, SessionState.REJECTED)
SUBMITTED = (*DECIDED, SessionState.AWAITING_APPROVAL)
# How the file of each form of the report begins and ends.
FORMS = {
    "md": ("live_validation_report_", ".md"),
    "html": ("live_validation_report_", ".html"),
    "json": ("live_validation_report_", ".json"),
    "xml": ("pytest_report", ".xml"),
    "txt": ("pytest_report_", ".txt"),
    "checklist.md": ("checklist_completed", ".md"),
}


@dataclass(frozen=True)
class Listed:
    """A file in a list; without size and digest it is still being written."""

    name: str
    size: int = 0
    sha256: str = ""


def frozen(session: Session) -> Report | None:
    """Return the report as it was last submitted, or None while it is still being written."""
    return session.reports.order_by("version").last() if session.state in SUBMITTED else None


def keep(report: Report, files: Sequence[File]) -> None:
    """Store the files of a submitted report, inside the caller's transaction."""
    Artefact.objects.bulk_create(
        Artefact(
            report=report, position=position, name=one.name, content_type=one.content_type,
            content=one.content, sha256=one.sha256,
        )
        for position, one in enumerate(files, start=1)
    )  # fmt: skip


def files(session: Session) -> list[File]:
    """Return the session's files, the gateway's own logs included."""
    report = frozen(session)
    kept = list(report.artefacts.order_by("position")) if report else []
    if not kept:
        return [*render(session), *_logs(session)]
    return [File(row.name, row.content_type, bytes(row.content)) for row in kept] + _logs(session)


def file_of(session: Session, name: str) -> File | None:
    """Return the one file of that name; None when there is none."""
    report = frozen(session)
    kept = report.artefacts.filter(name=name).first() if report else None
    if kept is not None:
        return File(kept.name, kept.content_type, bytes(kept.content))
    if report is None and (found := render_one(session, name)) is not None:
        return found
    return next((one for one in _logs(session) if one.name == name), None)


def listed(session: Session) -> list[Listed]:
    """Return what a page says of the files: size and digest only of what is kept for good."""
    report = frozen(session)
    kept = report.artefacts.order_by("position") if report else []
    rows = [Listed(row.name, len(row.content), row.sha256) for row in kept]
    rows = rows or [Listed(name) for name in makers(session)]
    return rows + [Listed(one.name, one.size, one.sha256) for one in _logs(session)]


def report_file(session: Session, form: str) -> File:
    """Return the report in one of FORMS, or the checklist's copy (empty without a checklist)."""
    start, ending = FORMS[form]
    for one in listed(session):
        if one.name.startswith(start) and one.name.endswith(ending):
            return cast("File", file_of(session, one.name))
    return File(f"{start}{ending}", MARKDOWN, b"")


def evidence(session: Session) -> list[dict[str, object]]:
    """Return what a manifest says of the files: name, bytes, SHA-256.

    Until the decision they are rendered anew, so that a change of anything in them is seen.
    """
    found = files(session) if session.state in DECIDED else [*render(session), *_logs(session)]
    return [{"name": one.name, "bytes": one.size, "sha256": one.sha256} for one in found]


def _logs(session: Session) -> list[File]:
    date = day(session)
    rows: list[GatewayLog] = list(session.gateway_logs.order_by("pk"))
    return [
        File(f"ibgateway_{date}{f'_{number}' if number > 1 else ''}.log", TEXT, bytes(row.content))
        for number, row in enumerate(rows, start=1)
    ]


def archive_files(session: Session) -> list[File]:
    """Return everything the archive holds: the files, what was signed, manifest and digests."""
    about = {"session": session.number, "simulated": session.simulated}
    return complete([*files(session), *_signed(session)], about, when(session))


def _signed(session: Session) -> list[File]:
    """Return the manifest that the signatures were given for, and the signatures."""
    if not session.signed:
        return []
    found: dict[str, str] = {}
    for _, answer in signed_files_wanted.send(sender=Session, subject=session.number):
        found.update(cast("Mapping[str, str]", answer))
    return [File(name, JSON, text.encode()) for name, text in sorted(found.items())]


def archive(session: Session) -> bytes:
    """Return the archive: a zip that is the same whenever the session is."""
    return zipped(archive_files(session), when(session))


def archive_name(session: Session) -> str:
    """Return the archive's file name."""
    return f"{day(session)}_{session.number}.zip"
