"""Evidence that PostgreSQL could not keep as it is costs no other row of the session."""

import pytest
from django.contrib.auth.models import User

from brokerage.models import Endpoint
from tests.databases import Database
from tests.validation.conftest import Body, Toys, passes, run, states
from validation import sessions
from validation.models import LogLine, Metric
from validation.scenarios.trial import Trial


def odd(trial: Trial) -> None:
    """Measures and notes what no column holds."""
    trial.check("begins\x00", 1, 1)
    trial.measure("figure\x00" + "x" * 200, 1.0, "u" * 50)
    trial.note("hello\x00", source="s" * 80, event="e" * 80, code=10**12, client_id=-(10**12))


def test_whatever_a_scenario_names_is_stored(
    postgres_db: Database, toys: Toys, seeded: Endpoint, operator: User
) -> None:
    toys.add("BC-01", odd)
    toys.add("RS-01", passes)
    session = run(sessions.start(operator))
    assert (session.state, states(session)) == (
        "MANUAL_CHECKS", {"BC-01": "PASSED", "RS-01": "PASSED"},
    )  # fmt: skip
    figure = Metric.objects.get(name__startswith="figure")
    assert (len(figure.name), figure.unit) == (80, "u" * 20)
    line = LogLine.objects.get(message__startswith="hello")
    assert (line.source, line.code, line.client_id) == ("s" * 40, None, None)


def unknown_kind(trial: Trial) -> None:
    """Keeps a duration of a kind that does not exist."""
    trial.sample("HOW_LONG_IT_TOOK", 1.0)


def unknown_level(trial: Trial) -> None:
    """Notes a line of a level that does not exist."""
    trial.note("hello", "INFORMATIONAL")


@pytest.mark.django_db
@pytest.mark.parametrize("body", [unknown_kind, unknown_level])
def test_what_has_no_meaning_is_the_scenario_s_error(
    toys: Toys, seeded: Endpoint, operator: User, body: Body
) -> None:
    toys.add("BC-01", body)
    session = run(sessions.start(operator))
    assert states(session) == {"BC-01": "ERROR"}
    assert "ValueError" in session.attempts.get().reason
