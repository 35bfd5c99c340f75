"""What the page of a sign-off costs: a real session's evidence takes long to put together."""

from typing import Any

import pytest
from django.test import Client

from approvals.models import Request
from tests.approvals.evidence import SUBJECT, FakeEvidence
from tests.conftest import People

pytestmark = pytest.mark.django_db


@pytest.fixture
def read_evidence(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How often the evidence was put together, which takes a real session's page long."""
    read: list[str] = []
    manifest = FakeEvidence.manifest

    def counted(self: FakeEvidence, subject: str) -> dict[str, Any]:
        read.append(subject)
        return manifest(self, subject)

    monkeypatch.setattr(FakeEvidence, "manifest", counted)
    return read


@pytest.mark.parametrize("username", ["qa", "op"])
def test_a_page_puts_the_evidence_together_once(
    signoff: Request, people: People, read_evidence: list[str], username: str
) -> None:
    read_evidence.clear()
    browser = Client()
    browser.force_login(people[username])
    assert browser.get(f"/signoffs/{signoff.pk}/").status_code == 200
    assert read_evidence == [SUBJECT]
