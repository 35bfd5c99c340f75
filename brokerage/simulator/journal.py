"""The day's journal: entries that are only ever added, in a file for each day.

How much of the file counts is written elsewhere, after the entries are on the disk. What lies
behind that was never told to anybody, and is written over.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

STEM, ENDING = "gateway.", ".jsonl"


class JournalError(Exception):
    """The journal is not what it was when it was last marked."""


@dataclass(frozen=True)
class Extent:
    """How much of which day's file counts, in bytes, and what these are."""

    day: str = "none"
    size: int = 0
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    @property
    def mark(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {"day": self.day, "size": self.size, "sha256": self.digest.hexdigest()}

    def after(self, content: bytes) -> "Extent":
        """With this behind it."""
        digest = self.digest.copy()
        digest.update(content)
        return Extent(self.day, self.size + len(content), digest)


class Journal:
    """Entries as lines of JSON; `entries` are those that were loaded, `extent` is what counts."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.entries: list[Any] = []
        self.extent = Extent()

    def path(self, day: str) -> Path:
        """The file of a day."""
        return self._directory / f"{STEM}{day}{ENDING}"

    def load(self, mark: Mapping[str, Any]) -> None:
        """Read what was marked; raises JournalError if that is not what the file holds."""
        day, size = str(mark["day"]), int(mark["size"])
        try:
            counted = self.path(day).read_bytes()[:size] if size else b""
        except OSError as error:
            raise JournalError(f"it cannot be read: {error.strerror}") from error
        self.extent = Extent(day).after(counted)
        if self.extent.mark != mark:
            raise JournalError("it is damaged")
        self.entries = [json.loads(line) for line in counted.splitlines()]

    def write(self, day: str, entries: Sequence[Any]) -> Extent:
        """Put entries on the disk behind those of this day; they count once `extent` is set.

        Raises OSError.
        """
        extent = self.extent if day == self.extent.day else Extent(day)
        if not entries:
            return extent
        lines = "".join(f"{json.dumps(one, separators=(',', ':'))}\n" for one in entries).encode()
        with self.path(day).open("r+b" if extent.size else "wb") as file:
            file.seek(extent.size)
            file.write(lines)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
        return extent.after(lines)

    def clean(self) -> None:
        """Remove the files of other days."""
        for other in self._directory.glob(f"{STEM}*{ENDING}"):
            if other != self.path(self.extent.day):
                other.unlink(missing_ok=True)
