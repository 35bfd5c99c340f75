"""Frames: a big-endian length and so many bytes of NUL-terminated fields."""

from collections.abc import Iterable, Iterator

MAX_LENGTH = 0xFFFFFF  # what the official client accepts


class FramingError(Exception):
    """The byte stream cannot be cut into frames any more; the connection is beyond repair."""


def frame(payload: bytes) -> bytes:
    """The payload behind its length; raises FramingError when it is too long for any client."""
    if len(payload) > MAX_LENGTH:
        raise FramingError(f"a frame of {len(payload)} bytes is too long")
    return len(payload).to_bytes(4, "big") + payload


def join(fields: Iterable[str]) -> bytes:
    """Fields as a payload, each with its NUL; a NUL inside a field would forge another one."""
    return "".join(field.replace("\0", "") + "\0" for field in fields).encode("utf-8", "replace")


def split(payload: bytes) -> list[str]:
    """A payload's fields; bytes that are no UTF-8 are replaced, a missing last NUL is forgiven."""
    fields = payload.decode("utf-8", "replace").split("\0")
    return fields[:-1] if fields[-1] == "" else fields


class Frames:
    """Collects received bytes and yields each payload once it is whole."""

    def __init__(self, limit: int = MAX_LENGTH) -> None:
        self.limit = limit
        self._buffer = bytearray()

    @property
    def pending(self) -> int:
        """Bytes received that do not make a whole frame yet."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Add received bytes."""
        self._buffer += data

    def drain(self) -> bytes:
        """What makes no whole frame yet; it counts as taken."""
        data = bytes(self._buffer)
        self._buffer.clear()
        return data

    def take_prefix(self, prefix: bytes) -> bool:
        """Consume a fixed prefix; False while incomplete; raises FramingError if it differs."""
        head = bytes(self._buffer[: len(prefix)])
        if not prefix.startswith(head):
            raise FramingError(f"expected {prefix!r}, got {head!r}")
        if len(head) < len(prefix):
            return False
        del self._buffer[: len(prefix)]
        return True

    def __iter__(self) -> Iterator[bytes]:
        """Whole payloads in order; raises FramingError for an absurd length."""
        while (payload := self.take()) is not None:
            yield payload

    def take(self) -> bytes | None:
        """The next whole payload, or None; raises FramingError for an absurd length."""
        if len(self._buffer) < 4:
            return None
        length = int.from_bytes(self._buffer[:4], "big")
        if length == 0 or length > self.limit:
            raise FramingError(f"a frame of {length} bytes is not acceptable")
        if len(self._buffer) < 4 + length:
            return None
        payload = bytes(self._buffer[4 : 4 + length])
        del self._buffer[: 4 + length]
        return payload
