"""The kill switch by page and by API: the same rules, clear refusals, no way around."""

import pytest
from django.test import Client
from rest_framework.test import APIClient

from brokerage import kill
from brokerage.models import KillSwitch
from tests.conftest import People

CAUSE = "The strike rule chose a contract in the money."
API = "/api/v1/kill-switch"


def page_of(user: object) -> Client:
    client = Client()
    client.force_login(user)  # type: ignore[arg-type]
    return client


def api_of(user: object) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)  # type: ignore[arg-type]
    return client


def state() -> str:
    return KillSwitch.current().state


def requested(people: People) -> None:
    kill.trigger(people.tl, "odd fills")
    kill.request_reset(people.op, CAUSE)


def test_the_page_shows_state_and_history(people: People) -> None:
    kill.trigger(people.tl, "odd fills <b>")
    body = page_of(people.vw).get("/kill-switch/").content.decode()
    assert "Triggered" in body
    assert "odd fills &lt;b&gt;" in body
    assert "Kill switch triggered" in body


def test_the_page_is_sensible_when_nothing_ever_happened(people: People) -> None:
    assert "Never triggered" in page_of(people.vw).get("/kill-switch/").content.decode()


def test_the_page_is_not_for_strangers(people: People) -> None:
    assert Client().get("/kill-switch/").status_code == 302
    assert Client().post("/kill-switch/trigger/", {"reason": "x"}).status_code == 302
    assert state() == "ARMED"


def test_a_fragment_is_the_inner_part_alone(people: People) -> None:
    answer = page_of(people.vw).get("/kill-switch/", headers={"HX-Request": "true"})
    assert "<html" not in answer.content.decode()


def test_a_missing_switch_is_told_on_the_page(people: People) -> None:
    KillSwitch.objects.all().delete()
    assert "record is missing" in page_of(people.vw).get("/kill-switch/").content.decode()


@pytest.mark.parametrize(
    ("wanted", "target"),
    [
        ("/board/", "/board/"),
        ("https://evil.example/", "/kill-switch/"),
        ("//evil.example", "/kill-switch/"),
        ("", "/kill-switch/"),
    ],
)
def test_after_the_trigger_one_is_where_one_was(people: People, wanted: str, target: str) -> None:
    form = {"reason": "odd fills", "next": wanted}
    answer = page_of(people.vw).post("/kill-switch/trigger/", form)
    assert (answer.status_code, answer["Location"], state()) == (302, target, "TRIGGERED")


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
def test_a_trigger_without_a_usable_reason_is_a_form_error(people: People, reason: str) -> None:
    answer = page_of(people.op).post("/kill-switch/trigger/", {"reason": reason})
    assert (answer.status_code, state()) == (400, "ARMED")
    assert "Not done" in answer.content.decode()


def test_reading_triggers_nothing(people: People) -> None:
    assert page_of(people.op).get("/kill-switch/trigger/").status_code == 405
    assert state() == "ARMED"


def test_two_people_arm_it_again_by_page(people: People) -> None:
    kill.trigger(people.tl, "odd fills")
    page_of(people.op).post("/kill-switch/request-reset/", {"root_cause": CAUSE})
    assert state() == "RESET_REQUESTED"
    assert "Arm the switch" in page_of(people.cro).get("/kill-switch/").content.decode()
    page_of(people.cro).post("/kill-switch/approve-reset/")
    assert state() == "ARMED"


def test_a_refused_reset_leaves_it_triggered(people: People) -> None:
    requested(people)
    page_of(people.cto).post("/kill-switch/refuse-reset/", {"reason": "not tested"})
    assert state() == "TRIGGERED"


@pytest.mark.parametrize(
    ("code", "path", "form", "status"),
    [
        ("vw", "approve-reset", {}, 403),
        ("op", "approve-reset", {}, 403),
        ("vw", "request-reset", {"root_cause": CAUSE}, 403),
        ("op", "request-reset", {"root_cause": CAUSE}, 409),
        ("op", "request-reset", {"root_cause": "dunno"}, 400),
        ("cro", "refuse-reset", {"reason": ""}, 400),
        ("ci", "trigger", {"reason": "red build"}, 403),
    ],
)
@pytest.mark.parametrize("by", ["page", "api"])
def test_what_is_not_permitted_is_refused_clearly(
    people: People, by: str, code: str, path: str, form: dict[str, str], status: int
) -> None:
    requested(people)
    if by == "page":
        answer = page_of(people[code]).post(f"/kill-switch/{path}/", form)
    else:
        answer = api_of(people[code]).post(f"{API}/{path}", form, format="json")
    assert answer.status_code == status
    assert state() == "RESET_REQUESTED"


@pytest.mark.parametrize("by", ["page", "api"])
def test_the_requester_can_not_arm_it(people: People, by: str) -> None:
    people.op.groups.add(*people.cro.groups.all())
    requested(people)
    if by == "page":
        answer = page_of(people.op).post("/kill-switch/approve-reset/")
    else:
        answer = api_of(people.op).post(f"{API}/approve-reset")
    assert (answer.status_code, state()) == (403, "RESET_REQUESTED")
    assert "Arm the switch" not in page_of(people.op).get("/kill-switch/").content.decode()


def test_the_api_tells_the_state(people: People) -> None:
    assert api_of(people.vw).get(API).json()["orders_permitted"] is True
    kill.trigger(people.tl, "odd fills")
    body = api_of(people.vw).get(API).json()
    assert (body["state"], body["orders_permitted"], body["by"]) == ("TRIGGERED", False, "tl")


def test_the_api_wants_a_login(people: People) -> None:
    assert APIClient().get(API).status_code in {401, 403}
    assert APIClient().post(f"{API}/trigger", {"reason": "x"}).status_code in {401, 403}
    assert state() == "ARMED"


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": None}, [], "x"])
def test_an_api_trigger_without_a_reason_is_a_bad_request(people: People, body: object) -> None:
    answer = api_of(people.op).post(f"{API}/trigger", body, format="json")
    assert (answer.status_code, state()) == (400, "ARMED")


def test_the_whole_circle_by_api(people: People) -> None:
    triggered = api_of(people.vw).post(f"{API}/trigger", {"reason": "odd"}, format="json")
    assert triggered.json()["state"] == "TRIGGERED"
    body = {"root_cause": CAUSE}
    assert api_of(people.qa).post(f"{API}/request-reset", body).json()["requested_by"] == "qa"
    assert api_of(people.cro).post(f"{API}/refuse-reset", {"reason": "no"}).status_code == 200
    api_of(people.qa).post(f"{API}/request-reset", body)
    assert api_of(people.cro).post(f"{API}/approve-reset").json()["state"] == "ARMED"
