"""The gateway's raw log: kept byte for byte, scanned, closed at submission, never self-signed."""

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied

from tests.conftest import People
from tests.validation.recorded import record_session
from validation import archiving, evidence, gateway_logs
from validation.gateway_logs import LogRefused, receive
from validation.log_scan import MOST, scan
from validation.models import Session, SessionState

LOG = (
    b"10:00:01 INFO connected\n10:00:02 ERROR 200 no security\r\n"
    b"10:00:03 WARN slow\x00\xff\n10:00:04 Pacing violation\n10:00:05 client disconnected\n"
)


@pytest.fixture
def recorded(people: People) -> Session:
    return record_session()


def test_the_log_is_kept_and_archived_byte_for_byte(recorded: Session, people: People) -> None:
    row, new = receive(recorded, people.qs, LOG, "../../gate way.log")
    assert new
    assert (row.file_name, row.size, row.lines) == (".._.._gate_way.log", len(LOG), 5)
    files = {one.name: one.content for one in archiving.archive_files(recorded)}
    assert files["ibgateway_20260302.log"] == LOG
    assert "ibgateway_20260302.log" in str(evidence.load().manifest(recorded.number)["artefacts"])


def test_the_scan_counts_and_quotes_what_stands_out(recorded: Session, people: People) -> None:
    row, _ = receive(recorded, people.qs, LOG)
    assert row.counts == {"pacing": 1, "disconnect": 1, "error": 1, "warning": 1}
    assert row.findings[0] == {"line": 2, "kind": "error", "text": "10:00:02 ERROR 200 no security"}


def test_a_long_log_is_counted_in_full_and_quoted_in_part() -> None:
    found = scan(["ERROR x"] * (MOST + 50))
    assert (found.counts, len(found.findings)) == ({"error": MOST + 50}, MOST)
    assert scan(["all is well"]).counts == {}


def test_the_same_log_is_kept_once(recorded: Session, people: People) -> None:
    first, _ = receive(recorded, people.qs, LOG)
    assert receive(recorded, people.op, LOG) == (first, False)


def test_who_brings_evidence_cannot_sign_it(recorded: Session, people: People) -> None:
    receive(recorded, people.qa, LOG)
    assert evidence.load().conflicts(recorded.number)[people.qa.pk] == "uploaded the gateway's log"


@pytest.mark.parametrize("raw", [b"", b"  \n"])
def test_an_empty_file_is_refused(recorded: Session, people: People, raw: bytes) -> None:
    with pytest.raises(LogRefused, match="empty"):
        receive(recorded, people.qs, raw)


def test_too_much_is_refused(
    recorded: Session, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway_logs, "LARGEST", 10)
    with pytest.raises(LogRefused, match="larger than"):
        receive(recorded, people.qs, LOG)
    monkeypatch.setattr(gateway_logs, "MOST_LOGS", 0)
    with pytest.raises(LogRefused, match="has 0 logs"):
        receive(recorded, people.qs, b"short")


def test_nobody_adds_a_log_after_the_submission(recorded: Session, people: People) -> None:
    Session.objects.update(state=SessionState.AWAITING_APPROVAL)
    with pytest.raises(LogRefused, match="awaiting approval"):
        receive(recorded, people.qs, LOG)


@pytest.mark.parametrize("role", ["vw", "cro", "pm"])
def test_only_those_who_review_may_upload(recorded: Session, people: People, role: str) -> None:
    by: User = people[role]
    with pytest.raises(PermissionDenied):
        receive(recorded, by, LOG)
