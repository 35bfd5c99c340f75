"""What a gateway keeps over restarts, in a file that is whole or not there, beside a journal.

The file is replaced at once and synchronised with the disk before anybody is told what it holds,
so neither a killed process nor a lost machine brings back an id that was used. The day's journal
is written before the file that says how much of it counts. One gateway at a time may have the
directory. A file that is damaged, or is not ours, is left as it is: the gateway refuses to start
and says so.
"""

import hashlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from brokerage.simulator.journal import Journal, JournalError

if sys.platform != "win32":
    import fcntl

KIND, RELEASE = "crucible-gateway state", 2
FORMAT = f"{KIND} {RELEASE}"
NAME, LOCK = "gateway.json", "gateway.lock"


class StateError(Exception):
    """The state cannot be read or kept; the text says what to do."""


class StateFile:
    """The state of one gateway in a directory, which is made if it is missing."""

    def __init__(self, directory: Path) -> None:
        """Raises StateError when the directory cannot be used or another gateway has it."""
        self.path, self.journal = directory / NAME, Journal(directory)
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
        """What was saved last, None if nothing was; raises StateError for anything else.

        The journal then has the entries of the day that it was saved on.
        """
        try:
            content = json.loads(self.path.read_bytes())
            state = content["state"]
            _check_release(self.path, content["format"])
            sound = content["sha256"] == _digest(_text(state))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateError(f"{self.path} cannot be read: {error}") from error
        except (KeyError, TypeError, ValueError, RecursionError):
            sound = False
        if not sound or not isinstance(state, dict):
            raise StateError(unusable(self.path, "it is damaged, or not a gateway's state"))
        mark = state.pop("journal")
        try:
            self.journal.load(mark)
        except JournalError as error:
            raise StateError(unusable(self.journal.path(mark["day"]), str(error))) from error
        return state

    def save(self, state: dict[str, Any], day: str = "none", news: Sequence[Any] = ()) -> None:
        """Keep the state, if it differs, and add the news to the journal of the day.

        Raises StateError when the disk refuses.
        """
        try:
            extent = self.journal.write(day, news)
            text = _text(state | {"journal": extent.mark})
            if text == self._saved:
                return
            content = f'{{"format":"{FORMAT}","sha256":"{_digest(text)}","state":{text}}}\n'
            _replace(self.path, content.encode())
            self.journal.extent = extent
            self.journal.clean()
        except OSError as error:
            raise StateError(f"The state cannot be written to {self.path}: {error}") from error
        self._saved = text

    def close(self) -> None:
        """Let another gateway have the directory."""
        self._lock.close()


def _check_release(path: Path, written: Any) -> None:
    """Raises StateError for the state of another release, ValueError for what is no state."""
    if not isinstance(written, str) or not written.startswith(f"{KIND} "):
        raise ValueError(written)
    if written != FORMAT:
        reason = f"another release of the gateway wrote it ({written}; this one reads {FORMAT})"
        raise StateError(unusable(path, reason))


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
