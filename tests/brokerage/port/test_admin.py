"""In the admin gateways can be set up, with a line in the ledger; all else can only be read."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from brokerage.models import Endpoint, OrderEvent, OrderRecord
from crucible.ledger.models import Entry
from tests.conftest import People

FORM = {"name": "b", "host": "127.0.0.1", "port": 4002, "kind": "SIMULATED", "speed": 2}


@pytest.fixture
def admin(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def test_a_new_gateway_stands_in_the_ledger(admin: Client) -> None:
    assert admin.post("/admin/brokerage/endpoint/add/", FORM).status_code == 302
    assert Endpoint.objects.get().speed == 2
    assert Entry.objects.get(kind="endpoint.created").details["changes"]["speed"] == 2


def test_an_administrator_sets_gateways_up_and_an_auditor_does_not(people: People) -> None:
    for person, status in ((people.ad, 302), (people.co, 403)):
        person.is_staff = True
        person.save()
        client = Client()
        client.force_login(person)
        assert client.post("/admin/brokerage/endpoint/add/", FORM).status_code == status
    assert Entry.objects.get(kind="endpoint.created").actor == people.ad


def test_a_changed_gateway_stands_in_the_ledger(admin: Client, endpoint: Endpoint) -> None:
    admin.post(f"/admin/brokerage/endpoint/{endpoint.pk}/change/", FORM | {"port": 4010})
    endpoint.refresh_from_db()
    assert endpoint.port == 4010
    assert Entry.objects.get(kind="endpoint.changed").actor_name == "root"


@pytest.mark.parametrize("port", ["4001", "7496", "0", "x"])
def test_a_bad_port_is_a_form_error(admin: Client, port: str) -> None:
    answer = admin.post("/admin/brokerage/endpoint/add/", FORM | {"port": port})
    assert answer.status_code == 200
    assert not Endpoint.objects.exists()


def test_nobody_deletes_a_gateway(admin: Client, endpoint: Endpoint) -> None:
    path = f"/admin/brokerage/endpoint/{endpoint.pk}/delete/"
    assert admin.post(path, {"post": "yes"}).status_code == 403


@pytest.mark.parametrize(
    "model", ["orderrecord", "execution", "ordergrant", "accountproof", "killswitch"]
)
def test_the_rest_is_listed_and_never_added(admin: Client, model: str) -> None:
    assert admin.get(f"/admin/brokerage/{model}/").status_code == 200
    assert admin.get(f"/admin/brokerage/{model}/add/").status_code == 403


def test_an_order_is_shown_with_its_events(admin: Client) -> None:
    order = OrderRecord.objects.create(
        key="k", ref="s1/x", route="SIMULATED", con_id=1, symbol="SPY", side="BUY",
        sec_type="STK", quantity=1, order_type="MKT",
    )  # fmt: skip
    OrderEvent.objects.create(order=order, kind="SUBMITTING")
    page = admin.get(f"/admin/brokerage/orderrecord/{order.pk}/change/")
    assert "SUBMITTING" in page.content.decode()
    assert admin.post(f"/admin/brokerage/orderrecord/{order.pk}/change/", {}).status_code == 403
