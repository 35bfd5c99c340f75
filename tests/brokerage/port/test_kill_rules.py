"""The rule about lost connections: pure judgement, and the trip."""

import pytest

from brokerage import kill
from brokerage.kill_rules import Loss, connection_problem
from brokerage.models import KillSwitch


@pytest.mark.parametrize(
    ("loss", "trips"),
    [
        (Loss(61), True),
        (Loss(60), False),
        (Loss(5), False),
        (Loss(61, planned=61), False),
        (Loss(61, planned=10), False),
        (Loss(100, planned=30), True),
        (Loss(3, failed_attempts=3), True),
        (Loss(3, failed_attempts=2), False),
        (Loss(7, failed_attempts=3, planned=7), False),
    ],
)
def test_a_minute_without_a_connection_or_three_failures_trip(loss: Loss, trips: bool) -> None:
    assert bool(connection_problem([Loss(1), loss])) is trips


def test_no_loss_is_no_problem() -> None:
    assert connection_problem([]) == ""


@pytest.mark.django_db
@pytest.mark.parametrize(("seconds", "armed"), [(61.0, False), (59.0, True)])
def test_the_rule_triggers_the_switch_and_names_itself(seconds: float, armed: bool) -> None:
    said = kill.judge_connection([Loss(seconds)])
    switch = KillSwitch.current()
    assert switch.armed is armed
    assert (switch.rule, switch.reason) == (("", "") if armed else ("connection", said))
