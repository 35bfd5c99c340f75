"""What the tables themselves refuse, and what they tell."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from brokerage.models import (
    AccountProof,
    Commission,
    Endpoint,
    Execution,
    OrderEvent,
    OrderGrant,
    OrderRecord,
)
from crucible.ledger.append_only import AppendOnlyError

pytestmark = pytest.mark.django_db


def order(**more: object) -> OrderRecord:
    return OrderRecord.objects.create(
        key="k", ref="s1/OE-01", route="SIMULATED", con_id=1, symbol="SPY", side="BUY",
        sec_type="STK", quantity=1, order_type="LMT", limit_price=10, **more
    )  # fmt: skip


@pytest.mark.parametrize(
    "bad",
    [
        {"port": 4001},
        {"port": 7496},
        {"kind": "PAPER", "port": 4003},
        {"kind": "PAPER", "speed": 4},
        {"kind": "PAPER", "always_open": True},
        {"speed": 0.5},
        {"kind": "PAPER", "control_port": 4020},
    ],
)
def test_an_endpoint_that_could_do_harm_is_refused(bad: dict[str, object]) -> None:
    endpoint = Endpoint(**{"name": "x", "kind": "SIMULATED", "port": 4002} | bad)
    with pytest.raises(ValidationError):
        endpoint.full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        endpoint.save()


@pytest.mark.parametrize("account", ["U1234567", "D1", "DU"])
def test_an_endpoint_expects_no_account_that_would_be_live(account: str) -> None:
    with pytest.raises(ValidationError, match="Paper accounts"):
        Endpoint(name="x", kind="SIMULATED", port=4002, expected_account=account).clean()


def test_there_is_one_default_endpoint(endpoint: Endpoint) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Endpoint.objects.create(name="b", kind="SIMULATED", is_default=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LocalHost"])
def test_a_paper_gateway_has_one_endpoint_by_whatever_name(host: str) -> None:
    Endpoint.objects.create(name="paper", kind="PAPER", port=4002, host="localhost")
    twin = Endpoint(name="again", kind="PAPER", port=4002, host=host)
    with pytest.raises(ValidationError, match="paper is this gateway already"):
        twin.clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        twin.save()
    Endpoint(name="other", kind="PAPER", port=7497, host=host).full_clean()


def test_a_paper_gateway_s_own_row_can_be_changed(endpoint: Endpoint) -> None:
    paper = Endpoint.objects.create(name="paper", kind="PAPER", port=7497)
    paper.expected_account = "DU1234567"
    paper.full_clean()


def test_rows_that_named_a_gateway_twice_are_marked_and_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """They stay, for orders and sessions refer to them; none can be added."""
    migration = import_module("brokerage.migrations.0012_one_endpoint_of_a_paper_gateway")
    Endpoint.objects.create(name="b", kind="PAPER", port=4002, is_default=True)
    Endpoint.objects.create(name="a", kind="PAPER", port=4002, host="localhost", twin=True)
    migration.mark_twins(apps, None)
    assert "Endpoints b and a are one paper gateway" in caplog.text
    assert list(Endpoint.objects.values_list("name", "twin")) == [("a", True), ("b", False)]


def test_an_endpoint_gives_its_target(endpoint: Endpoint) -> None:
    target = endpoint.target()
    assert (target.kind, target.address, target.endpoint_id) == (
        "SIMULATED",
        "127.0.0.1:4002",
        endpoint.pk,
    )
    assert endpoint.simulated
    assert str(endpoint) == "sim (127.0.0.1:4002, SIMULATED)"


def test_an_endpoint_moves_but_never_to_a_live_port(endpoint: Endpoint) -> None:
    endpoint.move(port=4010, speed=4)
    endpoint.refresh_from_db()
    assert (endpoint.port, endpoint.speed) == (4010, 4)
    with pytest.raises(ValidationError):
        endpoint.move(port=4001, speed=4)


def test_an_old_observation_is_unknown_and_never_healthy(endpoint: Endpoint) -> None:
    assert endpoint.state_now == "UNKNOWN"
    endpoint.observe("CONNECTED", server_version=178)
    assert (endpoint.state_now, endpoint.state_label) == ("CONNECTED", "Connected")
    endpoint.last_seen_at = timezone.now() - timedelta(seconds=61)
    assert endpoint.state_now == "UNKNOWN"


def test_a_grant_tells_its_state(grant: OrderGrant) -> None:
    assert grant.state == "ISSUED"
    grant.max_orders = 1
    order(grant=grant, state="FILLED")
    assert grant.state == "USED_UP"
    grant.expires_at = timezone.now()
    assert grant.state == "EXPIRED"
    grant.revoke()
    first = grant.revoked_at
    grant.revoke()
    assert (grant.state, grant.revoked_at) == ("REVOKED", first)
    assert "REVOKED" in str(grant)


@pytest.mark.parametrize("state", ["INTENT", "REFUSED"])
def test_orders_that_never_left_do_not_count(grant: OrderGrant, state: str) -> None:
    order(grant=grant, state=state)
    assert grant.orders_used() == 0


def test_an_order_is_told_in_words() -> None:
    made = order(local_symbol="SPY C600")
    assert str(made) == "BUY 1 SPY C600 @ 10"
    made.limit_price, made.state = None, "FILLED"
    assert str(made).endswith("MKT")
    assert made.terminal


def test_a_fill_tells_its_commission_and_sign() -> None:
    fill = execution()
    assert fill.commission is None
    Commission.objects.create(execution=fill, amount=1.0, currency="USD")
    assert fill.commission == 1.0
    assert fill.signed == -2
    assert str(fill) == "SELL 2 SPY @ 5"
    assert str(fill.commission_report) == "1.00 USD"


def execution() -> Execution:
    return Execution.objects.create(
        exec_id="e", con_id=1, symbol="SPY", side="SELL", quantity=2, price=5, at=timezone.now()
    )


def test_a_proof_tells_what_it_proved() -> None:
    assert str(AccountProof(accounts=["DU1"], ok=True)) == "paper: DU1"
    assert str(AccountProof(accounts=["U1"], ok=False)) == "NOT PAPER: U1"


@pytest.mark.parametrize("table", ["accountproof", "orderevent", "execution", "commission"])
@pytest.mark.parametrize("verb", ["UPDATE {} SET id = id", "DELETE FROM {}"])
def test_history_can_not_be_changed_even_in_sql(table: str, verb: str) -> None:
    rows()
    with (
        pytest.raises(IntegrityError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(verb.format(f"brokerage_{table}"))


@pytest.mark.parametrize("model", [AccountProof, OrderEvent, Execution, Commission])
def test_history_can_not_be_changed_by_code(model: type[OrderEvent]) -> None:
    rows()
    with pytest.raises(AppendOnlyError):
        model.objects.get().save()
    with pytest.raises(AppendOnlyError):
        model.objects.all().delete()


def rows() -> None:
    event = OrderEvent.objects.create(order=order(), kind="INTENT")
    assert "INTENT" in str(event)
    Commission.objects.create(execution=execution(), amount=1, currency="USD")
    AccountProof.objects.create(accounts=["DU1"], ok=True, target="t")


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"host": "192.0.2.1"}, "on this machine only"),
        ({"control_port": 4010}, "one of a gateway"),
        ({"control_port": 4001}, "one of a gateway"),
        ({"control_port": 4002}, "one of a gateway"),
        ({"control_port": 0}, "greater than or equal to 1"),
    ],
)
def test_a_control_port_is_one_of_its_own_on_this_machine(
    bad: dict[str, object], words: str
) -> None:
    values = {"name": "x", "kind": "SIMULATED", "port": 4010, "control_port": 4020} | bad
    with pytest.raises(ValidationError, match=words):
        Endpoint(**values).full_clean()


def test_only_a_simulated_target_names_its_control_port() -> None:
    simulated = Endpoint(name="x", kind="SIMULATED", port=4010, control_port=4020)
    assert simulated.target().control_port == 4020
    paper = Endpoint(name="y", kind="PAPER", port=4002, control_port=4020)
    assert paper.target().control_port is None


def test_a_move_forgets_the_old_control_port(endpoint: Endpoint) -> None:
    endpoint.move(port=4010, speed=4, control_port=4020)
    assert endpoint.control_port == 4020
    endpoint.move(port=4011, speed=4)
    assert endpoint.control_port is None
