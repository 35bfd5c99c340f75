"""The report's page and its files; the uploads' pages; alerts on the dashboard."""

import pytest
from django.test import Client

from crucible.alerts.raising import raise_alert
from tests.conftest import People
from validation import reports
from validation.models import Session, SessionState, Upload

pytestmark = pytest.mark.django_db

WORDS = {"summary": "All is <well>.", "known_issues": "none", "recommendation": "Go on."}


@pytest.fixture
def upload(people: People) -> Upload:
    return Upload.objects.create(
        commit="4f1c2d7a9be04d9f",
        branch="main",
        run_url="javascript:alert(1)",
        content="<x/>",
        sha256="a" * 64,
        tests=3,
        failures=1,
        errors=0,
        skipped=0,
        uploaded_by=people.ci,
        problems=[{"name": "t", "classname": "c", "outcome": "failed", "message": "<boom>"}],
    )


def test_what_people_write_stands_in_the_report(operator: Client, ended: Session) -> None:
    path = f"/sessions/{ended.number}/report/"
    page = operator.post(f"{path}write/", WORDS, follow=True)
    assert page.redirect_chain == [(path, 302)]
    article = page.content.decode().split("<article")[1].split("</article>")[0]
    assert "All is" in article
    assert "<well>" not in article


def test_a_text_that_is_too_long_is_a_form_error(operator: Client, ended: Session) -> None:
    path = f"/sessions/{ended.number}/report/write/"
    page = operator.post(path, WORDS | {"summary": "x" * 10_001})
    assert page.status_code == 422
    assert "at most 10000 characters" in page.content.decode()


def test_a_viewer_reads_but_does_not_write(viewer: Client, ended: Session) -> None:
    path = f"/sessions/{ended.number}/report/"
    assert "write the report" in viewer.get(path).content.decode()
    assert viewer.post(f"{path}write/", WORDS).status_code == 403


def test_a_submitted_report_is_shown_as_it_was_frozen(viewer: Client, ended: Session) -> None:
    ended.summary = "As submitted."
    ended.save()
    reports.freeze(ended)
    ended.summary, ended.state = "Changed later.", SessionState.AWAITING_APPROVAL
    ended.save()
    for form in ("", ".md", ".html"):
        path = f"/sessions/{ended.number}/report{form or '/'}"
        page = viewer.get(path).content.decode()
        assert "As submitted." in page
        assert "Changed later." not in page


@pytest.mark.parametrize(
    ("form", "kind", "start"),
    [
        ("md", "text/markdown", "# Live validation report"),
        ("html", "text/html", "<!doctype html>"),
        ("xml", "application/xml", "<testsuites "),
        ("checklist.md", "text/markdown", "# Deployment validation checklist"),
    ],
)
def test_the_report_is_a_file_in_four_forms(
    viewer: Client, ended: Session, form: str, kind: str, start: str
) -> None:
    answer = viewer.get(f"/sessions/{ended.number}/report.{form}")
    assert answer["Content-Type"].startswith(kind)
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer.content.decode().startswith(start)


def test_an_upload_shows_its_failures_and_no_dangerous_link(viewer: Client, upload: Upload) -> None:
    page = viewer.get(f"/ci/{upload.pk}/").content.decode()
    assert "&lt;boom&gt;" in page
    assert "Tests failed" in page
    assert 'href="javascript' not in page


def test_an_alert_is_acknowledged_from_the_dashboard(operator: Client, people: People) -> None:
    alert = raise_alert("x", "Something <odd>", "Look.", severity="WARNING")
    assert "Something &lt;odd&gt;" in operator.get("/").content.decode()
    operator.post(f"/alerts/{alert.pk}/acknowledge/")
    alert.refresh_from_db()
    assert alert.acknowledged_by == people.op
    again = operator.post(f"/alerts/{alert.pk}/acknowledge/", follow=True)
    assert "not open any more" in again.content.decode()


def test_the_dashboard_shows_the_running_session(viewer: Client, session: Session) -> None:
    page = viewer.get("/").content.decode()
    assert f"0 of {session.planned}" in page
    assert "Revision 1" in page
    assert "Fri 27 Nov 2026" in page


def test_the_html_file_reads_well_on_its_own(viewer: Client, ended: Session) -> None:
    page = viewer.get(f"/sessions/{ended.number}/report.html").content.decode()
    assert page.startswith("<!doctype html>")
    assert "<style>body{" in page
    assert "<th>Fact</th>" in page
    assert "<th></th>" not in page
