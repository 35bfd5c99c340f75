"""Requests wait here rather than being refused by the gateway."""

import pytest

from brokerage.pacing import Bucket, HistoryBuckets, most_in_a_second
from tests.brokerage.port.clocks import HandClock


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


async def test_two_hundred_requests_never_exceed_fifty_in_a_second(clock: HandClock) -> None:
    bucket = Bucket(clock)
    for _ in range(200):
        await bucket.take()
    times = list(bucket.sent_at)
    assert times[-1] - times[0] >= 3.5
    assert most_in_a_second(times) <= 50


async def test_the_bucket_is_not_slower_than_its_rate(clock: HandClock) -> None:
    bucket = Bucket(clock)
    for _ in range(200):
        await bucket.take()
    assert clock.elapsed() < 200 / 45 + 0.1


@pytest.mark.parametrize("most", [1, 2, 3, 4, 10, 40, 50, 1000])
async def test_a_bucket_keeps_to_the_configured_messages_in_any_second(
    clock: HandClock, most: int
) -> None:
    bucket = Bucket.keeping(clock, most)
    for _ in range(150):
        await bucket.take()
    fullest = most_in_a_second(list(bucket.sent_at))
    assert 0.7 * min(most, 50) <= fullest <= min(most, 50)


async def test_an_idle_hour_saves_up_no_more_than_the_burst(clock: HandClock) -> None:
    bucket = Bucket(clock)
    clock.seconds += 3600
    for _ in range(60):
        await bucket.take()
    assert most_in_a_second(list(bucket.sent_at)) <= 50


async def test_messages_spent_elsewhere_count(clock: HandClock) -> None:
    bucket = Bucket(clock)
    bucket.spend(50)
    await bucket.take()
    assert clock.elapsed() == pytest.approx((50 - 2) / 45, abs=0.01)


async def test_an_identical_historical_request_waits_fifteen_seconds(clock: HandClock) -> None:
    history = HistoryBuckets(clock)
    await history.admit("SPY 1 D", "SPY")
    assert await history.admit("SPY 1 D", "SPY") == pytest.approx(15, abs=0.01)
    assert await history.admit("SPY 2 D", "SPY") == 0


async def test_the_sixth_request_for_one_contract_within_two_seconds_waits(
    clock: HandClock,
) -> None:
    history = HistoryBuckets(clock)
    held = [await history.admit(f"SPY {days} D", "SPY") for days in range(6)]
    assert held[:5] == [0] * 5
    assert held[5] == pytest.approx(2, abs=0.01)
    assert await history.admit("QQQ 1 D", "QQQ") == 0


async def test_the_sixty_first_request_in_ten_minutes_waits(clock: HandClock) -> None:
    history = HistoryBuckets(clock)
    for number in range(60):
        await history.admit(f"{number}", f"{number}")
    assert history.delay("another", "another") == pytest.approx(600, abs=1)


async def test_bid_ask_history_counts_double(clock: HandClock) -> None:
    history = HistoryBuckets(clock)
    for number in range(30):
        await history.admit(f"{number}", f"{number}", cost=2)
    assert history.delay("another", "another") > 590


async def test_ten_minutes_later_all_is_forgotten(clock: HandClock) -> None:
    history = HistoryBuckets(clock)
    for number in range(60):
        await history.admit(f"{number}", f"{number}")
    clock.seconds += 601
    assert await history.admit("0", "0") == 0


def test_the_fullest_second_is_found() -> None:
    assert most_in_a_second([0.0, 0.5, 0.9, 1.1, 1.4, 5.0]) == 4
    assert most_in_a_second([]) == 0
