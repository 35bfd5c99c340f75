"""The checklist's pages: what is shown, who may say what, what the form refuses."""

import pytest
from django.test import Client

from tests.conftest import People
from validation.models import Item, ItemState, Session, SessionState
from validation.views.checklist import actions

pytestmark = pytest.mark.django_db


def item_of(session: Session, code: str) -> Item:
    return session.checklist.items.get(code=code)


def address(session: Session, code: str = "") -> str:
    return f"/sessions/{session.number}/checklist/" + (f"{code}/" if code else "")


def test_the_operator_attests_an_item_with_one_click(operator: Client, ended: Session) -> None:
    assert 'value="PASS"' in operator.get(address(ended)).content.decode()
    answer = operator.post(address(ended, "1.1.7"), {"action": "PASS"})
    assert answer["Location"] == f"{address(ended)}#item-1.1.7"
    assert item_of(ended, "1.1.7").state == ItemState.PASS


def test_a_button_of_the_list_answers_with_the_list_in_place(
    operator: Client, ended: Session
) -> None:
    path = address(ended, "1.1.7") + "?show=open"
    part = operator.post(path, {"action": "PASS"}, headers={"HX-Request": "true"})
    shown = part.content.decode()
    assert "<main" not in shown
    assert "item-1.1.8" in shown
    assert "item-1.1.7" not in shown


def test_a_viewer_sees_no_buttons_and_may_not_attest(viewer: Client, ended: Session) -> None:
    assert 'value="PASS"' not in viewer.get(address(ended)).content.decode()
    assert viewer.post(address(ended, "1.1.7"), {"action": "PASS"}).status_code == 403
    assert item_of(ended, "1.1.7").state == ItemState.OPEN


@pytest.mark.parametrize("action", ["", "NONSENSE", "AUTO_PASS"])
def test_an_unknown_action_is_a_form_error(operator: Client, ended: Session, action: str) -> None:
    page = operator.post(address(ended, "1.1.7"), {"action": action})
    assert page.status_code == 422
    assert "errorlist" in page.content.decode()


def test_a_failure_without_a_reason_is_refused_in_the_form(
    operator: Client, ended: Session
) -> None:
    page = operator.post(address(ended, "1.1.7"), {"action": "FAIL", "note": " "})
    assert page.status_code == 422
    assert "Say why" in page.content.decode()


def test_an_exception_waits_for_somebody_elses_acknowledgement(
    operator: Client, ended: Session, people: People
) -> None:
    operator.post(address(ended, "1.1.22"), {"action": "FAIL", "note": "time-outs differ"})
    said = {"action": "EXCEPTION", "note": "agreed with the desk", "risk": "late fills"}
    operator.post(address(ended, "1.1.22"), said)
    assert "QA Lead’s acknowledgement" in operator.get(address(ended)).content.decode()
    operator.force_login(people.qa)
    operator.post(address(ended, "1.1.22"), {"action": "ACKNOWLEDGE"})
    assert item_of(ended, "1.1.22").acknowledged_by == people.qa


def test_open_and_mine_show_less(operator: Client, ended: Session) -> None:
    operator.post(address(ended, "1.1.7"), {"action": "PASS"})
    shown = operator.get(address(ended) + "?show=open").content.decode()
    assert "item-1.1.8" in shown
    assert "item-1.1.7" not in shown
    mine = operator.get(address(ended) + "?show=mine").content.decode()
    assert "item-1.1.8" in mine
    assert "item-1.1.27" not in mine


def test_a_running_session_offers_nothing(operator: Client, session: Session) -> None:
    assert 'value="PASS"' not in operator.get(address(session)).content.decode()
    assert "its checklist is closed" in operator.get(address(session, "1.1.7")).content.decode()


def test_whoever_changes_a_submitted_checklist_is_warned_first(
    operator: Client, ended: Session
) -> None:
    ended.state = SessionState.AWAITING_APPROVAL
    ended.save()
    assert "voids every signature" in operator.get(address(ended)).content.decode()
    assert "voids every signature" in operator.get(address(ended, "1.1.7")).content.decode()


def test_a_partial_session_says_why_it_has_no_checklist(viewer: Client, session: Session) -> None:
    session.checklist.items.all().delete()
    session.checklist.delete()
    assert "No checklist" in viewer.get(address(session)).content.decode()


@pytest.mark.parametrize(
    ("who", "code", "state", "offered"),
    [
        ("op", "1.1.7", "OPEN", ["PASS", "FAIL"]),
        ("op", "1.1.12", "OPEN", ["PASS", "FAIL", "NOT_APPLICABLE"]),
        ("op", "1.1.12", "PASS", ["FAIL", "REOPEN"]),
        ("op", "1.1.10", "AUTO_FAIL", ["EXCEPTION", "REOPEN"]),
        ("op", "1.1.27", "AUTO_FAIL", ["REOPEN"]),
        ("op", "1.1.8", "FAIL", ["PASS", "REOPEN"]),
        ("qa", "1.1.12", "EXCEPTION", ["ACKNOWLEDGE"]),
        ("cro", "1.1.12", "OPEN", []),
    ],
)
def test_each_role_is_offered_what_its_process_allows(
    ended: Session, people: People, who: str, code: str, state: str, offered: list[str]
) -> None:
    item = item_of(ended, code)
    item.state = state
    assert actions(item, people[who]) == offered
