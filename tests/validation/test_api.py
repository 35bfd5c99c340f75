"""Validation over REST: the same rules as everywhere, told in HTTP."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from knox.models import AuthToken
from rest_framework.test import APIClient

from brokerage.models import Endpoint
from tests.conftest import People
from tests.validation.conftest import Toys, passes
from tests.validation.test_uploads import GREEN, LAUGHS, RED, RUN
from validation import reports, uploads
from validation.configuration import Config, to_yaml
from validation.models import ConfigRevision, Session, SessionState, Upload

pytestmark = pytest.mark.django_db
API = "/api/v1"


@pytest.fixture
def call(people: People) -> Any:
    """Call the API as somebody: call("op", "get", "/sessions", …)."""

    def ask(who: str, method: str, path: str, data: Any = None, **options: Any) -> Any:
        client = APIClient()
        client.force_authenticate(people[who])
        options.setdefault("format", "json")
        return getattr(client, method)(f"{API}{path}", data, **options)

    return ask


def test_nobody_reads_without_a_login(db: None) -> None:
    assert APIClient().get(f"{API}/sessions").status_code == 401


def test_a_session_is_started_read_and_aborted(call: Any, toys: Toys, seeded: Endpoint) -> None:
    toys.add("BC-01", passes)
    made = call("op", "post", "/sessions", {})
    assert made.status_code == 201
    number = made.json()["number"]
    assert call("op", "post", "/sessions", {}).status_code == 409
    assert call("vw", "get", f"/sessions/{number}").json()["state"] == "PREFLIGHT"
    assert call("vw", "post", f"/sessions/{number}/abort", {"reason": "x"}).status_code == 403
    assert call("op", "post", f"/sessions/{number}/abort", {}).status_code == 400
    ended = call("op", "post", f"/sessions/{number}/abort", {"reason": "enough"})
    assert ended.json()["state"] == "ABORTED"


def test_a_start_may_choose_gateway_scenarios_and_predecessor(
    call: Any, reviewed: Session, seeded: Endpoint
) -> None:
    body = {
        "endpoint": seeded.name, "scenarios": ["RS-01"], "fail_fast": True,
        "restart_of": reviewed.number,
    }  # fmt: skip
    assert call("ld", "post", "/sessions", body).status_code == 409
    Session.objects.update(state=SessionState.BLOCKED)
    made = call("ld", "post", "/sessions", body).json()
    assert (made["kind"], made["restart_of"]) == ("PARTIAL", reviewed.number)


@pytest.mark.parametrize(
    "body",
    [
        {"endpoint": "nowhere"}, {"scenarios": ["XX-01"]}, {"scenarios": []},
        {"restart_of": "prelive_19990101_001"}, {"scenarios": "BC-01"}, {"endpoint": "a\x00b"},
    ],
)  # fmt: skip
def test_a_bad_start_is_a_bad_request(
    call: Any, toys: Toys, seeded: Endpoint, body: dict[str, Any]
) -> None:
    toys.add("BC-01", passes)
    assert call("op", "post", "/sessions", body).status_code == 400


def test_lists_are_filtered_by_states_that_exist(call: Any, reviewed: Session) -> None:
    assert call("vw", "get", "/sessions?state=MANUAL_CHECKS").json()["count"] == 1
    assert call("vw", "get", "/sessions?state=APPROVED").json()["count"] == 0
    assert call("vw", "get", "/sessions?state=%00").status_code == 400


def test_results_metrics_and_log_can_be_read(call: Any, reviewed: Session) -> None:
    results = call("vw", "get", f"/sessions/{reviewed.number}/results").json()["results"]
    assert [row["scenario"] for row in results] == ["BC-01", "OE-01", "RS-01"]
    assert results[0]["checks"][0]["passed"] is True
    for part in ("metrics", "log"):
        assert call("vw", "get", f"/sessions/{reviewed.number}/{part}").status_code == 200
        assert call("vw", "get", f"/sessions/nothing/{part}").status_code == 404


@pytest.mark.parametrize("form", ["md", "html", "xml", "checklist.md"])
def test_a_report_comes_in_each_form_and_frozen_once_submitted(
    call: Any, reviewed: Session, form: str
) -> None:
    draft = call("vw", "get", f"/sessions/{reviewed.number}/report.{form}")
    reports.freeze(reviewed)
    Session.objects.update(state=SessionState.APPROVED, summary="changed afterwards")
    kept = call("vw", "get", f"/sessions/{reviewed.number}/report.{form}")
    assert draft.content == kept.content
    assert "attachment" in kept["Content-Disposition"]


def test_a_report_in_another_form_is_a_bad_request(call: Any, reviewed: Session) -> None:
    assert call("vw", "get", f"/sessions/{reviewed.number}/report.exe").status_code == 400


def test_the_narrative_is_written_until_the_submission(call: Any, reviewed: Session) -> None:
    path = f"/sessions/{reviewed.number}/narrative"
    assert call("op", "patch", path, {"summary": "Sound."}).json()["summary"] == "Sound."
    assert call("cro", "patch", path, {"summary": "x"}).status_code == 403
    assert call("op", "patch", path, {"summary": "x" * 10_001}).status_code == 400
    Session.objects.update(state=SessionState.AWAITING_APPROVAL)
    assert call("op", "patch", path, {"summary": "x"}).status_code == 409


def test_scenarios_are_run_again(call: Any, reviewed: Session) -> None:
    path = f"/sessions/{reviewed.number}/rerun"
    assert call("op", "post", path, {}).status_code == 400
    assert call("op", "post", path, {"scenarios": ["RS-01"]}).json()["state"] == "PREFLIGHT"


def test_checklist_items_are_read_and_changed(call: Any, reviewed: Session) -> None:
    path = f"/sessions/{reviewed.number}/checklist"
    assert len(call("vw", "get", path).json()) > 50
    one = f"{path}/1.1.7"
    assert call("vw", "get", one).json()["state"] == "OPEN"
    assert call("op", "post", one, {"action": "attest", "note": "seen"}).json()["closed"]
    assert call("op", "post", one, {"action": "attest"}).status_code == 409
    assert call("op", "post", one, {"action": "dance"}).status_code == 400
    assert call("pm", "post", one, {"action": "reopen", "note": "look"}).status_code == 403
    assert call("op", "post", one, {"action": "reopen", "note": "look"}).json()["state"] == "OPEN"
    assert call("op", "post", one, {"action": "fail", "note": "LIVE!"}).json()["state"] == "FAIL"
    body = {"action": "exception", "note": "known", "risk": "low"}
    assert call("op", "post", f"{path}/1.1.99", body).status_code == 404
    assert call("op", "post", one, body).status_code == 409
    assert call("qa", "post", one, {"action": "acknowledge"}).status_code == 409
    body = {"action": "not_applicable", "note": "no clock"}
    assert call("op", "post", f"{path}/1.1.15", body).json()["state"] == "NOT_APPLICABLE"


def test_a_configuration_goes_through_its_steps(call: Any, seeded: Endpoint) -> None:
    text = to_yaml(Config()).replace("timeout: 30.0", "timeout: 20.0", 1)
    made = call("op", "post", "/config/revisions", {"yaml": text, "note": "faster"})
    assert made.status_code == 201
    path = f"/config/revisions/{made.json()['number']}"
    steps = [("op", "propose"), ("qa", "approve"), ("qa", "activate")]
    for who, step in steps:
        assert call(who, "post", f"{path}/{step}", {}).status_code == 200, step
    assert call("vw", "get", path).json()["state"] == "ACTIVE"
    assert "timeout: 20.0" in call("vw", "get", f"{path}/yaml").content.decode()
    assert call("op", "post", f"{path}/propose", {}).status_code == 409
    assert call("op", "post", f"{path}/explode", {}).status_code == 400
    assert call("op", "post", "/config/revisions/1/copy", {}).json()["number"] == 3
    assert call("op", "post", "/config/revisions/3/propose", {}).status_code == 200
    refused = call("qa", "post", "/config/revisions/3/reject", {"reason": "no"})
    assert refused.json()["state"] == "REJECTED"
    assert call("vw", "get", "/config/revisions").json()["count"] == 3


def test_bad_yaml_is_told_field_by_field(call: Any, seeded: Endpoint) -> None:
    told = call("op", "post", "/config/revisions", {"yaml": "gateway:\n  port: 4001\n"})
    assert told.status_code == 400
    assert told.json()["problems"][0]["path"] == "gateway.port"
    assert ConfigRevision.objects.count() == 1


def test_the_board_can_be_read(call: Any, reviewed: Session) -> None:
    tasks = call("ci", "get", "/board/tasks").json()["results"]
    one = next(task for task in tasks if task["code"] == "1.1.8")
    assert (one["column"], one["depends_on"][0]) == ("VALIDATION", "1.1.1")
    assert reviewed.number in one["comments"][0]["text"]


# -- uploads -------------------------------------------------------------------------------------


def send(people: People, raw: bytes, who: str = "ci", **told: str) -> Any:
    _, token = AuthToken.objects.create(people[who])
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    file = SimpleUploadedFile("junit.xml", raw, "application/xml")
    return client.post(f"{API}/ci/uploads", RUN | told | {"file": file}, format="multipart")


def test_a_pipeline_sends_its_report_by_token_once(people: People) -> None:
    first, again = send(people, GREEN), send(people, GREEN)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert send(people, RED).status_code == 409
    client = APIClient()
    client.force_authenticate(people.vw)
    stored = client.get(f"{API}/ci/uploads/{first.json()['id']}").json()
    assert (stored["tests"], stored["green"]) == (2, True)


@pytest.mark.parametrize("raw", [b"", b"<html/>", LAUGHS, b"\x00\x01", b"<a" * 10_000])
def test_a_hostile_file_is_a_bad_request(people: People, raw: bytes) -> None:
    assert send(people, raw).status_code == 400
    assert not Upload.objects.exists()


def test_a_large_file_is_refused_as_such(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("validation.api.uploads.LARGEST", 10)
    assert send(people, GREEN).status_code == 413
    monkeypatch.undo()
    monkeypatch.setattr(uploads, "LARGEST", 10)
    assert send(people, GREEN).status_code == 413


def test_an_upload_needs_role_token_and_description(people: People) -> None:
    assert send(people, GREEN, who="op").status_code == 403
    assert send(people, GREEN, commit="HEAD").status_code == 400
    assert send(people, GREEN, branch="x" * 300).status_code == 400
    assert APIClient().post(f"{API}/ci/uploads", {}).status_code == 401
