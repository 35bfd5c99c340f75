"""The configuration's pages: import, steps, diff, export, expiry preview."""

from datetime import UTC, datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.conftest import People
from validation import revisions
from validation.configuration import Config, read, to_yaml
from validation.models import ConfigRevision
from validation.views.config import preview

pytestmark = pytest.mark.django_db

OTHER = to_yaml(Config().with_expiry("20261204"))


@pytest.fixture
def proposed(revision: ConfigRevision, people: People) -> ConfigRevision:
    """A revision of the operator's that waits for the QA Lead."""
    config = read(revision.content).with_expiry("20261204")
    return revisions.propose(revisions.draft(people.op, config, note="roll"), people.op)


def test_pasted_yaml_becomes_a_draft(operator: Client, revision: ConfigRevision) -> None:
    answer = operator.post("/config/import/", {"text": OTHER, "note": "roll"})
    assert answer["Location"] == "/config/2/"
    assert ConfigRevision.objects.get(number=2).state == "DRAFT"


def test_a_file_becomes_a_draft(operator: Client, revision: ConfigRevision) -> None:
    operator.post("/config/import/", {"file": SimpleUploadedFile("c.yaml", OTHER.encode())})
    assert ConfigRevision.objects.filter(number=2).exists()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Choose a file or paste the YAML"),
        ("gateway:\n  port: 4001\n", "line 2: gateway.port"),
        ("gateway:\n  password: x\n", "credentials never belong"),
        ("surprise: 1\n", "unknown key"),
        ("a: [", "not YAML"),
        ("a: &x [1]\nb: *x\n", "anchors and aliases"),
        ("x" * 70_000, "at most"),
    ],
)
def test_bad_yaml_is_refused_beside_the_form(
    operator: Client, revision: ConfigRevision, text: str, why: str
) -> None:
    page = operator.post("/config/import/", {"text": text})
    assert page.status_code == 422
    assert why in page.content.decode()
    assert ConfigRevision.objects.count() == 1


@pytest.mark.parametrize(
    ("data", "why"), [(b"\xff\xfe\x00", "not text in UTF-8"), (b"x" * 70_000, "larger than 64 KiB")]
)
def test_a_bad_file_is_refused(
    operator: Client, revision: ConfigRevision, data: bytes, why: str
) -> None:
    page = operator.post("/config/import/", {"file": SimpleUploadedFile("c.yaml", data)})
    assert page.status_code == 422
    assert why in page.content.decode()


def test_what_changes_nothing_is_refused(operator: Client, revision: ConfigRevision) -> None:
    text = to_yaml(read(revision.content))
    assert (
        "says the same already" in operator.post("/config/import/", {"text": text}).content.decode()
    )


def test_a_viewer_may_not_import(viewer: Client, revision: ConfigRevision) -> None:
    assert viewer.post("/config/import/", {"text": OTHER}).status_code == 403
    assert "Import as draft" not in viewer.get("/config/").content.decode()


def test_a_revision_shows_what_it_changes(viewer: Client, proposed: ConfigRevision) -> None:
    page = viewer.get("/config/2/").content.decode()
    assert "What differs from revision 1" in page
    assert "<del>20261127</del>" in page
    assert "<ins>20261204</ins>" in page


def test_the_author_is_not_offered_the_approval_and_is_refused_it(
    operator: Client, proposed: ConfigRevision
) -> None:
    assert "/config/2/approve/" not in operator.get("/config/2/").content.decode()
    assert operator.post("/config/2/approve/").status_code == 403


def test_the_qa_lead_approves_and_puts_it_in_force(
    client: Client, people: People, proposed: ConfigRevision
) -> None:
    client.force_login(people.qa)
    assert "/config/2/approve/" in client.get("/config/2/").content.decode()
    client.post("/config/2/approve/")
    client.post("/config/2/activate/")
    found = revisions.in_force()
    assert found is not None
    assert found.number == 2


def test_a_rejection_needs_a_reason(
    client: Client, people: People, proposed: ConfigRevision
) -> None:
    client.force_login(people.qa)
    page = client.post("/config/2/reject/", {"reason": " "}, follow=True)
    assert "Say why" in page.content.decode()
    client.post("/config/2/reject/", {"reason": "wrong week"})
    assert "wrong week" in client.get("/config/2/").content.decode()


def test_a_step_out_of_turn_says_why(operator: Client, proposed: ConfigRevision) -> None:
    page = operator.post("/config/2/propose/", follow=True)
    assert "it must be draft" in page.content.decode()


def test_an_exported_revision_can_be_imported_again(
    viewer: Client, revision: ConfigRevision
) -> None:
    answer = viewer.get("/config/1.yaml")
    assert "attachment" in answer["Content-Disposition"]
    assert "expiry: '20261127'" in answer.content.decode()


@pytest.mark.parametrize(
    ("day", "due", "current"),
    [(23, "2026-11-27", True), (27, "2026-12-04", False), (28, "2026-12-04", False)],
)
def test_the_preview_follows_the_expiry_rule(day: int, due: str, *, current: bool) -> None:
    shown = preview("20261127", datetime(2026, 11, day, 15, tzinfo=UTC))
    assert str(shown["next"]) == due
    assert shown["current"] is current
