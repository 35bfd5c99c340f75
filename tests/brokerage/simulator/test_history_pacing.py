"""The pacing rules of history: what is refused, what is slowed down, and until when."""

import pytest

from brokerage.simulator.history_pacing import HistoryPacing

SERIES = ("SPY", "SMART", "TRADES")


@pytest.fixture
def pacing():
    return HistoryPacing()


def test_the_same_request_is_refused_for_fifteen_seconds(pacing):
    assert not pacing.violates(0.0, "one", SERIES)
    assert pacing.violates(14.9, "one", SERIES)
    assert not pacing.violates(15.0, "one", SERIES)


def test_the_sixth_request_for_one_series_within_two_seconds_is_refused(pacing):
    assert [pacing.violates(n * 0.1, n, SERIES) for n in range(6)] == [False] * 5 + [True]
    assert not pacing.violates(0.7, 7, ("SPY", "SMART", "BID"))
    assert not pacing.violates(2.0, 8, SERIES)


def test_more_than_sixty_in_ten_minutes_are_refused(pacing):
    asked = [pacing.violates(n * 5.0, n, n) for n in range(61)]
    assert asked == [False] * 60 + [True]
    assert not pacing.violates(600.0, "later", "later")


def test_bid_and_ask_counts_twice(pacing):
    asked = [pacing.violates(n * 5.0, n, n, weight=2) for n in range(31)]
    assert asked == [False] * 30 + [True]


def test_a_refused_request_does_not_count(pacing):
    pacing.violates(0.0, "one", SERIES)
    pacing.violates(10.0, "one", SERIES)
    assert not pacing.violates(15.0, "one", SERIES)


def test_the_soft_limit_makes_answers_later_and_later(pacing):
    delays = [pacing.delay(n * 1.0) for n in range(63)]
    assert delays == [0.0] * 60 + [2.0, 4.0, 6.0]
    assert pacing.delay(1000.0) == 0.0


def test_the_soft_limit_never_slows_by_more_than_a_minute(pacing):
    assert max(pacing.delay(0.0) for _ in range(200)) == 60.0


def test_hard_and_soft_requests_are_counted_apart(pacing):
    for _ in range(60):
        pacing.delay(0.0)
    assert not pacing.violates(0.0, "one", SERIES)
