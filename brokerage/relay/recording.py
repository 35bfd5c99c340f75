"""The file of the flight recorder: what it consists of, and how it is written and read.

A gzip stream (`zcat` opens it) of a line that names the format and then records, each a kind (one
byte), the connection's number, seconds since the start (monotonic) and so many bytes. The first
record is the header. The stream is flushed often, so a file that was cut off reads up to the cut.
"""

import json
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Self

MAGIC = b"crucible recording 1\n"
HEAD = struct.Struct(">cIdI")
GZIP = 31  # zlib's word for a gzip wrapper
CHUNK = 64 * 1024


class RecordingError(Exception):
    """A file that is no recording."""


class Kind(Enum):
    """What a record tells."""

    HEADER = b"H"  # JSON: started (UTC), gateway, redacted
    OPENED = b"O"  # JSON: client, gateway
    TO_GATEWAY = b">"  # a whole frame's payload
    TO_CLIENT = b"<"  # a whole frame's payload
    GREETING = b"A"  # the bytes before the client's first frame
    OPAQUE = b"?"  # JSON: bytes that make no frame
    NOTE = b"N"  # JSON: text, such as a fault switched on
    CLOSED = b"X"  # JSON: how


class Details(dict[str, Any]):
    """What a record tells in JSON; raises RecordingError for what it should tell and does not."""

    def __missing__(self, key: str) -> Any:
        raise RecordingError(f"a record does not tell {key!r}")


@dataclass(frozen=True)
class Record:
    """One thing that happened; `at` in seconds since the recording's start."""

    kind: Kind
    connection: int  # from 1; 0: the whole relay
    at: float
    payload: bytes

    @property
    def details(self) -> Details:
        """The payload of a record that is JSON; raises RecordingError if it is not."""
        try:
            return Details(json.loads(self.payload))
        except (TypeError, ValueError):
            raise RecordingError(f"the record at {self.at:.6f} s is damaged") from None


def packed(record: Record) -> bytes:
    """A record as it stands in the stream."""
    head = HEAD.pack(record.kind.value, record.connection, record.at, len(record.payload))
    return head + record.payload


class Writer:
    """Writes records to a new file; raises OSError."""

    def __init__(self, path: Path) -> None:
        """Raises FileExistsError rather than overwrite a recording."""
        self._file = path.open("xb")
        self._zip = zlib.compressobj(6, zlib.DEFLATED, GZIP)
        self._file.write(self._zip.compress(MAGIC))

    def write(self, record: Record) -> None:
        """Append a record; it is safe after the next `flush`."""
        self._file.write(self._zip.compress(packed(record)))

    def flush(self) -> None:
        """Make what has been written readable, whatever happens next."""
        self._file.write(self._zip.flush(zlib.Z_SYNC_FLUSH))
        self._file.flush()

    def close(self) -> None:
        """End the file."""
        self._file.write(self._zip.flush(zlib.Z_FINISH))
        self._file.close()


def read(path: Path) -> Iterator[Record]:
    """Records in order, as far as the file goes; raises RecordingError for any other file."""
    stream = _unzipped(path)
    buffer = bytearray()
    while len(buffer) < len(MAGIC) and (more := next(stream, b"")):
        buffer += more
    if not buffer.startswith(MAGIC):
        raise RecordingError(f"{path.name} is not a recording")
    del buffer[: len(MAGIC)]
    yield from _records(buffer)
    for data in stream:
        buffer += data
        yield from _records(buffer)


def opened(path: Path) -> tuple[dict[str, Any], Iterator[Record]]:
    """The header and the records after it; raises OSError, RecordingError."""
    records = read(path)
    header = next(records, None)
    if header is None or header.kind is not Kind.HEADER:
        raise RecordingError(f"{path.name} has no header")
    return header.details, records


def _unzipped(path: Path) -> Iterator[bytes]:
    unzip = zlib.decompressobj(GZIP)
    with path.open("rb") as file:
        while data := file.read(CHUNK):
            before = unzip.copy()
            try:
                yield unzip.decompress(data)
            except zlib.error:  # damaged from somewhere on: what came before stands
                yield from _sound(before, data)
                return


def _sound(unzip: "zlib._Decompress", data: bytes) -> Iterator[bytes]:
    """What comes out of damaged bytes up to the damage."""
    with suppress(zlib.error):
        for byte in data:
            if sound := unzip.decompress(bytes([byte])):
                yield sound


def _records(buffer: bytearray) -> Iterator[Record]:
    """Whole records; they are taken out of the buffer."""
    at = 0
    try:
        while len(buffer) - at >= HEAD.size:
            kind, connection, seconds, length = HEAD.unpack_from(buffer, at)
            end = at + HEAD.size + length
            if len(buffer) < end:
                return
            payload = bytes(buffer[at + HEAD.size : end])
            at = end
            yield Record(_kind(kind), connection, seconds, payload)
    finally:
        del buffer[:at]


def _kind(byte: bytes) -> Kind:
    try:
        return Kind(byte)
    except ValueError:
        raise RecordingError(f"{byte!r} is no kind of record") from None


@dataclass
class Recording:
    """A whole recording in memory."""

    header: dict[str, Any]
    records: list[Record] = field(default_factory=list)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a file; raises OSError, RecordingError."""
        header, records = opened(path)
        return cls(header, list(records))

    def connections(self) -> dict[int, list[Record]]:
        """Each connection's records, in the order in which they were opened."""
        tracks: dict[int, list[Record]] = {}
        for record in self.records:
            if record.connection:
                tracks.setdefault(record.connection, []).append(record)
        return tracks
