"""Noise can be asked anywhere and answers the same whatever range it is asked in."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from brokerage.simulator.market.noise import Path, normal, stream_key, uniform, whole

KEY = stream_key(7, 756733, 1)
TICKS = st.integers(6_000_000_000, 9_000_000_000)  # 2017 to 2041


@given(TICKS, st.integers(0, 300), st.integers(1, 300), st.integers(0, 1000))
def test_a_path_is_the_same_in_whatever_range_it_is_asked(first, lead, length, seed):
    path = Path(seed, 756733, 0.2)
    wide = path.between(first - lead, first + length + 7)
    assert path.between(first, first + length).tolist() == wide[lead : lead + length].tolist()


@given(TICKS)
def test_seed_and_instrument_change_the_path(first):
    paths = [Path(*of, 0.2).between(first, first + 4).tolist() for of in ((7, 1), (7, 2), (8, 1))]
    assert paths[0] != paths[1] != paths[2] != paths[0]


def test_a_path_moves_as_its_volatility_says():
    step = np.diff(Path(7, 756733, 0.2).between(7_000_000_000, 7_000_200_000))
    per_year = step.std() * (4 * 365 * 86400) ** 0.5
    assert 0.19 < per_year < 0.21


def test_a_path_stays_near_its_reference_for_years():
    days = range(6_900_000_000, 7_500_000_000, 4 * 86400)
    values = [Path(7, 756733, 0.14).between(day, day + 1)[0] for day in days]
    assert max(abs(value) for value in values) < 0.12


def test_normal_numbers_are_centred_and_bounded():
    values = normal(KEY, np.arange(100_000))
    assert abs(values.mean()) < 0.01
    assert abs(values.std() - 1) < 0.01
    assert abs(values).max() < 3.5


def test_uniform_numbers_fill_the_unit_interval():
    values = uniform(KEY, np.arange(100_000))
    assert 0 <= values.min() < 0.001
    assert 0.999 < values.max() < 1
    assert abs(values.mean() - 0.5) < 0.01


def test_whole_numbers_take_both_ends():
    assert set(whole(KEY, np.arange(1000), 3, 6).tolist()) == {3, 4, 5, 6}
