"""A session's files and its comparison: pages and REST, for everybody who may read the report."""

import io
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.conftest import People
from tests.validation.recorded import record_session
from tests.validation.test_comparing import later
from validation import archiving
from validation.artefacts.bundle import problems
from validation.models import Session

pytestmark = pytest.mark.django_db
SESSION = "/sessions/VS-RECORDED"
API = f"/api/v1{SESSION}"


@pytest.fixture
def recorded(people: People) -> Session:
    return record_session()


@pytest.mark.parametrize("path", [f"{SESSION}/archive.zip", f"{API}/archive"])
def test_the_archive_is_downloaded_whole(viewer: Client, recorded: Session, path: str) -> None:
    answer = viewer.get(path)
    assert answer["Content-Type"] == "application/zip"
    assert answer["Content-Disposition"] == 'attachment; filename="20260302_VS-RECORDED.zip"'
    assert problems(answer.content) == []
    assert int(answer["Content-Length"]) == len(answer.content)


@pytest.mark.parametrize("path", [f"{SESSION}/files", f"{API}/artefacts"])
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("orders_20260302.json", "application/json"),
        ("pytest_report.xml", "application/xml"),
        ("live_validation_report_20260302.html", "text/html; charset=utf-8"),
        ("broker_messages_20260302.csv", "text/csv; charset=utf-8"),
        ("session_log_20260302.jsonl", "application/x-ndjson"),
    ],
)
def test_each_file_comes_with_its_type_and_never_as_a_page(
    viewer: Client, recorded: Session, path: str, name: str, kind: str
) -> None:
    answer = viewer.get(f"{path}/{name}")
    assert answer["Content-Type"] == kind
    assert answer["Content-Disposition"] == f'attachment; filename="{name}"'


@pytest.mark.parametrize(
    "path",
    [
        f"{SESSION}/files/secrets.txt",
        f"{API}/artefacts/secrets.txt",
        "/sessions/none/archive.zip",
        "/sessions/none/compare/",
        f"{SESSION}/compare/?against=none",
        f"{API}/comparison",
        f"{API}/comparison?against=none",
    ],
)
def test_what_is_not_there_is_a_404(viewer: Client, recorded: Session, path: str) -> None:
    assert viewer.get(path).status_code == 404


@pytest.mark.parametrize(
    "path", [f"{SESSION}/archive.zip", f"{SESSION}/compare/", f"{API}/archive"]
)
def test_nobody_reads_without_login(client: Client, recorded: Session, path: str) -> None:
    assert client.get(path).status_code in {302, 401, 403}


def test_the_api_lists_names_sizes_and_digests(viewer: Client, recorded: Session) -> None:
    rows = viewer.get(f"{API}/artefacts").json()
    assert [(row["name"], row["sha256"]) for row in rows] == [
        (one.name, one.sha256) for one in archiving.files(recorded)
    ]
    assert {row["frozen"] for row in rows} == {False}
    assert all(row["simulated"] for row in rows)


def test_the_report_page_offers_every_file(viewer: Client, recorded: Session) -> None:
    page = viewer.get(f"{SESSION}/report/").content.decode()
    for one in archiving.files(recorded):
        assert f'href="{SESSION}/files/{one.name}"' in page
    assert "Upload" not in page


def test_a_log_is_uploaded_on_the_report_page(operator: Client, recorded: Session) -> None:
    file = SimpleUploadedFile("gw.log", b"10:00 ERROR <b>bad</b>\n")
    page = operator.post(f"{SESSION}/gateway-log/", {"file": file}, follow=True)
    text = page.content.decode()
    assert "1 × error" in text
    assert "&lt;b&gt;bad" in text
    with zipfile.ZipFile(io.BytesIO(operator.get(f"{SESSION}/archive.zip").content)) as opened:
        assert opened.read("ibgateway_20260302.log") == b"10:00 ERROR <b>bad</b>\n"


def test_a_log_is_uploaded_over_rest_once(operator: Client, recorded: Session) -> None:
    def send() -> int:
        file = SimpleUploadedFile("gw.log", b"all well\n")
        return operator.post(f"{API}/gateway-logs", {"file": file}).status_code

    assert (send(), send()) == (201, 200)
    (row,) = operator.get(f"{API}/gateway-logs").json()
    assert (row["lines"], row["counts"], row["simulated"]) == (1, {}, True)


def test_a_viewer_uploads_nothing(viewer: Client, recorded: Session) -> None:
    file = SimpleUploadedFile("gw.log", b"all well\n")
    assert viewer.post(f"{SESSION}/gateway-log/", {"file": file}).status_code == 403
    file.seek(0)
    assert viewer.post(f"{API}/gateway-logs", {"file": file}).status_code == 403


def test_the_first_session_says_that_there_is_nothing_to_compare(
    viewer: Client, recorded: Session
) -> None:
    assert "No earlier session" in viewer.get(f"{SESSION}/compare/").content.decode()


def test_a_comparison_shows_what_changed(viewer: Client, recorded: Session) -> None:
    last = later("VS-2", 1)
    Session.objects.filter(pk=last.pk).update(code_version="b" * 40)
    page = viewer.get("/sessions/VS-2/compare/").content.decode()
    assert "Changes since VS-RECORDED" in page
    assert "<del>aaaa" in page
    assert "still failing" in page
    data = viewer.get("/api/v1/sessions/VS-2/comparison").json()
    assert data["before"] == "VS-RECORDED"
    assert data["counts"] == {"still failing": 1, "same": 4}


def test_a_comparison_with_a_simulated_session_says_so(viewer: Client, recorded: Session) -> None:
    last = later("VS-2", 1)
    Session.objects.filter(pk=last.pk).update(simulated=False)
    Session.objects.filter(pk=recorded.pk).update(simulated=True)
    page = viewer.get("/sessions/VS-2/compare/?against=VS-RECORDED").content.decode()
    assert ", SIMULATED</span>" in page
    assert " · SIMULATED</option>" in page
    data = viewer.get("/api/v1/sessions/VS-2/comparison?against=VS-RECORDED").json()
    assert (data["simulated"], data["against_simulated"]) == (False, True)


@pytest.mark.parametrize("path", [f"{SESSION}/compare/", f"{API}/comparison"])
def test_a_session_is_not_compared_with_itself(
    viewer: Client, recorded: Session, path: str
) -> None:
    assert viewer.get(f"{path}?against=VS-RECORDED").status_code == 400
