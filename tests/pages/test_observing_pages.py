"""The pages and REST of an observing session: how it is started, shown and ended."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from brokerage.models import Endpoint, ObservedEvent, ObservedExecution, ObservedOrder
from tests.conftest import People
from validation import sessions
from validation.models import ConfigRevision, Session, SessionState
from validation.observation import Term

pytestmark = pytest.mark.django_db
ASKED = {"kind": "OBSERVE", "observe_s": "600", "observed_client": "17"}


@pytest.fixture
def observing(people: People, endpoint: Endpoint, revision: ConfigRevision) -> Session:
    """A session that observes client 17 and looks on."""
    session = sessions.start(people.op, endpoint, term=Term(600.0, 17))
    Session.objects.update(state=SessionState.RUNNING, started_at=timezone.now())
    session.refresh_from_db()
    return session


def seen(session: Session, client_id: int | None, perm_id: int) -> ObservedOrder:
    """An order of another client, filled."""
    order = ObservedOrder.objects.create(
        scope=session.number, endpoint=session.endpoint, perm_id=perm_id, client_id=client_id,
        con_id=1, symbol="SPY", side="BUY", quantity=1, order_type="MKT",
    )  # fmt: skip
    ObservedEvent.objects.create(order=order, status="Filled", filled=1, quantity=1)
    ObservedExecution.objects.create(
        scope=session.number, order=order, exec_id=f"e{perm_id}", perm_id=perm_id,
        client_id=client_id or 0, broker_order_id=1, con_id=1, symbol="SPY", side="BUY",
        quantity=1, price=600.0, at=timezone.now(),
    )  # fmt: skip
    return order


def page_of(client: Client, session: Session) -> str:
    return client.get(session.get_absolute_url()).content.decode()


def test_the_form_starts_an_observation(
    operator: Client, endpoint: Endpoint, revision: ConfigRevision
) -> None:
    operator.post("/sessions/start/", {"endpoint": endpoint.pk, **ASKED})
    session = Session.objects.get()
    assert (session.kind, session.observe_s, session.observed_client) == ("OBSERVE", 600.0, 17)


@pytest.mark.parametrize(
    "wrong", [{"observe_s": "1"}, {"observed_client": "-3"}, {"scenarios": ["BC-01"]}]
)
def test_the_form_refuses_what_can_not_be_observed(
    operator: Client, endpoint: Endpoint, revision: ConfigRevision, wrong: dict[str, Any]
) -> None:
    body = {"endpoint": endpoint.pk, **ASKED, **wrong}
    assert operator.post("/sessions/start/", body).status_code == 422
    assert not Session.objects.exists()


def test_the_page_says_whom_it_observes_and_that_it_sends_nothing(
    operator: Client, observing: Session
) -> None:
    page = page_of(operator, observing)
    for words in ("Observe", "Client 17", "No order: no grant, no clean-up", "Orders of others"):
        assert words in page
    assert "pause-dialog" not in page.split("<dialog")[0]


def test_orders_of_others_name_their_client_and_permanent_id(
    operator: Client, observing: Session
) -> None:
    seen(observing, 17, 4711)
    seen(observing, None, 4712)
    seen(observing, 18, 4713)
    page = page_of(operator, observing)
    assert "4711" in page
    assert "Unknown client" in page
    assert "4713" not in page


def test_the_observation_is_ended_from_its_page(operator: Client, observing: Session) -> None:
    assert "End the observation" in page_of(operator, observing)
    operator.post(f"{observing.get_absolute_url()}finish/")
    observing.refresh_from_db()
    assert observing.finish_requested_by is not None
    assert "End the observation" not in page_of(operator, observing)


def test_an_observation_is_started_and_ended_over_rest(
    people: People, endpoint: Endpoint, revision: ConfigRevision
) -> None:
    client = APIClient()
    client.force_authenticate(people.op)
    asked = {"kind": "OBSERVE", "observe_s": 600, "observed_client": 17}
    made = client.post("/api/v1/sessions", asked, format="json").json()
    assert (made["kind"], made["observe_s"], made["observed_client"]) == ("OBSERVE", 600.0, 17)
    address = f"/api/v1/sessions/{made['number']}/finish"
    assert client.post(address).status_code == 409
    Session.objects.update(state=SessionState.RUNNING)
    assert client.post(address).status_code == 200
    assert Session.objects.get().finish_requested_by == people.op


def test_an_observation_too_short_is_a_bad_request(
    people: People, endpoint: Endpoint, revision: ConfigRevision
) -> None:
    client = APIClient()
    client.force_authenticate(people.op)
    asked = {"kind": "OBSERVE", "observe_s": 1}
    assert client.post("/api/v1/sessions", asked, format="json").status_code == 400


def test_while_it_looks_on_the_page_says_so_and_for_how_long(
    operator: Client, observing: Session
) -> None:
    observing.attempts.update(state="RUNNING", started_at=timezone.now())
    body = page_of(operator, observing)
    assert "No order is sent, and none of the bot&#x27;s is touched." in body
    assert ", for 10 min 00 s" in body
    assert "limit 8 h" not in body
