"""A session's report: people write their words into it, and its submission freezes it."""

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction

from crucible.ledger.canonical import digest, plain
from crucible.ledger.record import record
from crucible.roles import Role, has_role
from validation import archiving, checklist
from validation.artefacts import checklist_copy, report
from validation.artefacts.junit import junit
from validation.artefacts.markup import html
from validation.artefacts.rendering import render
from validation.facts import Facts
from validation.involvement import involve
from validation.models import Report, Session, SessionState

MAY_WRITE = (Role.OP, Role.QS, Role.QA)
FIELDS = report.FIELDS
LONGEST = 10_000


class ReportError(ValueError):
    """The report can't be written or changed as things stand; the text says why."""


def write(session: Session, by: User, **texts: str) -> Session:
    """Store the narrative, any of FIELDS; until the submission.

    Raises PermissionDenied and ReportError.
    """
    if not has_role(by, *MAY_WRITE):
        raise PermissionDenied("Your role may not edit reports.")
    with transaction.atomic():
        session = Session.objects.select_for_update().get(pk=session.pk)
        if session.state not in {SessionState.MANUAL_CHECKS, SessionState.REPORTING}:
            state = session.get_state_display().lower()
            raise ReportError(f"The session is {state}: its report can't be edited.")
        fields = {name: texts[name].strip() for name in FIELDS if name in texts}
        if any(len(text) > LONGEST for text in fields.values()):
            raise ReportError(f"A text may have {LONGEST} characters at most.")
        for name, text in fields.items():
            setattr(session, name, text)
        session.save(update_fields=list(fields))
        involve(session, by, "edited the report")
        record("report.edited", "session", session.number, actor=by, **fields)
        if session.approvable:
            checklist.evaluate(session, codes=["1.4.7", "1.4.8"])
    return session


def markdown(session: Session) -> str:
    """Return the report as Markdown."""
    facts = Facts(session)
    return report.markdown(facts, report.content(facts))


def freeze(session: Session) -> Report:
    """Keep the report and all files as they are now, inside the caller's transaction.

    What is rendered later comes from here, whatever becomes of the code that rendered it.
    """
    facts = Facts(session)
    data = report.content(facts)
    text = report.markdown(facts, data)
    frozen = Report.objects.create(
        session=session,
        version=session.reports.count() + 1,
        content=plain(data),
        markdown=text,
        html=html(text),
        junit=junit(facts),
        checklist=checklist_copy.markdown(session),
        sha256=digest(text),
    )
    archiving.keep(frozen, render(session))
    return frozen
