"""The admin shows alerts and lets the right roles acknowledge them, nothing more."""

import pytest
from django.test import Client

from crucible.alerts.models import Alert
from crucible.alerts.raising import acknowledge, raise_alert
from tests.conftest import People

LIST = "/admin/alerts/alert/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def alert() -> Alert:
    return raise_alert("gateway.lost", "Gateway lost", "No answer", severity="WARNING", ref="paper")


def choose(client: Client, alert: Alert) -> str:
    data = {"action": "acknowledge_selected", "_selected_action": [alert.pk]}
    return client.post(LIST, data, follow=True).content.decode()


def test_a_qa_lead_acknowledges_in_the_list(client: Client, people: People, alert: Alert) -> None:
    client.force_login(people.qa)
    choose(client, alert)
    alert.refresh_from_db()
    assert (alert.state, alert.acknowledged_by) == ("ACKNOWLEDGED", people.qa)


def test_a_compliance_officer_reads_but_cannot_acknowledge(
    client: Client, people: People, alert: Alert
) -> None:
    client.force_login(people.co)
    assert "Gateway lost" in client.get(LIST).content.decode()
    choose(client, alert)
    alert.refresh_from_db()
    assert alert.state == "OPEN"


def test_an_alert_that_is_not_open_is_named(client: Client, people: People, alert: Alert) -> None:
    acknowledge(alert, people.op)
    client.force_login(people.qa)
    assert "not open any more" in choose(client, alert)


def test_an_alert_is_neither_edited_nor_deleted(
    client: Client, people: People, alert: Alert
) -> None:
    client.force_login(people.qa)
    assert client.post(f"{LIST}{alert.pk}/change/", {"title": "forged"}).status_code == 403
    assert client.post(f"{LIST}{alert.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.get(f"{LIST}add/").status_code == 403


def test_who_may_not_enter_the_admin_sees_no_alert(
    client: Client, people: People, alert: Alert
) -> None:
    client.force_login(people.vw)
    assert client.get(LIST).status_code == 302
