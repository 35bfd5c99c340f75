"""The rule about lost connections: pure judgement, and the trip."""

import pytest

from brokerage import kill
from brokerage.kill_rules import (
    Loss,
    connection_problem,
    disk_problem,
    drawdown_problem,
    error_problem,
    violation_problem,
)
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


@pytest.mark.parametrize(
    ("said", "trips"),
    [
        (error_problem(5), True),
        (error_problem(4), False),
        (violation_problem("VS-1", 4), True),
        (violation_problem("VS-1", 3), False),
        (drawdown_problem(0.10), True),
        (drawdown_problem(0.0999), False),
        (disk_problem(0.999), True),
        (disk_problem(1.0), False),
    ],
)
def test_every_other_rule_has_its_bound(said: str, trips: bool) -> None:
    assert bool(said) is trips


@pytest.mark.django_db
def test_a_rule_triggers_an_armed_switch_and_only_that() -> None:
    assert not kill.judge("", "disk", actor="rules")
    assert kill.judge("full", "disk", actor="rules")
    assert not kill.judge("broken", "errors", actor="rules")
    assert (KillSwitch.current().rule, KillSwitch.current().by_name) == ("disk", "rules")
