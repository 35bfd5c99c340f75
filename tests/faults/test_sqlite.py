"""The embedded default on SQLite under the faults that only a file has: locked, and full."""

import resource
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from tests.faults.collecting import ask_broker
from tests.journeys.product import Product, running_product
from tests.journeys.visitor import Visitor
from validation.models import AttemptState
from validation.models.run import OPEN
from validation.models.session import IN_FLIGHT, STOPPED

pytestmark = [pytest.mark.timeout(480), pytest.mark.broker]


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The demo; its first session makes room for ours."""
    with running_product(tmp_path_factory.mktemp("sqlite"), speed=25) as running:
        ((number,),) = running.rows("SELECT number FROM validation_session")
        operator(running).post(f"/sessions/{number}/abort/", reason="make room")
        running.eventually(lambda: state(running, number) not in IN_FLIGHT, 90, "the abort")
        yield running


def operator(product: Product) -> Visitor:
    return Visitor(product.address, "olivia", product.people["olivia"])


def state(product: Product, number: str) -> str:
    sql = "SELECT state FROM validation_session WHERE number = ?"
    return str(product.rows(sql, number)[0][0])


def start(product: Product, *scenarios: str) -> str:
    """Start a session and wait until it has placed an order."""
    status, body = operator(product).call("/api/v1/sessions", {"scenarios": list(scenarios)})
    assert status == 201, body
    number = str(body["number"])
    sql = "SELECT 1 FROM brokerage_orderrecord WHERE scope = ? AND acked_ms IS NOT NULL"
    product.eventually(lambda: product.rows(sql, number), 60, "an order")
    return number


@contextmanager
def locked(product: Product) -> Iterator[None]:
    """Hold the write lock of the database, as a backup or a careless shell does."""
    path = product.var / "crucible.sqlite3"
    with closing(sqlite3.connect(path, timeout=20, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        yield
        holder.execute("ROLLBACK")


def trading_process(product: Product, number: str) -> int:
    """The process that holds the session's lease."""
    sql = "SELECT lease_owner FROM validation_session WHERE number = ?"
    return int(str(product.rows(sql, number)[0][0]).rpartition(":")[2])


@contextmanager
def no_file_grows(pid: int) -> Iterator[None]:
    """Let the process write to no file beyond its first byte: to it, the disk is full."""
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, before[1]))
    yield
    resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


def results(product: Product, number: str) -> set[str]:
    """The states of the session's attempts."""
    sql = (
        "SELECT a.state FROM validation_attempt a JOIN validation_session s "
        "ON s.id = a.session_id WHERE s.number = ?"
    )
    return {str(row[0]) for row in product.rows(sql, number)}


def check_end(product: Product, number: str) -> None:
    """The session has an honest end, all is flat, and our executions are the broker's."""
    wanted = "state, cleanup, lease_until, outcome_reason"
    sql = f"SELECT {wanted} FROM validation_session WHERE number = ?"
    done = {"DONE", "NOT_NEEDED"}
    product.eventually(
        lambda: (row := product.rows(sql, number)[0])[0] not in IN_FLIGHT and row[1] in done,
        150, "the end",
    )  # fmt: skip
    ((ended, _, lease, reason),) = product.rows(sql, number)
    assert lease is None
    assert ended not in STOPPED or len(reason) > 20
    assert not results(product, number) & set(OPEN)
    ((port,),) = product.rows("SELECT port FROM brokerage_endpoint WHERE is_default")
    assert ask_broker(port) == ((), ())
    entries = [row[0] for row in product.rows("SELECT sequence FROM ledger_entry ORDER BY 1")]
    assert entries == list(range(1, len(entries) + 1))
    unended = (
        "SELECT id FROM brokerage_orderrecord WHERE scope = ? "
        "AND state NOT IN ('REFUSED', 'FILLED', 'REJECTED', 'CANCELLED', 'INTENT')"
    )
    assert product.rows(unended, number) == []


def test_a_locked_database_delays_a_session_and_loses_nothing(product: Product) -> None:
    number = start(product, "OE-01", "OE-03", "OE-04")
    with locked(product):
        time.sleep(4)
    check_end(product, number)
    assert results(product, number) <= {AttemptState.PASSED, AttemptState.FAILED}


def test_a_full_disk_ends_a_session_honestly_and_flat(product: Product) -> None:
    number = start(product, "OE-04")
    with no_file_grows(trading_process(product, number)):
        time.sleep(4)
    check_end(product, number)
    # It did strike, and it is over: the same worker runs the next session.
    assert AttemptState.PASSED not in results(product, number)
    following = start(product, "OE-03")
    check_end(product, following)
    assert results(product, following) == {AttemptState.PASSED}
