"""The longest time without a comparison: pauses and planned faults do not count."""

from datetime import UTC, datetime, timedelta

import pytest

from validation.scenarios.cycles import Comparison, longest_wait

BEGAN = datetime(2026, 2, 9, 15, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def compared(second: float, occasion: str = "CYCLE", took: float = 1.0) -> Comparison:
    return Comparison(occasion, at(second), at(second + took))


START = compared(0, "START")


@pytest.mark.parametrize(
    ("comparisons", "planned", "now", "longest"),
    [
        ([START], [], 31, 30),
        ([START, compared(61)], [], 63, 60),
        ([START, compared(61), compared(241)], [], 250, 179),
        ([START, compared(301)], [(100, 340)], 310, 99),
        ([START, compared(301)], [(100, 200), (150, 250)], 310, 150),
        ([START, compared(301)], [(500, 600)], 310, 300),
        ([START, compared(50, "END"), compared(1800, "START")], [], 1805, 49),
    ],
    ids=["the present counts", "in time", "one was left out", "planned to its end", "overlapping",
         "planned elsewhere", "a pause"],
)  # fmt: skip
def test_the_longest_wait(
    comparisons: list[Comparison], planned: list[tuple[float, float]], now: float, longest: float
) -> None:
    spans = [(at(begin), at(end)) for begin, end in planned]
    wait = longest_wait(comparisons, spans, at(now))
    assert wait is not None
    assert wait.total_seconds() == longest


def test_without_a_comparison_there_is_nothing_to_say() -> None:
    assert longest_wait([], [], BEGAN) is None
