"""The account's worth under watch: what warns, what trips the switch, what is kept."""

from typing import Any

import pytest

from brokerage.models import KillSwitch
from brokerage.terms import Target
from validation.models.watching import Severity
from validation.watch.worth import Worth

pytestmark = pytest.mark.django_db(transaction=True)


def account(kind: str = "PAPER", **earlier: Any) -> Worth:
    return Worth(Target("paper", "127.0.0.1", 4002, kind), earlier)


async def armed() -> bool:
    return (await KillSwitch.objects.aget()).armed


@pytest.mark.parametrize(
    ("worth", "severity", "stays_armed"),
    [
        (95_100.0, None, True),
        (95_000.0, Severity.WARNING, True),
        (90_100.0, Severity.WARNING, True),
        (90_000.0, Severity.CRITICAL, False),
    ],
)
async def test_a_loss_from_the_highest_value_warns_then_trips(
    worth: float, severity: Severity | None, stays_armed: bool
) -> None:
    watched = account()
    assert await watched.hear(100_000.0) is None
    found = await watched.hear(worth)
    assert (found.severity if found else None) == severity
    assert await armed() is stays_armed


async def test_the_highest_value_is_one_on_the_way() -> None:
    watched = account()
    for worth in (100_000.0, 120_000.0, 107_000.0):
        await watched.hear(worth)
    assert watched.content() == {
        "worth_high": 120_000.0, "worth_low": 100_000.0, "worth_readings": 3,
        "drawdown": pytest.approx(13 / 120, abs=1e-6),
    }  # fmt: skip
    assert not await armed()


async def test_a_simulated_gateway_warns_and_trips_nothing() -> None:
    watched = account("SIMULATED", worth_high=100_000.0, worth_low=100_000.0)
    found = await watched.hear(50_000.0)
    assert found is not None
    assert found.severity == Severity.CRITICAL
    assert await armed()


async def test_what_was_not_told_changes_nothing() -> None:
    watched = account()
    assert await watched.hear(None) is None
    assert watched.content() == {}


async def test_a_session_that_goes_on_keeps_its_highest_value() -> None:
    first = account()
    await first.hear(100_000.0)
    later = account(**first.content())
    found = await later.hear(94_000.0)
    assert found is not None
    assert later.content()["worth_readings"] == 2
