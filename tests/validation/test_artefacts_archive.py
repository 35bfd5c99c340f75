"""A session's files: complete, frozen at submission, and with what was signed."""

import io
import json
import zipfile
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from approvals import requests, signing
from approvals.models import Request
from approvals.rules import Decision
from crucible.ledger.canonical import digest
from crucible.roles import Role
from tests.conftest import People
from tests.validation.recorded import record_session
from tests.validation.test_checklist import close_all
from validation import archiving, reports
from validation.artefacts.bundle import problems
from validation.models import Artefact, KnownLimitation, Session

pytestmark = pytest.mark.django_db


@pytest.fixture
def submitted(reviewed: Session, operator: User, people: People, settings: LazySettings) -> Session:
    """A session that waits for its signatures."""
    settings.DEMO = True
    close_all(reviewed, operator)
    requests.submit(reviewed.number, operator)
    reviewed.refresh_from_db()
    return reviewed


@pytest.fixture
def approved(submitted: Session, people: People) -> Session:
    """A session that everybody has signed."""
    request = Request.latest(submitted.number)
    assert request is not None
    for who in ("qa", "cro", "pm"):
        signing.decide(
            request.pk, people[who], Decision.APPROVE, password=People.password(people[who]),
            slot=Role(who.upper()),
        )  # fmt: skip
    submitted.refresh_from_db()
    assert submitted.state == "APPROVED"
    return submitted


def unzipped(session: Session) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archiving.archive(session))) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def test_an_archive_holds_every_file_under_its_specified_name(db: None) -> None:
    names = [
        "live_validation_report_20260302.md", "live_validation_report_20260302.html",
        "live_validation_report_20260302.json", "checklist_completed.md",
        "pytest_report_20260302.txt", "pytest_report.xml", "metrics_20260302.json",
        "metrics_20260302.csv", "measurements_20260302.csv", "broker_messages_20260302.csv",
        "session_log_20260302.jsonl", "orders_20260302.json", "validation_config.yaml",
        "manifest.json", "SHA256SUMS",
    ]  # fmt: skip
    session = record_session()
    assert list(unzipped(session)) == names
    assert problems(archiving.archive(session)) == []


def test_the_manifest_carries_the_sessions_own_time(db: None) -> None:
    manifest = json.loads(unzipped(record_session())["manifest.json"])
    assert manifest["created_at"] == "2026-03-02T15:31:00.623456+00:00"
    assert (manifest["session"], manifest["simulated"]) == ("VS-RECORDED", True)


def test_what_was_submitted_is_kept_whatever_becomes_of_the_renderer(
    submitted: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {one.name: one.content for one in archiving.files(submitted)}
    monkeypatch.setattr(archiving, "render", lambda session: [])
    Session.objects.update(summary="Changed later.")
    assert {one.name: one.content for one in archiving.files(submitted)} == before
    assert len(before) == 13


def test_the_signers_manifest_names_the_files_that_are_kept(submitted: Session) -> None:
    request = Request.latest(submitted.number)
    assert request is not None
    listed = request.manifest.content["evidence"]["artefacts"]
    kept = Artefact.objects.filter(report__session=submitted).order_by("position")
    assert [(row["name"], row["sha256"]) for row in listed] == [
        (row.name, row.sha256) for row in kept
    ]


def test_a_late_change_of_a_file_shows_before_the_decision(submitted: Session) -> None:
    request = Request.latest(submitted.number)
    assert request is not None
    assert request.unchanged
    KnownLimitation.objects.create(code="late", text="Nobody saw this.")
    assert not request.unchanged


def test_what_was_decided_stays_as_it_was_signed(approved: Session) -> None:
    request = Request.latest(approved.number)
    assert request is not None
    KnownLimitation.objects.create(code="late", text="Of another day.")
    assert request.unchanged


def test_a_second_submission_keeps_files_of_its_own(
    submitted: Session, operator: User, people: People
) -> None:
    request = Request.latest(submitted.number)
    assert request is not None
    requests.withdraw(request.pk, operator, "one more word")
    submitted.refresh_from_db()
    assert archiving.frozen(submitted) is None
    reports.write(submitted, operator, summary="Second.")
    requests.submit(submitted.number, operator)
    submitted.refresh_from_db()
    assert b"Second." in archiving.report_file(submitted, "md").content
    assert submitted.reports.count() == 2


def test_the_archive_of_a_signed_session_proves_what_was_signed(approved: Session) -> None:
    found = unzipped(approved)
    signatures = json.loads(found["signatures.json"])
    assert [row["role"] for row in signatures] == ["QA", "CRO", "PM"]
    signed = digest(found["signed_manifest.json"].decode())
    assert {row["manifest_sha256"] for row in signatures} == {signed}
    assert problems(archiving.archive(approved)) == []


def test_an_unsigned_session_has_no_signatures_in_its_archive(submitted: Session) -> None:
    assert "signed_manifest.json" not in unzipped(submitted)


def test_the_commands_write_and_verify_an_archive(
    db: None, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    session = record_session()
    call_command("export_session", session.number, out=tmp_path)
    target = tmp_path / "20260302" / "20260302_VS-RECORDED.zip"
    call_command("verify_archive", target)
    assert "is sound" in capsys.readouterr().out
    target.write_bytes(target.read_bytes().replace(b"went", b"want"))
    with pytest.raises(CommandError, match="not sound"):
        call_command("verify_archive", target)
    with pytest.raises(CommandError, match="no session NOTHING"):
        call_command("export_session", "NOTHING", out=tmp_path)


def test_the_order_history_is_written_as_the_archive_has_it(
    db: None, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    session = record_session()
    call_command("export_orders", session.number, out=tmp_path / "here")
    written = tmp_path / "here" / "orders_20260302.json"
    kept = next(one for one in archiving.files(session) if one.name == written.name)
    assert written.read_bytes() == kept.content
    assert capsys.readouterr().out == f"{kept.sha256}  {written}\n"
    assert json.loads(kept.content)["orders"]


def test_an_order_history_that_can_t_be_written_is_an_error(db: None, tmp_path: Any) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(CommandError, match="can't be written"):
        call_command("export_orders", record_session().number, out=tmp_path / "file")
    with pytest.raises(CommandError, match="no session NOTHING"):
        call_command("export_orders", "NOTHING", out=tmp_path)
