"""Figures of samples: pure functions."""

import pytest

from validation.scenarios.figures import (
    longest_gap,
    longest_standstill,
    nearest_rank,
    newest_ages,
    slope,
)


class TestStreamFigures:
    """Ages and gaps of updates, in seconds since the stream began."""

    def test_the_age_at_each_second_is_that_of_the_newest_update(self) -> None:
        assert newest_ages([0.5, 1.0, 2.25], 4) == [0.0, 1.0, 0.75, 1.75]

    def test_before_the_first_update_there_is_no_age(self) -> None:
        assert newest_ages([2.0], 2) == [float("inf"), 0.0]

    def test_a_gap_counts_from_the_beginning_and_to_the_end(self) -> None:
        assert longest_gap([4.0, 5.0], 6) == 4.0
        assert longest_gap([0.5, 1.0], 9) == 8.0

    def test_updates_older_than_the_stream_close_no_gap(self) -> None:
        assert longest_gap([-60.0, -59.0], 30) == 30.0

    @pytest.mark.parametrize(("percent", "value"), [(50, 2.0), (95, 4.0), (1, 1.0)])
    def test_percentiles_are_by_nearest_rank(self, percent: float, value: float) -> None:
        assert nearest_rank([4.0, 1.0, 3.0, 2.0], percent) == value


class TestStandstill:
    """How long a value that is told again and again stays the same."""

    def test_the_longest_run_of_one_value_counts(self) -> None:
        series = [(0.0, 1.0), (1.0, 2.0), (4.0, 2.0), (5.0, 1.0), (6.0, 1.0)]
        assert longest_standstill(series) == 3.0

    @pytest.mark.parametrize("series", [[], [(1.0, 5.0)], [(0.0, 1.0), (9.0, 2.0)]])
    def test_silence_is_none(self, series: list[tuple[float, float]]) -> None:
        assert longest_standstill(series) == 0.0


class TestSlope:
    """The slope of the least-squares line."""

    def test_of_a_straight_line_it_is_the_line_s(self) -> None:
        assert slope([(x, 3 + 0.5 * x) for x in range(10)]) == pytest.approx(0.5)

    def test_of_scattered_points_it_is_the_best_fit_s(self) -> None:
        assert slope([(0, 1), (1, 3), (2, 2), (3, 5)]) == pytest.approx(1.1)

    def test_one_high_sample_at_the_end_counts_less_than_the_difference_of_the_ends(self) -> None:
        series = [(float(minute), 100.0) for minute in range(9)] + [(9.0, 110.0)]
        assert 0 < slope(series) < 10 / 9

    @pytest.mark.parametrize("series", [[], [(1.0, 5.0)], [(2.0, 5.0), (2.0, 9.0)]])
    def test_without_two_moments_there_is_none(self, series: list[tuple[float, float]]) -> None:
        assert slope(series) == 0.0
