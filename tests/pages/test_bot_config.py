"""The bot's configuration on the page Configuration and over REST: shown beside ours, taken in."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.conftest import People
from validation.bot_configs import receive
from validation.models import BotConfig, ConfigRevision

pytestmark = pytest.mark.django_db
YAML = "gateway:\n  host: 10.0.0.5\n  port: 4002\n  client_id: 1\n"
ADDRESS = "/api/v1/ci/bot-configs"


def sent(text: str | bytes = YAML, commit: str = "") -> dict[str, Any]:
    raw = text.encode() if isinstance(text, str) else text
    return {"file": SimpleUploadedFile("crucible_config.yaml", raw), "commit": commit}


def test_nothing_uploaded_is_said_so(viewer: Client, revision: ConfigRevision) -> None:
    page = viewer.get("/config/").content.decode()
    assert "Nothing uploaded yet" in page
    assert 'action="/config/bot/"' not in page


def test_an_upload_is_shown_beside_ours(operator: Client, revision: ConfigRevision) -> None:
    answer = operator.post("/config/bot/", sent(commit="0123abc"))
    assert answer["Location"] == "/config/#bot"
    page = operator.get("/config/").content.decode()
    row = BotConfig.objects.get()
    for words in ("kept", row.sha256, "0123abc", "crucible_config.yaml", "10.0.0.5", "127.0.0.1"):
        assert words in page
    part = page[page.index('id="bot"') : page.index('id="import"')]
    assert [part.count(word) for word in ("agrees</span>", "differs</span>", "not known")] == [
        2, 1, 1,
    ]  # fmt: skip


def test_a_client_id_of_ours_stands_out(
    operator: Client, people: People, revision: ConfigRevision
) -> None:
    receive(people.ci, YAML.replace("client_id: 1", "client_id: 210").encode())
    assert "client id is ours" in operator.get("/config/").content.decode()


def test_the_page_works_without_a_configuration_in_force(viewer: Client, people: People) -> None:
    receive(people.ci, YAML.encode())
    assert "not known" in viewer.get("/config/").content.decode()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"{YAML}api_key: hunter2\n", "line 5: api_key: credentials never belong"),
        ("a: [", "not YAML"),
        ("<b>: 1\n", "neither a section gateway"),
        ("", "The file is empty"),
        (b"\xff\xfe", "not text in UTF-8"),
        (b"x" * 65_537, "larger than 64 KiB"),
    ],
)
def test_what_is_refused_is_said_beside_the_form_and_not_kept(
    operator: Client, revision: ConfigRevision, text: str | bytes, why: str
) -> None:
    page = operator.post("/config/bot/", sent(text))
    assert page.status_code == 422
    assert why in page.content.decode()
    assert "hunter2" not in page.content.decode()
    assert not BotConfig.objects.exists()
    assert operator.post("/config/bot/", {}).status_code == 422
    assert "commit: 7 to 64" in operator.post("/config/bot/", sent(commit="main")).content.decode()


def test_a_viewer_may_look_and_not_upload(viewer: Client, revision: ConfigRevision) -> None:
    assert viewer.post("/config/bot/", sent()).status_code == 403
    assert viewer.post(ADDRESS, sent()).status_code == 403
    assert viewer.get(ADDRESS).json()["results"] == []
    assert not BotConfig.objects.exists()


def test_a_pipeline_uploads_and_reads_what_counts(client: Client, people: People) -> None:
    client.force_login(people.ci)
    first = client.post(ADDRESS, sent(commit="0123abc"))
    assert (first.status_code, first.json()["values"]["gateway.port"]) == (201, 4002)
    assert (first.json()["uploaded_by"], first.json()["commit"]) == ("ci", "0123abc")
    assert client.post(ADDRESS, sent(commit="0123abc")).status_code == 200
    assert client.get(ADDRESS).json()["results"] == [first.json()]


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        (sent(f"{YAML}feed: [{{token: hunter2}}]\n"), 400, "feed.0.token: credentials"),
        (sent("- 1"), 400, "expected sections"),
        (sent(b""), 400, "empty"),
        (sent(commit="main"), 400, "commit"),
        (sent(b"x" * 65_537), 413, "64 KiB"),
        ({}, 400, "file"),
        ({"file": "text"}, 400, "file"),
    ],
)
def test_what_is_refused_over_rest_says_why(
    client: Client, people: People, body: dict[str, Any], status: int, why: str
) -> None:
    client.force_login(people.ci)
    answer = client.post(ADDRESS, body)
    assert answer.status_code == status
    assert why in answer.content.decode()
    assert "hunter2" not in answer.content.decode()
    assert not BotConfig.objects.exists()


def test_the_page_asks_little(
    operator: Client,
    people: People,
    revision: ConfigRevision,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    receive(people.ci, YAML.encode())
    with django_assert_max_num_queries(25):
        operator.get("/config/")
