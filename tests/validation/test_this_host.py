"""What the process knows of its host: its own memory, and whether the clock is kept."""

import ctypes
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from validation import host_clock, memory


def test_memory_grows_with_what_is_kept() -> None:
    before = memory.resident_mb()
    kept = bytearray(b"x") * (32 * memory.MEGABYTE)
    grown = memory.resident_mb() - before
    assert len(kept) == 32 * memory.MEGABYTE
    assert 24 < grown < 64


def test_without_a_present_figure_the_highest_one_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(memory, "STATM", tmp_path / "none")
    assert memory.resident_mb() == pytest.approx(memory._highest_mb())
    assert memory.resident_mb() > 10


@pytest.mark.parametrize(("state", "kept"), [(0, True), (5, False), (-1, None)])
def test_the_kernel_s_word_on_the_clock(
    monkeypatch: pytest.MonkeyPatch, state: int, kept: bool | None
) -> None:
    library: Any = SimpleNamespace(adjtimex=lambda _: state)
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: library)
    assert host_clock.synchronised() is kept


def test_a_kernel_that_can_not_be_asked_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing: Any = SimpleNamespace()
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: nothing)
    assert host_clock.synchronised() is None
