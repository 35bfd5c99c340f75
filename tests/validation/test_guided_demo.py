"""The guided demo goes from start to report without a broker, and fails when it does not."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from brokerage.models import AccountProof, Endpoint
from tests.validation.conftest import Toys, fails, passes
from validation.models import Severity
from validation.watch.conditions import Condition

pytestmark = pytest.mark.django_db(transaction=True)
STRANGE = Condition("difference_foreign", "SPY", Severity.CRITICAL, "SPY: 5 shares.", "Look.")


def demo(*args: str) -> str:
    out = StringIO()
    call_command("guided_demo", *args, stdout=out)
    return out.getvalue()


def test_it_runs_real_scenarios_on_its_own_gateway_alone(seeded: Endpoint) -> None:
    told = demo("--speed", "5", "--scenario", "BC-01", "BC-04")
    assert "2 of 2 passed" in told
    assert [f"{number} of 5." in told for number in range(1, 6)] == [True] * 5
    assert "3 Authentication fails: partial" in told
    assert ", 0 to any broker." in told
    assert not AccountProof.objects.exclude(endpoint__kind="SIMULATED").exists()


def test_a_scenario_that_fails_is_told_and_ends_it_with_an_error(
    toys: Toys, seeded: Endpoint
) -> None:
    toys.add("BC-01", fails)
    with pytest.raises(CommandError, match="did not go as it should"):
        demo()


def test_a_session_that_ends_blocked_is_told_and_ends_it_with_an_error(
    toys: Toys, seeded: Endpoint
) -> None:
    toys.add("BC-01", passes)
    toys.watch.left = [STRANGE]
    out = StringIO()
    with pytest.raises(CommandError, match="did not go as it should"):
        call_command("guided_demo", stdout=out)
    assert "1 of 1 passed" in out.getvalue()
    assert "is BLOCKED. " in out.getvalue()


def test_a_connection_to_a_broker_is_told_and_ends_it_with_an_error(
    toys: Toys, seeded: Endpoint
) -> None:
    real = Endpoint.objects.create(name="real", kind=Endpoint.Kind.PAPER, port=4002)
    toys.add("BC-01", passes)
    toys.add("BC-02", lambda trial: connect_elsewhere(trial, real))
    with pytest.raises(CommandError, match="did not go as it should"):
        demo()


async def connect_elsewhere(trial: Any, endpoint: Endpoint) -> None:
    passes(trial)
    await AccountProof.objects.acreate(
        endpoint=endpoint, target=str(endpoint.port), accounts=["DU1"], ok=True
    )


def test_it_waits_between_the_steps_when_asked_to(
    toys: Toys, seeded: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[str] = []
    monkeypatch.setattr("builtins.input", lambda text: waits.append(text) or "")
    toys.add("BC-01", passes)
    demo("--pause")
    assert len(waits) == 3
