"""Alerts of scenarios: a real one waits for a person, one of a drill does not."""

import pytest
from django.contrib.auth.models import User

from brokerage.clock import SessionClock
from brokerage.models import Endpoint
from brokerage.terms import Target
from crucible.alerts.models import Alert
from tests.validation.conftest import Toys, run
from validation import sessions
from validation.configuration import Config
from validation.scenarios.trial import Trial, TrialListener

pytestmark = pytest.mark.django_db


async def asks_for_help(trial: Trial) -> None:
    trial.check("asked", 1, 1)
    await trial.alert("manual intervention", "Close it by hand.", "WARNING")


async def drills(trial: Trial) -> None:
    with trial.planned_fault("a gateway that never fills"):
        await asks_for_help(trial)


def test_a_real_alert_names_its_scenario_and_waits_for_a_person(
    toys: Toys, seeded: Endpoint, operator: User
) -> None:
    toys.add("OE-90", asks_for_help)
    run(sessions.start(operator))
    alert = Alert.objects.get(kind="scenario-OE-90")
    assert (alert.state, alert.severity) == ("OPEN", "WARNING")
    assert alert.title == "OE-90, manual intervention"


def test_an_alert_of_a_drill_says_so_and_is_over_at_once(
    toys: Toys, seeded: Endpoint, operator: User
) -> None:
    toys.add("OE-90", drills)
    run(sessions.start(operator))
    alert = Alert.objects.get(kind="drill-OE-90")
    assert (alert.state, alert.severity) == ("RESOLVED", "INFO")
    assert alert.title == "Drill: OE-90, manual intervention"
    assert "a gateway that never fills" in alert.text
    assert not Alert.objects.filter(state="OPEN").exists()


def test_an_order_s_event_is_logged_in_words() -> None:
    target = Target("x", "127.0.0.1", 1, "SIMULATED")
    trial = Trial(target=target, config=Config(), ref="s/OE-01", clock=SessionClock(1.0))
    TrialListener(trial).order(7, "CANCEL_REPORTED", {"broker_status": "Cancelled"})
    assert trial.notes[0].text == "Order 7 cancel reported: broker status Cancelled"
