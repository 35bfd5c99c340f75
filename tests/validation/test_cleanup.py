"""The clean-up in words, and when the gateway is away."""

from typing import Any

import pytest

from brokerage.errors import GatewayConnectionError
from brokerage.gateway import CleanupReport
from brokerage.terms import Target
from validation import cleanup
from validation.cleanup import clean_up, words

TARGET = Target("x", "127.0.0.1", 1, "SIMULATED")


def test_a_sound_clean_up_says_that_it_verified() -> None:
    told = words(CleanupReport(cancelled=["7"], closed={"SPY": -1.0}))
    assert told.startswith("1 orders cancelled, closed: SPY -1.")
    assert "Verified" in told


def test_what_is_left_is_named() -> None:
    told = words(CleanupReport(remaining={"SPY": 1.0}, working=["9"], problems=["No quote."]))
    for part in ("nothing to close", "Still open: SPY +1.", "Still working: 9.", "No quote."):
        assert part in told
    assert "Verified" not in told


@pytest.mark.parametrize("error", [GatewayConnectionError("Nothing listens."), TimeoutError()])
async def test_a_gateway_that_fails_is_a_clean_up_that_failed(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def connect(*args: Any, **options: Any) -> Any:
        raise error

    monkeypatch.setattr(cleanup.gateway, "connect", connect)
    done = await clean_up(TARGET, "prelive_20260101_001")
    assert not done.ok
    assert "could not be used" in done.note
