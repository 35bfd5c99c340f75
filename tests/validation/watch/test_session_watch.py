"""X-02: two hours of stability, as the watch beside the session tells it."""

from typing import Any

import pytest

from brokerage.clock import SessionClock
from tests.validation.watch.conftest import SPEED, Open, Stage
from validation.configuration import Config, read
from validation.models import AttemptState
from validation.scenarios import catalogue
from validation.scenarios.trial import Trial
from validation.trials import Ending, carry_out

pytestmark = pytest.mark.django_db(transaction=True)


def lasting(seconds: int) -> Config:
    """A configuration that asks for so many seconds of stability."""
    content: dict[str, Any] = Config().content()
    content["validation"]["min_session_duration"] = seconds
    return read(content)


async def run(stage: Stage, seconds: int) -> tuple[Ending, Trial]:
    target = stage.endpoint.target()
    trial = Trial(target, lasting(seconds), f"{stage.scope}/X-02", SessionClock(target.speed))
    trial.shared["watch"] = stage.watch
    return await carry_out(catalogue.load().get("X-02"), trial), trial


async def test_it_waits_for_what_is_missing_and_passes(watched: Open) -> None:
    async with watched() as stage:
        ending, trial = await run(stage, 60)
        assert ending.state == AttemptState.PASSED
        assert stage.watch.content()["regular_s"] >= 60.0
        assert {row.name for row in trial.metrics} >= {"watched", "watched_in_regular_hours"}


async def test_a_failure_of_the_watch_fails_it(watched: Open) -> None:
    async with watched() as stage:
        stage.gateway.faults.on("half_open_socket")
        await stage.sees("no_answer", "OVER")
        ending, _ = await run(stage, 30)
        assert ending.state == AttemptState.FAILED
        assert "critical failures" in ending.reason
        assert "uptime" in ending.reason


async def test_without_a_watch_it_is_skipped(watched: Open) -> None:
    async with watched() as stage:
        trial = Trial(stage.endpoint.target(), Config(), "x/X-02", SessionClock(SPEED))
        ending = await carry_out(catalogue.load().get("X-02"), trial)
        assert ending.state == AttemptState.SKIPPED
