"""What was looked at, and what lies between looks that are far apart."""

from validation.scenarios.looks import Looks


def looked(*moments: float, speed: float = 1.0, until: float = 100.0) -> Looks:
    looks = Looks(0.0, speed)
    for moment in moments:
        looks.add(moment)
    looks.end(until)
    return looks


def test_time_between_looks_that_are_near_is_seen() -> None:
    looks = looked(*range(1, 101))
    assert (looks.seen, looks.longest, looks.missed) == (100.0, 1.0, 0.0)
    assert looks.enough(100.0)


def test_a_gap_is_not_seen_and_a_little_of_it_is_borne() -> None:
    looks = looked(*range(1, 11), *range(60, 101))
    assert (looks.seen, looks.longest) == (50.0, 50.0)
    assert not looks.enough(100.0)
    assert looked(*range(1, 301), *range(311, 401), until=400.0).enough(400.0)


def test_the_time_after_the_last_look_is_a_gap_as_well() -> None:
    assert looked(1.0).seen == 1.0
    assert looked(*range(1, 30), until=100.0).longest == 71.0


def test_without_a_look_nothing_is_seen_however_short_it_was() -> None:
    looks = looked(until=5.0)
    assert looks.seen == 0.0
    assert not looks.enough(0.0)


def test_a_fast_clock_leaves_a_busy_machine_real_seconds() -> None:
    assert looked(100.0, speed=50.0).seen == 100.0
    assert (looked(speed=1.0).limit, looked(speed=50.0).limit) == (60.0, 300.0)
