"""Durations shrink with the speed, guards keep a floor, and the gateway's time is learnt."""

from datetime import UTC, datetime, timedelta

import pytest

from brokerage.clock import FLOOR_SECONDS, SessionClock
from tests.brokerage.port.clocks import HandClock

NOON = datetime(2026, 2, 17, 12, tzinfo=UTC)


def test_a_limit_is_exact_at_speed_one() -> None:
    assert SessionClock(1).wall(30) == 30
    assert SessionClock(1).wall(1) == 1


def test_a_guard_keeps_its_floor_at_high_speed() -> None:
    assert SessionClock(100).wall(10) == FLOOR_SECONDS
    assert SessionClock(4).wall(60) == 15


def test_the_floor_can_be_lowered_where_the_limit_is_expected_to_be_hit() -> None:
    assert SessionClock(100, floor=0.2).wall(10) == 0.2


def test_a_limit_below_a_second_has_no_floor() -> None:
    assert SessionClock(25).wall(0.05) == pytest.approx(0.002)


async def test_a_timeout_raises() -> None:
    clock = SessionClock(100)
    with pytest.raises(TimeoutError):
        async with clock.timeout(0.5):
            await clock.sleep(500)


@pytest.mark.parametrize("speed", [0, 0.5, -1, float("nan")])
def test_a_clock_that_runs_slower_than_ours_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        SessionClock(speed)


def test_session_time_runs_as_fast_as_the_gateway() -> None:
    clock = SessionClock(1000)
    before = clock.elapsed()
    while clock.elapsed() - before < 5:
        pass
    assert clock.elapsed() - before < 500


def test_the_time_is_our_own_until_the_gateway_has_told_it() -> None:
    assert abs((SessionClock(1).now() - datetime.now(UTC)).total_seconds()) < 1


def test_answers_in_whole_seconds_narrow_the_gateways_time_down() -> None:
    clock = HandClock()
    clock.anchor(NOON, sent=0.0, received=0.1)
    clock.anchor(NOON, sent=0.8, received=0.85)
    clock.seconds = 0.8
    assert abs((clock.now() - NOON).total_seconds() - 0.85) < 0.1


def test_a_gateway_whose_clock_was_set_is_believed_anew() -> None:
    clock = HandClock()
    clock.anchor(NOON, sent=0.0, received=0.1)
    clock.anchor(NOON + timedelta(hours=1), sent=1.0, received=1.1)
    assert abs((clock.at(1.0) - NOON).total_seconds() - 3600) < 1
