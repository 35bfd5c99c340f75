"""A worker killed in the middle of an order scenario loses nothing and doubles nothing."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ib_async import IB

from tests.journeys.product import Product, running_product
from tests.journeys.visitor import Visitor, words

pytestmark = pytest.mark.timeout(480)
WORKING = ("SUBMITTED", "PARTIAL", "CANCEL_PENDING", "SUBMITTING")


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running_product(tmp_path_factory.mktemp("lost"), speed=4) as running:
        yield running


def worker_pid(product: Product) -> int:
    """The Celery parent that serves the queue `gateway`: a child of the supervisor."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rsplit(")", 1)[1].split()[1])
            command = (path.parent / "cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent == product.process.pid and b"gateway" in command and b"worker" in command:
            return int(path.parent.name)
    raise AssertionError("no worker found")


def state(product: Product, number: str) -> str:
    return str(product.rows("SELECT state FROM validation_session WHERE number = ?", number)[0][0])


def abort_first_session(product: Product, operator: Visitor) -> None:
    ((number,),) = product.rows("SELECT number FROM validation_session")
    status, _ = operator.post(f"/sessions/{number}/abort/", reason="make room for the drill")
    assert status == 200
    product.eventually(lambda: state(product, number) == "ABORTED", 60, "the abort")


def resting_order(product: Product, number: str) -> bool:
    """Whether the session holds a position and an order of its own works at the gateway."""
    found = product.rows(
        "SELECT count(*) FROM brokerage_orderrecord WHERE scope = ? AND side = 'SELL' "
        f"AND state IN {WORKING} AND acked_ms IS NOT NULL",
        number,
    )
    return bool(found[0][0])


@pytest.fixture(scope="module")
def drill(product: Product) -> tuple[str, float]:
    """Start OE-04, kill its worker while an order rests; the number, and seconds to INTERRUPTED."""
    operator = Visitor(product.address, "olivia", product.people["olivia"])
    abort_first_session(product, operator)
    status, body = operator.call("/api/v1/sessions", {"scenarios": ["OE-04"]})
    assert status == 201, body
    number = str(body["number"])
    product.eventually(lambda: resting_order(product, number), 60, "a resting order")
    os.killpg(worker_pid(product), signal.SIGKILL)
    killed = time.monotonic()
    product.eventually(lambda: state(product, number) == "INTERRUPTED", 30, "the interruption")
    return number, time.monotonic() - killed


def test_the_session_is_interrupted_within_20_seconds(drill: tuple[str, float]) -> None:
    assert drill[1] <= 20


def test_own_orders_are_cancelled_and_positions_flat(
    product: Product, drill: tuple[str, float]
) -> None:
    number = drill[0]
    sql = "SELECT cleanup FROM validation_session WHERE number = ?"
    product.eventually(lambda: product.rows(sql, number) == [("DONE",)], 40, "the clean-up")
    ((port,),) = product.rows("SELECT port FROM brokerage_endpoint WHERE is_default")
    stranger = IB()
    stranger.connect("127.0.0.1", port, clientId=77)
    try:
        assert stranger.reqAllOpenOrders() == []
        assert [p for p in stranger.positions() if p.position] == []
    finally:
        stranger.disconnect()


def test_nothing_is_run_again_when_the_worker_is_back(
    product: Product, drill: tuple[str, float]
) -> None:
    product.wait_for_line("worker-gateway restarted", 60)
    sql = (
        "SELECT a.scenario, a.number, a.state FROM validation_attempt a "
        "JOIN validation_session s ON s.id = a.session_id WHERE s.number = ?"
    )
    assert product.rows(sql, drill[0]) == [("OE-04", 1, "ABORTED")]


def test_every_order_at_the_gateway_stands_once_in_the_database(
    product: Product, drill: tuple[str, float]
) -> None:
    ((port,),) = product.rows("SELECT port FROM brokerage_endpoint WHERE is_default")
    stranger = IB()
    stranger.connect("127.0.0.1", port, clientId=78)
    fills = sorted(fill.execution.execId for fill in stranger.reqExecutions())
    stranger.disconnect()
    recorded = sorted(row[0] for row in product.rows("SELECT exec_id FROM brokerage_execution"))
    assert fills
    assert recorded == fills


def test_the_page_says_what_happened_and_what_to_do(
    product: Product, drill: tuple[str, float]
) -> None:
    operator = Visitor(product.address, "olivia", product.people["olivia"])
    status, page = operator.get(f"/sessions/{drill[0]}/")
    said = words(page).lower()
    assert status == 200
    assert "interrupted" in said
    assert "worker" in said
    assert "start a new session" in said
