"""The state file: whole or not there, one gateway at a time, and never lost to a bad start."""

import json
import os
from pathlib import Path

import pytest

from brokerage.simulator import state as module
from brokerage.simulator.state import NAME, StateError, StateFile

STATE = {"ids": {"orders": {"1": 105}}, "name": "é"}


def saved(directory: Path, state: dict = STATE) -> Path:
    """A state file as a gateway left it."""
    file = StateFile(directory)
    file.save(state)
    file.close()
    return directory / NAME


def loaded(directory: Path) -> dict | None:
    """What the next gateway finds."""
    file = StateFile(directory)
    try:
        return file.load()
    finally:
        file.close()


def test_what_was_saved_is_loaded(tmp_path):
    saved(tmp_path / "new" / "directory")
    assert loaded(tmp_path / "new" / "directory") == STATE


def test_a_new_directory_has_no_state(tmp_path):
    assert loaded(tmp_path) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b'{"a": 1}',
        b'{"format":"other","sha256":"","state":{}}',
        b"[" * 100_000,
    ],
)
def test_a_foreign_file_is_refused_and_left_alone(tmp_path, content):
    path = tmp_path / NAME
    path.write_bytes(content)
    with pytest.raises(StateError, match="Move it away"):
        loaded(tmp_path)
    assert path.read_bytes() == content


def test_every_truncation_and_a_changed_digit_is_noticed(tmp_path):
    path = saved(tmp_path)
    whole = path.read_bytes()
    damaged = [whole[:length] for length in range(0, len(whole) - 1, 7)]
    for content in [*damaged, whole.replace(b"105", b"106")]:
        path.write_bytes(content)
        with pytest.raises(StateError):
            loaded(tmp_path)


def test_two_gateways_cannot_share_a_directory(tmp_path):
    first = StateFile(tmp_path)
    with pytest.raises(StateError, match="Another gateway"):
        StateFile(tmp_path)
    first.close()
    StateFile(tmp_path).close()


def test_a_failed_write_leaves_the_old_state(tmp_path, monkeypatch):
    saved(tmp_path)
    file = StateFile(tmp_path)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "fsync", full)
    with pytest.raises(StateError, match="No space left"):
        file.save({"ids": {}})
    file.close()
    monkeypatch.undo()
    assert loaded(tmp_path) == STATE


def test_the_new_state_is_on_the_disk_before_it_replaces_the_old(tmp_path, monkeypatch):
    steps = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(module.os, "fsync", lambda file: (steps.append("sync"), fsync(file)))
    monkeypatch.setattr(
        Path, "replace", lambda self, to: (steps.append("replace"), replace(self, to))
    )
    saved(tmp_path)
    assert steps == ["sync", "replace", "sync"]


def test_an_unchanged_state_is_not_written_again(tmp_path):
    file = StateFile(tmp_path)
    file.save(STATE)
    written = file.path.stat().st_mtime_ns
    file.save(json.loads(json.dumps(STATE)))
    file.close()
    assert file.path.stat().st_mtime_ns == written


def test_a_directory_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="file/state cannot be used"):
        StateFile(tmp_path / "file" / "state")


def test_a_days_news_are_added_to_its_journal_and_loaded(tmp_path):
    file = StateFile(tmp_path)
    file.save(STATE, "2026-11-23", [{"a": 1}])
    file.save(STATE, "2026-11-23", [{"b": 2}, {"c": 3}])
    file.close()
    again = StateFile(tmp_path)
    assert again.load() == STATE
    assert again.journal.entries == [{"a": 1}, {"b": 2}, {"c": 3}]
    again.save(STATE, "2026-11-24", [{"d": 4}])
    assert [path.name for path in tmp_path.glob("*.jsonl")] == ["gateway.2026-11-24.jsonl"]
    again.close()


def test_news_that_were_not_kept_the_first_time_are_kept_once(tmp_path, monkeypatch):
    def refuse(self, to):
        raise OSError(28, "No space left on device")

    file = StateFile(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", refuse)
        with pytest.raises(StateError, match="No space left"):
            file.save(STATE, "2026-11-23", [{"a": 1}])
    file.save(STATE, "2026-11-23", [{"a": 1}])
    file.close()
    again = StateFile(tmp_path)
    again.load()
    again.close()
    assert again.journal.entries == [{"a": 1}]


def test_the_journal_is_on_the_disk_before_the_state_that_counts_it(tmp_path, monkeypatch):
    steps = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(module.os, "fsync", lambda file: (steps.append("sync"), fsync(file)))
    monkeypatch.setattr(
        Path, "replace", lambda self, to: (steps.append("replace"), replace(self, to))
    )
    file = StateFile(tmp_path)
    file.save(STATE, "2026-11-23", [{"a": 1}])
    file.close()
    assert steps == ["sync", "sync", "replace", "sync"]


def test_the_state_of_another_release_is_refused_and_left_alone(tmp_path):
    path = saved(tmp_path)
    older = path.read_bytes().replace(b"state 2", b"state 1")
    path.write_bytes(older)
    with pytest.raises(StateError, match="state 1; this one reads crucible-gateway state 2"):
        loaded(tmp_path)
    assert path.read_bytes() == older
