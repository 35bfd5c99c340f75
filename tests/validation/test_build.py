"""The version of the product: given, found, or unknown."""

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from validation import build


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    build.code_version.cache_clear()
    yield
    build.code_version.cache_clear()


def test_a_given_version_stands(settings: Any) -> None:
    settings.CODE_VERSION = "abc1234"
    assert build.code_version() == "abc1234"


def test_otherwise_it_is_the_working_copys_commit(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = subprocess.CompletedProcess([], 0, stdout="a" * 40 + "\n")
    settings.CODE_VERSION = ""
    monkeypatch.setattr(subprocess, "run", lambda *args, **options: done)
    assert build.code_version() == "a" * 40


def test_without_git_it_is_unknown(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_git(*args: Any, **options: Any) -> None:
        raise FileNotFoundError("git")

    settings.CODE_VERSION = ""
    monkeypatch.setattr(subprocess, "run", no_git)
    assert build.code_version() == "unknown"
