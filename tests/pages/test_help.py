"""The help page: where people find what is not told here."""

from typing import Any

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db
KINDS = (
    "Broker support", "Gateway documentation", "API reference", "Error codes",
    "Pacing of historical data", "System status",
)  # fmt: skip


def test_the_help_page_links_the_six_references(viewer: Client, settings: Any) -> None:
    assert tuple(settings.REFERENCE_LINKS) == KINDS
    page = viewer.get("/help/").content.decode()
    for label, address in settings.REFERENCE_LINKS.items():
        assert address.startswith("https://")
        assert f'<a href="{address}" rel="noreferrer">{label}</a>' in page


def test_an_installation_has_references_of_its_own_or_none(viewer: Client, settings: Any) -> None:
    settings.REFERENCE_LINKS = {"Our desk": "https://desk.example.com/"}
    assert '<a href="https://desk.example.com/" rel="noreferrer">Our desk</a>' in (
        viewer.get("/help/").content.decode()
    )
    settings.REFERENCE_LINKS = {}
    assert "references" not in viewer.get("/help/").content.decode()


def test_a_pipeline_finds_how_to_report_a_tag(viewer: Client) -> None:
    assert "/api/v1/ci/tags" in viewer.get("/help/").content.decode()
