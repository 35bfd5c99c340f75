"""Statistics: the published figures, and what small or unanswered samples must not claim."""

from math import inf, isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validation import statistics
from validation.statistics import Interval, Timed, four_digits


def timed(*values: float, unanswered: int = 0, limit: float = 5000.0) -> list[Timed]:
    return [*map(Timed, values), *[Timed(limit, censored=True)] * unanswered]


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(49, 50, 0.895, 0.996), (50, 50, 0.929, 1.0), (196, 200, 0.950, 0.992), (200, 200, 0.981, 1)],
)
def test_the_interval_of_a_share_is_wilsons(hits: int, n: int, low: float, high: float) -> None:
    found = statistics.wilson(hits, n)
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-4), pytest.approx(high, abs=5e-4))


@pytest.mark.parametrize(("misses", "trades"), [(0, 189), (1, 280), (2, 361), (3, 437)])
def test_the_trades_that_98_percent_needs(misses: int, trades: int) -> None:
    assert statistics.share_n_needed(misses, 0.98) == trades


def test_a_share_of_nothing_has_no_interval_and_proves_nothing() -> None:
    assert statistics.wilson(0, 0) == Interval(None, None)
    assert statistics.share_p(0, 0, 0.98) == 1.0


@pytest.mark.parametrize("hits", [170, 195, 199, 200])
def test_the_test_of_a_share_agrees_with_its_interval(hits: int) -> None:
    above = (statistics.wilson(hits, 200).low or 0) > 0.98
    assert (statistics.share_p(hits, 200, 0.98) < 0.025) is above


@pytest.mark.parametrize(
    ("percent", "value"), [(50, 5.0), (90, 9.0), (95, 10.0), (99, 10.0), (1, 1.0)]
)
def test_a_percentile_is_a_sample_of_nearest_rank(percent: float, value: float) -> None:
    assert statistics.percentile(timed(*range(1, 11)), percent) == Timed(value)


def test_the_nearest_rank_of_a_whole_number_is_that_sample() -> None:
    assert statistics.percentile(timed(*range(1, 21)), 95).value == 19


@pytest.mark.parametrize(("percent", "least"), [(95, 59), (99, 299)])
def test_an_upper_bound_needs_so_many_samples(percent: float, least: int) -> None:
    assert statistics.percentile_interval(timed(*range(least - 1)), percent).high is None
    assert statistics.percentile_interval(timed(*range(least)), percent).high == least - 1
    assert statistics.percentile_n_needed(0, percent) == least


def test_more_samples_are_needed_when_some_are_above_the_bar() -> None:
    assert statistics.percentile_n_needed(1, 95) == 93
    assert statistics.percentile_n_needed(2, 95) == 124


def test_many_samples_above_the_bar_are_no_overflow() -> None:
    needed = statistics.percentile_n_needed(500, 95)
    assert needed is not None
    assert 10_500 < needed < 11_000
    assert statistics.percentile_interval(timed(*range(5000)), 95).high == 4775


def test_an_unanswered_order_is_longer_than_every_answered_one() -> None:
    samples = timed(*[10.0] * 18, 9000.0, unanswered=1, limit=5000.0)
    assert statistics.percentile(samples, 100) == Timed(5000.0, censored=True)
    assert statistics.percentile(samples, 95) == Timed(9000.0)


def test_dropping_unanswered_orders_would_have_looked_better() -> None:
    answered, all_of_them = timed(*[10.0] * 90), timed(*[10.0] * 90, unanswered=10)
    assert statistics.percentile(answered, 95) == Timed(10.0)
    assert statistics.percentile(all_of_them, 95).censored
    assert statistics.percentile_interval(all_of_them, 95).high == inf


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=400), st.sampled_from([50, 90, 95, 99]))
def test_the_percentile_lies_between_its_bounds(values: list[float], percent: int) -> None:
    samples = timed(*values)
    found, at = (
        statistics.percentile_interval(samples, percent),
        statistics.percentile(samples, percent).value,
    )
    assert found.low is None or found.low <= at
    assert found.high is None or at <= found.high


@pytest.mark.parametrize("n", [58, 59, 200])
def test_the_test_of_a_percentile_agrees_with_its_bound(n: int) -> None:
    samples = timed(*[10.0] * n)
    bounded = (statistics.percentile_interval(samples, 95).high or inf) < 200
    assert (statistics.percentile_p(samples, 95, 200) <= 0.05) is bounded


def test_the_bounds_of_a_median_are_the_tables_ranks() -> None:
    # n = 20: the 6th and the 15th value, each with at least 95 %.
    assert statistics.percentile_interval(timed(*range(1, 21)), 50) == Interval(6, 15)


@pytest.mark.parametrize(
    ("freedom", "quantile"), [(1, 12.706), (2, 4.303), (9, 2.262), (10, 2.228), (120, 1.980)]
)
def test_students_quantiles_are_the_tables(freedom: int, quantile: float) -> None:
    assert statistics.student(0.975, freedom) == pytest.approx(quantile, abs=6e-4)


def test_the_interval_of_an_average() -> None:
    found = statistics.mean_interval([10.0, 12.0, 14.0])
    assert found.low == pytest.approx(7.032, abs=1e-3)
    assert found.high == pytest.approx(16.968, abs=1e-3)
    assert statistics.mean_interval([10.0]) == Interval(None, None)


def test_the_test_of_an_average_agrees_with_its_interval() -> None:
    values = [10.0, 12.0, 14.0]
    assert statistics.mean_p(values, 16.968) == pytest.approx(0.025, abs=1e-4)
    assert statistics.mean_p([5.0, 5.0], 6.0) == 0.0


def test_an_average_above_its_bar_needs_no_more_samples_but_another_bot() -> None:
    assert statistics.mean_n_needed([10.0, 12.0], 9.0) is None
    assert statistics.mean_n_needed([10.0, 12.0, 14.0], 12.5) == 64


def test_equal_runs_have_a_ratio_about_one() -> None:
    run = {"OE-01": [float(n) for n in range(20, 120)]}
    found = statistics.p95_ratio_interval(run, run)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 1 < found.high
    assert found.low > 0.9
    assert found.high < 1.1


def test_a_doubled_latency_is_found_and_the_seed_decides_the_draws() -> None:
    run = {"OE-01": [float(2 * n) for n in range(20, 120)]}
    baseline = {"OE-01": [float(n) for n in range(20, 120)]}
    found = statistics.p95_ratio_interval(run, baseline, seed=7)
    assert (found.low or 0) > 1.25
    assert statistics.p95_ratio_interval(run, baseline, seed=7) == found
    assert statistics.p95_ratio_interval(run, baseline, seed=8) != found


def test_a_ratio_without_a_baseline_is_unknown() -> None:
    assert statistics.p95_ratio_interval({"OE-01": [1.0]}, {}) == Interval(None, None)


def test_each_scenario_keeps_its_share_of_a_redrawn_run() -> None:
    run = {"fast": [1.0] * 94, "slow": [100.0] * 6}
    assert statistics.p95_ratio_interval(run, run) == Interval(1.0, 1.0)


def test_the_probabilistic_sharpe_ratio_of_its_paper() -> None:
    # Bailey and López de Prado (2012): 24 monthly observations, 0.458 a month.
    assert statistics.probabilistic_sharpe(0.458, 0.0, 24) == pytest.approx(0.982, abs=1e-3)
    assert statistics.probabilistic_sharpe(0.458, 0.0, 24, -2.448, 10.164) == pytest.approx(
        0.913, abs=1e-3
    )


def test_the_minimum_track_record() -> None:
    assert statistics.minimum_track_record(0.458, 0.0) == pytest.approx(15.25, abs=0.01)
    assert statistics.minimum_track_record(0.1, 0.1) is None


def test_holms_correction() -> None:
    found = statistics.holm({"a": 0.01, "b": 0.04, "c": 0.03})
    assert found == {"a": pytest.approx(0.03), "c": pytest.approx(0.06), "b": pytest.approx(0.06)}


@pytest.mark.parametrize(("passes", "bound"), [(0, 1.0), (5, 0.45), (10, 0.26), (59, 0.05)])
def test_straight_passes_bound_the_failure_rate(passes: int, bound: float) -> None:
    assert isclose(statistics.flakiness_bound(passes), bound, abs_tol=0.005)


def test_how_many_passes_a_bound_needs() -> None:
    assert statistics.passes_needed(0.05) == 59


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1.23456, "1.235"),
        (9999.4, "9999"),
        (9999.6, "10,000"),
        (30_000.0, "30,000"),
        (-1e6, "-1,000,000"),
    ],
)
def test_a_figure_has_four_digits_or_is_whole(value: float, shown: str) -> None:
    assert four_digits(value) == shown
