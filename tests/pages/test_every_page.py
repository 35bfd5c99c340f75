"""What holds for every page of validation: login, empty tables, bad input, methods."""

import logging
import re
from collections import Counter

import pytest
from django.test import Client

from validation.models import Session

pytestmark = pytest.mark.django_db

EMPTY = ["/", "/sessions/", "/catalogue/", "/board/", "/config/", "/ci/", "/help/", "/differences/"]
FULL = [
    "/sessions/{number}/",
    "/sessions/{number}/log/",
    "/sessions/{number}/checklist/",
    "/sessions/{number}/checklist/1.1.7/",
    "/sessions/{number}/report/",
    "/sessions/{number}/report.md",
    "/sessions/{number}/report.html",
    "/sessions/{number}/report.xml",
    "/sessions/{number}/report.checklist.md",
    "/sessions/{number}/scenarios/BC-01/1/",
    "/config/1/",
    "/config/1.yaml",
]
BAD = [
    "/sessions/?page=abc",
    "/sessions/?page=0",
    "/sessions/?state=NONSENSE",
    "/ci/?page=1e9",
    "/config/?page=-1",
    "/sessions/{number}/log/?level=LOUD",
    "/sessions/{number}/log/?text=%00",
    "/sessions/{number}/checklist/?show=all",
]
POSTS = [
    "/sessions/start/",
    "/sessions/{number}/abort/",
    "/sessions/{number}/rerun/",
    "/sessions/{number}/report/write/",
    "/board/1.1.8/move/",
    "/board/1.1.8/comment/",
    "/differences/1/propose/",
    "/differences/1/approve/",
    "/differences/1/refuse/",
    "/config/import/",
    "/config/bot/",
    "/config/1/propose/",
]


@pytest.mark.parametrize("path", [*EMPTY, "/status/"])
def test_nobody_sees_a_page_without_login(client: Client, path: str) -> None:
    assert client.get(path).url.startswith("/login/")  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", EMPTY)
def test_a_page_works_with_empty_tables(viewer: Client, path: str) -> None:
    page = viewer.get(path)
    assert page.status_code == 200
    assert "<main" in page.content.decode()


@pytest.mark.parametrize("path", [*EMPTY, *FULL])
def test_a_page_works_with_a_session(viewer: Client, ended: Session, path: str) -> None:
    assert viewer.get(path.format(number=ended.number)).status_code == 200


@pytest.mark.parametrize("path", ["/", "/sessions/", "/board/", *FULL[:3], FULL[9]])
def test_htmx_gets_the_live_part_alone(viewer: Client, ended: Session, path: str) -> None:
    part = viewer.get(path.format(number=ended.number), headers={"HX-Request": "true"})
    assert part.status_code == 200
    assert "<main" not in part.content.decode()
    assert "HX-Request" in part["Vary"]


@pytest.mark.parametrize("path", BAD)
def test_a_bad_query_string_is_refused_in_words(
    viewer: Client, ended: Session, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        page = viewer.get(path.format(number=ended.number))
    assert page.status_code == 400
    assert "Error 400" in page.content.decode()
    assert not [line for line in caplog.records if line.exc_info]


@pytest.mark.parametrize(
    "path",
    [
        "/sessions/nothing/",
        "/sessions/nothing/report.md",
        "/sessions/{number}/report.pdf",
        "/sessions/{number}/scenarios/BC-01/9/",
        "/sessions/{number}/checklist/9.9.9/",
        "/config/77/",
        "/ci/77/",
        "/config/1/burn/",
    ],
)
def test_what_is_not_there_is_a_404(operator: Client, ended: Session, path: str) -> None:
    method = operator.post if path.endswith("burn/") else operator.get
    assert method(path.format(number=ended.number)).status_code == 404


@pytest.mark.parametrize("path", POSTS)
def test_nothing_changes_by_a_get(operator: Client, ended: Session, path: str) -> None:
    assert operator.get(path.format(number=ended.number)).status_code == 405


@pytest.mark.parametrize("path", POSTS)
def test_nothing_changes_without_a_csrf_token(ended: Session, path: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ended.created_by)
    assert browser.post(path.format(number=ended.number)).status_code == 403


def test_a_page_of_simulated_evidence_says_so(viewer: Client, ended: Session) -> None:
    for path in ["/sessions/{}/", "/sessions/{}/report/", "/sessions/{}/scenarios/BC-01/1/"]:
        page = viewer.get(path.format(ended.number)).content.decode()
        assert '<p class="band band--sim">' in page


def test_the_policy_allows_nothing_inline(viewer: Client) -> None:
    policy = viewer.get("/")["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", [*EMPTY, "/sessions/{number}/", "/sessions/{number}/log/"])
def test_no_two_parts_of_a_page_have_the_same_id(
    operator: Client, ended: Session, path: str
) -> None:
    body = operator.get(path.format(number=ended.number)).content.decode()
    ids = re.findall(r'\sid="([^"]+)"', body)
    assert [one for one, count in Counter(ids).items() if count > 1] == []
