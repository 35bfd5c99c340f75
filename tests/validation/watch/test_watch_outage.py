"""The kill switch's rule about lost connections, fed with what the watch sees."""

import pytest

from brokerage.models import KillSwitch
from brokerage.terms import PAPER, SIMULATED, Target
from validation.watch.outage import Outage

pytestmark = pytest.mark.django_db(transaction=True)


async def armed() -> bool:
    return (await KillSwitch.objects.aget()).armed


@pytest.mark.parametrize(
    ("kind", "seconds", "planned", "stays"),
    [
        (PAPER, 59.0, 0.0, True), (PAPER, 61.0, 0.0, False), (PAPER, 61.0, 5.0, True),
        (SIMULATED, 3600.0, 0.0, True),
    ],
)  # fmt: skip
async def test_a_minute_without_a_paper_gateway_trips_the_switch(
    kind: str, seconds: float, planned: float, stays: bool
) -> None:
    outage = Outage(Target("x", "127.0.0.1", 4002, kind))
    await outage.judge(100.0, 7.0)
    await outage.judge(100.0 + seconds, 7.0 + planned)
    assert await armed() is stays


async def test_three_failed_attempts_trip_it_and_planned_ones_do_not() -> None:
    outage = Outage(Target("x", "127.0.0.1", 4002, PAPER))
    for planned in (True, True, True, False, False):
        outage.fail(planned=planned)
    await outage.judge(0.0, 0.0)
    await outage.judge(5.0, 0.0)
    assert await armed()
    outage.fail(planned=False)
    await outage.judge(6.0, 0.0)
    assert not await armed()


async def test_each_loss_counts_for_itself() -> None:
    outage = Outage(Target("x", "127.0.0.1", 4002, PAPER))
    for began in (0.0, 100.0):
        await outage.judge(began, 0.0)
        await outage.judge(began + 50.0, 0.0)
        outage.over()
    assert await armed()
