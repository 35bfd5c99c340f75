"""Take in the gateway's raw log that a person brings: kept as it is, scanned, never changed."""

import hashlib
import re
from dataclasses import asdict

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction

from crucible.ledger.record import record
from crucible.live.publish import publish
from crucible.roles import Role, has_role
from validation.involvement import involve
from validation.log_scan import scan
from validation.models import GatewayLog, Session, SessionState

MAY_UPLOAD = (Role.OP, Role.QS, Role.QA)
LARGEST = 10 * 1024 * 1024
MOST_LOGS = 5
OPEN = (SessionState.MANUAL_CHECKS, SessionState.REPORTING)


class LogRefused(ValueError):  # noqa: N818 - an answer, not a fault
    """The log can't be taken; the text says why."""


def receive(session: Session, by: User, raw: bytes, file_name: str = "") -> tuple[GatewayLog, bool]:
    """Store a log and return it, and whether it is new; who brings evidence can't sign it.

    Raises PermissionDenied and LogRefused.
    """
    if not has_role(by, *MAY_UPLOAD):
        raise PermissionDenied("Operators, QA Specialists and the QA Lead upload logs.")
    if not raw.strip():
        raise LogRefused("The file is empty.")
    if len(raw) > LARGEST:
        raise LogRefused(f"The file is larger than {LARGEST // 1024 // 1024} MB.")
    with transaction.atomic():
        session = Session.objects.select_for_update().get(pk=session.pk)
        if session.state not in OPEN:
            state = session.get_state_display().lower()
            raise LogRefused(f"The session is {state}: no log can be added.")
        return _store(session, by, raw, file_name)


def _store(session: Session, by: User, raw: bytes, file_name: str) -> tuple[GatewayLog, bool]:
    sha256 = hashlib.sha256(raw).hexdigest()
    known = session.gateway_logs.filter(sha256=sha256).first()
    if known is not None:
        return known, False
    if session.gateway_logs.count() >= MOST_LOGS:
        raise LogRefused(f"The session has {MOST_LOGS} logs already.")
    # PostgreSQL keeps no NUL in a text; the file itself is kept byte for byte.
    text = raw.decode("utf-8", "replace").replace("\x00", "�")
    found = scan(text.splitlines())
    row = GatewayLog.objects.create(
        session=session, file_name=_safe(file_name), content=raw, size=len(raw), sha256=sha256,
        lines=found.lines, counts=found.counts,
        findings=[asdict(one) for one in found.findings], uploaded_by=by,
    )  # fmt: skip
    involve(session, by, "uploaded the gateway's log")
    record(
        "gateway_log.uploaded", "session", session.number, actor=by, file=row.file_name,
        bytes=row.size, sha256=sha256, counts=found.counts,
    )  # fmt: skip
    publish(f"session:{session.number}")
    return row, True


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", name)[-100:] or "gateway.log"
