"""How busy the machine is: averages over a minute, and unknown where a minute was not seen."""

from pathlib import Path

import pytest

from validation.host_load import (
    HostSample,
    averages,
    carried,
    carry,
    machine,
    memory_share,
    processor_ticks,
    sample,
)

NOW = 1_000_000.0


def minute(every: float = 5.0, seconds: float = 60.0) -> list[HostSample]:
    """Samples up to now of a machine that is 30 % busy and uses half of its memory."""
    count = round(seconds / every)
    ages = [every * number for number in range(count, -1, -1)]
    return [HostSample(NOW - age, 30.0 * (1000 - age), 100.0 * (1000 - age), 0.5) for age in ages]


def test_a_minute_of_samples_gives_its_averages() -> None:
    found = averages(minute(), NOW)
    assert found.processors == pytest.approx(0.3)
    assert found.memory == pytest.approx(0.5)


def test_a_short_burst_is_averaged_over_the_minute() -> None:
    idle = [HostSample(NOW - age, 0.0, 100.0 * (1000 - age), 0.2) for age in range(60, 5, -5)]
    busy = [HostSample(NOW - age, 100.0 * (5 - age), 100.0 * (1000 - age), 0.8) for age in (5, 0)]
    found = averages([*idle, *busy], NOW)
    assert found.processors == pytest.approx(5 / 60)
    assert found.memory is not None
    assert 0.2 < found.memory < 0.4


@pytest.mark.parametrize(
    "samples",
    [
        [],
        minute(seconds=40),
        minute(every=30),
        [one for one in minute() if one.at < NOW - 20.1],
        [one for one in minute() if not NOW - 40 < one.at < NOW - 19],
        [HostSample(one.at, 1.0, 1.0, 0.5) for one in minute()],
    ],
    ids=["none", "too short", "too far apart", "too old", "a gap", "counters that stand still"],
)
def test_what_does_not_cover_the_minute_is_unknown(samples: list[HostSample]) -> None:
    found = averages(samples, NOW)
    assert (found.processors, found.memory) == (None, None)
    assert "Too few samples" in found.why


def test_a_heartbeat_carries_the_last_minute_and_no_more() -> None:
    content: dict[str, object] = {}
    for one in minute(seconds=300):
        content = carry(content, "boot-1", one)
    assert len(content["samples"]) == 13  # type: ignore[arg-type]
    assert carried(content, "boot-1", NOW).processors == pytest.approx(0.3)


def test_samples_of_another_machine_say_nothing_of_this_one() -> None:
    content = {"machine": "boot-1", "samples": [[NOW, 1.0, 2.0, 0.1]]}
    assert "Nobody takes samples" in carried(content, "boot-2", NOW).why
    assert len(carry(content, "boot-2", minute()[0])["samples"]) == 1


def test_a_system_that_tells_nothing_is_unknown(tmp_path: Path) -> None:
    assert sample(tmp_path) is None
    assert carry({"machine": "", "samples": []}, machine(tmp_path), None) == {}
    assert "can't be read" in carried({}, machine(tmp_path), NOW).why


def test_the_counters_are_read_as_the_kernel_writes_them(tmp_path: Path) -> None:
    (tmp_path / "stat").write_text("cpu  10 1 5 80 4 0 0 0 7 0\ncpu0 1 2 3 4\n")
    (tmp_path / "meminfo").write_text("MemTotal: 1000 kB\nMemAvailable: 250 kB\n")
    found = sample(tmp_path)
    assert found is not None
    assert (found.busy, found.total, found.memory) == (16.0, 100.0, 0.75)


@pytest.mark.parametrize("text", ["", "cpu", "cpu 1 2 3", "cpu a b c d e f g h", "intr 1 2 3 4 5"])
def test_counters_that_are_none_are_not_taken(text: str) -> None:
    assert processor_ticks(text) is None


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable: 250 kB\n", 0.75),
        ("MemTotal: 1000 kB\n", None),
        ("MemTotal: 0 kB\nMemAvailable: 0 kB\n", None),
        ("", None),
    ],
)
def test_the_share_of_memory_in_use(text: str, share: float | None) -> None:
    assert memory_share(text) == share
