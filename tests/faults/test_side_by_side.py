"""Several gateways at a time, one session at each: what befalls one leaves the other alone."""

import signal
import time
from collections.abc import Iterator

import pytest

from tests.faults import checker, collecting
from tests.faults.history import Witnessed
from tests.faults.processes import Process, until
from tests.faults.stage import Stage, stage
from tests.journeys.visitor import Visitor
from validation.models.session import IN_FLIGHT, STOPPED, SessionState

pytestmark = [pytest.mark.timeout(480), pytest.mark.postgres, pytest.mark.broker]
FIRST, SECOND = "Simulated gateway", "Gateway 2"
# Slow enough that a session lasts much longer than another's way to a worker.
SPEED = 5.0
LONG = ("OE-04", "RS-05")  # 80 s: nobody sees its end


@pytest.fixture(scope="module")
def put_up() -> Iterator[Stage]:
    with stage(gateways=2, workers=2, speed=SPEED) as made:
        yield made


def start(visitor: Visitor, endpoint: str, *scenarios: str) -> tuple[int, str]:
    wanted = {"scenarios": list(scenarios), "endpoint": endpoint}
    status, body = visitor.call("/api/v1/sessions", wanted)
    return status, str(body.get("number", body))


def state(put_up: Stage, number: str) -> str:
    found = put_up.rows("SELECT state FROM validation_session WHERE number = %s", number)
    return str(found[0][0])


def orders(put_up: Stage, number: str) -> int:
    sql = "SELECT count(*) FROM brokerage_orderrecord WHERE scope = %s AND acked_ms IS NOT NULL"
    return int(put_up.rows(sql, number)[0][0])


def worker_of(put_up: Stage, number: str) -> Process:
    """The worker whose child holds the session's lease."""
    sql = "SELECT lease_owner FROM validation_session WHERE number = %s"
    pid = int(put_up.rows(sql, number)[0][0].rpartition(":")[2])
    return next(one for one in put_up.workers if pid in one.children())


def test_one_gateways_fault_leaves_the_other_session_alone(put_up: Stage) -> None:
    visitor = put_up.operator()
    marks = [collecting.mark(put_up, gateway) for gateway in put_up.gateways]
    _, first = start(visitor, FIRST, *LONG)
    until(lambda: orders(put_up, first), 60, "an order", 0.01)
    _, second = start(visitor, SECOND, "OE-01", "OE-02", "OE-03")
    assert start(visitor, SECOND, "OE-03")[0] == 409
    until(lambda: state(put_up, second) == SessionState.RUNNING, 60, "the other's claim", 0.01)
    assert state(put_up, first) == state(put_up, second) == SessionState.RUNNING
    worker_of(put_up, first).signal_group(signal.SIGKILL)
    killed = time.monotonic()
    # Its gateway does not answer either: the clean-up has to wait, and nobody else with it.
    put_up.gateways[0].line.partition()
    until(lambda: state(put_up, first) in STOPPED, 30, "the interruption")
    noticed = time.monotonic() - killed
    until(lambda: state(put_up, second) not in IN_FLIGHT, 60, "the other's end")
    put_up.gateways[0].line.restore()
    sql = "SELECT cleanup FROM validation_session WHERE number = %s"
    until(lambda: put_up.rows(sql, first) == [("DONE",)], 150, "the clean-up", 0.5)
    assert noticed <= checker.DETECTED_WITHIN_S
    for endpoint, mark in enumerate(marks, start=1):
        history = collecting.collect(put_up, mark, Witnessed(), endpoint)
        assert checker.judge(history) == []
    results = "SELECT DISTINCT a.state FROM validation_attempt a JOIN validation_session s "
    results += "ON s.id = a.session_id WHERE s.number = %s"
    assert put_up.rows(results, second) == [("PASSED",)]
