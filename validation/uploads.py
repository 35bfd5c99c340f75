"""Take in test reports from pipelines: JUnit XML, hardened, once for each run."""

import hashlib
import re
from dataclasses import dataclass
from math import isfinite
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from crucible.ledger.record import record
from crucible.live.publish import publish
from crucible.roles import Role, has_role
from validation import board, checklist
from validation.models import Column, Session, Task, Upload

MAY_UPLOAD = (Role.CI, Role.LD)
LARGEST = 20 * 1024 * 1024
MOST_PROBLEMS = 200
COMMIT = re.compile(r"[0-9a-f]{7,64}")
URL = re.compile(r"https?://[^\s]{1,490}")
TESTS_GREEN = "1.1.27"
TESTED_TASKS = tuple(f"1.1.{number}" for number in range(1, 8))


class UploadRefused(ValueError):  # noqa: N818 - an answer, not a fault
    """The file or its description can't be accepted; the text says why."""


class UploadConflict(UploadRefused):
    """The same run has already sent other content of this kind."""


class UploadTooLarge(UploadRefused):
    """The file is larger than its kind may be."""


@dataclass(frozen=True)
class Parsed:
    """What a JUnit report says."""

    tests: int
    failures: int
    errors: int
    skipped: int
    duration_s: float
    problems: list[dict[str, str]]


def receive(
    by: User,
    raw: bytes,
    *,
    commit: str,
    branch: str,
    run_url: str,
    kind: str = "TESTS",
    file_name: str = "",
) -> tuple[Upload, bool]:
    """Store a report and return it, and whether it is new.

    The same run with the same content gets the upload it already has. Raises PermissionDenied,
    UploadRefused, UploadConflict and UploadTooLarge.
    """
    if not has_role(by, *MAY_UPLOAD):
        raise PermissionDenied("Only a service account or the Lead Developer may upload.")
    _check_description(commit, branch, run_url, kind)
    text, parsed = _text(raw), parse(raw)
    digest = hashlib.sha256(raw).hexdigest()
    row = Upload(
        kind=kind, commit=commit, branch=branch[:200], run_url=run_url, content=text,
        file_name=safe_name(file_name), sha256=digest, uploaded_by=by, **vars(parsed),
    )  # fmt: skip
    known = _known(row)
    return known if known else _store(row, by)


def _store(row: Upload, by: User) -> tuple[Upload, bool]:
    try:
        with transaction.atomic():
            row.save()
            record(
                "upload.received", "upload", row.pk, actor=by, commit=row.commit,
                branch=row.branch, run_url=row.run_url, sha256=row.sha256, tests=row.tests,
                failures=row.failures, errors=row.errors, skipped=row.skipped,
            )  # fmt: skip
            publish("dashboard", "uploads")
    except IntegrityError:
        if known := _known(row):
            return known
        raise
    tick(row.commit)
    if row.green:
        _finish_tasks(row)
    return row, True


def _finish_tasks(upload: Upload) -> None:
    """Move the tasks whose proof the automated tests are to DONE."""
    why = f"Test report {upload.pk} of {upload.commit[:12]} is green: {upload.tests} tests."
    for task in Task.objects.filter(code__in=TESTED_TASKS).exclude(column=Column.DONE):
        board.move_by_system(task, Column.DONE, actor="system", why=why, link=f"/ci/{upload.pk}/")


def _known(row: Upload) -> tuple[Upload, bool] | None:
    """Return the upload of the same run and kind; raise UploadConflict if its content differs."""
    known = Upload.objects.filter(run_url=row.run_url, kind=row.kind).first()
    if known is None:
        return None
    if (known.sha256, known.commit) != (row.sha256, row.commit):
        raise UploadConflict(f"This run has sent another report already: upload {known.pk}.")
    return known, False


def tick(commit: str) -> None:
    """Apply the rule about green tests to the undecided sessions of this code version."""
    waiting = Session.objects.filter(
        code_version=commit, state__in=checklist.EDITABLE, checklist__isnull=False
    )
    for pk in waiting.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            session = Session.objects.select_for_update().get(pk=pk)
            if session.state in checklist.EDITABLE:
                checklist.evaluate(session, codes=[TESTS_GREEN])


def uploaders(session: Session) -> dict[int, str]:
    """Return who sent test reports of the session's code version: the person's id → the deed.

    A token is its holder's, and whoever sent the report that ticks an item did that item's work.
    """
    found = Upload.objects.filter(commit=session.code_version, kind="TESTS").order_by("-pk")
    return {
        person: f"uploaded test report {pk} of its code version"
        for pk, person in found.values_list("pk", "uploaded_by")
    }


def parse(raw: bytes) -> Parsed:
    """Read a JUnit report; raises UploadRefused for what is none, or is hostile."""
    if len(raw) > LARGEST:
        raise UploadTooLarge("The file is larger than 20 MB.")
    if not raw.strip():
        raise UploadRefused("The file is empty.")
    try:
        root = fromstring(raw, forbid_dtd=True)
    except DefusedXmlException as error:
        raise UploadRefused("The file declares a DTD or entities, which is not allowed.") from error
    except (ParseError, ValueError, LookupError) as error:
        raise UploadRefused(f"The file is not XML: {error}") from error
    if root.tag not in {"testsuites", "testsuite"}:
        raise UploadRefused(f"The file is not JUnit XML: its root is <{root.tag[:60]}>.")
    return _read(root)


def _read(root: Element) -> Parsed:
    cases = list(root.iter("testcase"))
    if not cases:
        raise UploadRefused("The report has no test cases.")
    outcomes = [outcome_of(case) for case in cases]
    problems = [problem_of(*pair) for pair in zip(cases, outcomes, strict=True) if pair[1]]
    return Parsed(
        tests=len(cases),
        failures=outcomes.count("failure"),
        errors=outcomes.count("error"),
        skipped=outcomes.count("skipped"),
        duration_s=round(sum(seconds_of(case) for case in cases), 3),
        problems=problems[:MOST_PROBLEMS],
    )


def outcome_of(case: Element) -> str:
    """Return the gravest thing a case reports; empty when it passed."""
    found = {child.tag for child in case}
    for outcome in ("error", "failure", "skipped"):
        if outcome in found:
            return outcome
    return ""


def problem_of(case: Element, outcome: str) -> dict[str, str]:
    """Return what a case says of its outcome: name, class name, outcome, message."""
    detail = case.find(outcome)
    message = "" if detail is None else detail.get("message") or detail.text or ""
    return {
        "name": case.get("name", "")[:200],
        "classname": case.get("classname", "")[:200],
        "outcome": outcome,
        "message": message.strip()[:500],
    }


def seconds_of(case: Element) -> float:
    """Return how long a case took; 0 when it does not say so sensibly."""
    try:
        value = float(case.get("time", "0"))
    except ValueError:
        return 0.0
    return value if isfinite(value) and value > 0 else 0.0


def _text(raw: bytes) -> str:
    # PostgreSQL keeps no NUL; an XML file that holds one is refused by the parser anyway.
    return raw[:LARGEST].decode("utf-8", "replace").replace("\x00", "�")


def safe_name(name: str) -> str:
    """Return a file's name without what is no letter, digit, dot, dash or underscore."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", name)[-100:]


def _check_description(commit: str, branch: str, run_url: str, kind: str) -> None:
    problems = [
        (COMMIT.fullmatch(commit), "commit: 7 to 64 hexadecimal digits, in lower case"),
        (0 < len(branch) <= 200 and branch.isprintable(), "branch: 1 to 200 characters"),
        (URL.fullmatch(run_url), "run_url: an http or https address of at most 500 characters"),
        (kind == "TESTS", "kind: TESTS is the only one"),
    ]
    if wrong := [text for good, text in problems if not good]:
        raise UploadRefused("; ".join(wrong) + ".")


def describe(upload: Upload) -> dict[str, Any]:
    """Return an upload as JSON values, without the file itself."""
    names = (
        "kind", "state", "commit", "branch", "run_url", "file_name", "sha256", "tests",
        "failures", "errors", "skipped", "duration_s", "problems",
    )  # fmt: skip
    row = {name: getattr(upload, name) for name in names}
    return {
        "id": upload.pk, **row, "green": upload.green,
        "uploaded_at": upload.uploaded_at.isoformat(),
        "uploaded_by": upload.uploaded_by.get_username(),
    }  # fmt: skip
