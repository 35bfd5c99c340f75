"""What a gateway keeps over restarts, in one file that is whole or not there.

The file is replaced at once and synchronised with the disk before anybody is told what it holds,
so neither a killed process nor a lost machine brings back an id that was used. One gateway at a
time may have the directory. A file that is damaged, or is not ours, is left as it is: the gateway
refuses to start and says so.
"""

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import IO, Any

if sys.platform != "win32":
    import fcntl

FORMAT = "crucible-gateway state 1"
NAME, LOCK = "gateway.json", "gateway.lock"


class StateError(Exception):
    """The state cannot be read or kept; the text says what to do."""


class StateFile:
    """The state of one gateway in a directory, which is made if it is missing."""

    def __init__(self, directory: Path) -> None:
        """Raises StateError when the directory cannot be used or another gateway has it."""
        self.path = directory / NAME
        self._saved = ""
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(directory / LOCK)
        except BlockingIOError:
            text = f"Another gateway is using {directory}; give each a state directory of its own."
            raise StateError(text) from None
        except OSError as error:
            text = f"{directory} cannot be used for the state: {error.strerror}."
            raise StateError(text) from error

    def load(self) -> dict[str, Any] | None:
        """What was saved last, None if nothing was; raises StateError for anything else."""
        try:
            content = json.loads(self.path.read_bytes())
            state = content["state"]
            sound = content["format"] == FORMAT and content["sha256"] == _digest(_text(state))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateError(f"{self.path} cannot be read: {error}") from error
        except (KeyError, TypeError, ValueError, RecursionError):
            sound = False
        if not sound or not isinstance(state, dict):
            raise StateError(unusable(self.path, "it is damaged, or not a gateway's state"))
        self._saved = _text(state)
        return state

    def save(self, state: dict[str, Any]) -> None:
        """Keep the state, if it differs; raises StateError when the disk refuses."""
        text = _text(state)
        if text == self._saved:
            return
        content = f'{{"format":"{FORMAT}","sha256":"{_digest(text)}","state":{text}}}\n'
        try:
            _replace(self.path, content.encode())
        except OSError as error:
            raise StateError(f"The state cannot be written to {self.path}: {error}") from error
        self._saved = text

    def close(self) -> None:
        """Let another gateway have the directory."""
        self._lock.close()


def unusable(path: Path, reason: str) -> str:
    """What to tell whoever starts a gateway on such a file."""
    return f"{path} cannot be used: {reason}. Move it away, or choose another state directory."


def _locked(path: Path) -> IO[bytes]:
    """The open lock file; raises BlockingIOError while another process has it."""
    file = path.open("ab")
    if sys.platform != "win32":
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise
    return file


def _text(state: Any) -> str:
    return json.dumps(state, separators=(",", ":"), sort_keys=True)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _replace(path: Path, content: bytes) -> None:
    """Write beside the file, synchronise, and put it in its place."""
    beside = path.with_suffix(".new")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    if sys.platform != "win32":
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
