"""The message rate: half the lines, by waiting or by refusing and counting."""

import pytest

from brokerage.simulator.rates import Counting, Pacing, rate_for

NOW = 1_796_000_000.0


def filled(rate: int, at: float = NOW) -> Pacing:
    """A second in which all has been taken."""
    pacing = Pacing(rate)
    for _ in range(rate):
        pacing.take(at)
    return pacing


def second(counting: Counting, count: int, at: float = NOW) -> int:
    """So many messages at once; how many were within the rate."""
    return sum(counting.admits(at) for _ in range(count))


@pytest.mark.parametrize(("lines", "rate"), [(100, 50), (400, 200), (101, 50), (1, 1), (0, 1)])
def test_the_rate_is_half_the_lines(lines, rate):
    assert rate_for(lines) == rate


def test_messages_up_to_the_rate_wait_for_nothing():
    pacing = filled(49)
    assert Pacing(50).wait(NOW) == 0.0
    assert pacing.wait(NOW + 1.0) == 0.0


def test_one_above_the_rate_waits_until_the_first_is_a_second_old():
    assert filled(50).wait(NOW + 0.4) == pytest.approx(0.6)


def test_the_second_slides():
    pacing = Pacing(2)
    for at in (NOW, NOW + 0.9):
        pacing.take(at)
    assert pacing.wait(NOW + 1.0) == 0.0
    pacing.take(NOW + 1.0)
    assert pacing.wait(NOW + 1.0) == pytest.approx(0.9)


def test_a_wait_that_floats_alone_leave_is_none():
    assert filled(50, NOW + 0.1).wait(NOW + 0.1 + 1.0 - 2.4e-7) == 0.0


def test_messages_above_the_rate_are_refused():
    assert second(Counting(50), 60) == 50


def test_the_next_second_starts_anew():
    counting = Counting(50)
    second(counting, 60)
    assert second(counting, 60, NOW + 0.9) == 0
    assert second(counting, 60, NOW + 1.0) == 50


def test_a_violation_tells_how_many_came_and_how_often():
    counting = Counting(50)
    second(counting, 138)
    assert counting.violation().text == (
        "Max rate of messages per second has been exceeded:max=50 rec=138 (1)"
    )


def test_the_third_violation_is_the_last():
    counting = Counting(50)
    assert [counting.violation().last for _ in range(3)] == [False, False, True]


def test_one_violation_is_reported_for_each_second():
    counting, over = Counting(50), []
    for _ in range(70):
        counting.admits(NOW)
        over.append(counting.first_over)
    assert [index for index, first in enumerate(over) if first] == [50]
    assert counting.ends == NOW + 1.0


def test_the_client_is_warned_once_when_it_comes_near():
    counting, told = Counting(50), []
    for _ in range(50):
        counting.admits(NOW)
        if counting.near:
            told.append(counting.warning())
    assert told == ["Warning: Approaching max rate of 50 messages per second (44)"]
