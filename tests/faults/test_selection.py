"""A bounded selection of the campaign: one schedule of each kind of trouble, always the same."""

from collections.abc import Iterator

import pytest

from tests.faults.conducting import conduct
from tests.faults.schedules import Blow, Schedule
from tests.faults.stage import Stage, stage

pytestmark = [pytest.mark.timeout(480), pytest.mark.postgres, pytest.mark.broker]
SELECTED = (
    Schedule(1, ("OE-04",), (Blow("worker killed", "order working"),)),
    Schedule(2, ("OE-01", "OE-03"), (Blow("broker flushed", "clicked"),)),
    Schedule(3, ("OE-03", "OE-04"), (Blow("database crashed", "order filled"),)),
    Schedule(4, ("OE-04",), (Blow("frozen in a transaction", "order filled"),)),
)


@pytest.fixture(scope="module")
def put_up() -> Iterator[Stage]:
    with stage() as made:
        yield made


@pytest.mark.parametrize("schedule", SELECTED, ids=lambda one: one.blows[0].fault)
def test_nothing_is_lost_doubled_or_unexplained(put_up: Stage, schedule: Schedule) -> None:
    outcome = conduct(put_up, schedule)
    assert outcome.violations == []
    assert outcome.missed == []
    # The session has traded: there was something to lose.
    assert outcome.compared["orders on the wire"] > 0
    assert outcome.compared["executions"] > 0
    assert outcome.compared["rows seen committed"] > 0
