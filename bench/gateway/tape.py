"""The floor's script: for each of a client's connections, the bytes to send after each frame."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from brokerage.relay.recording import Kind, Record, Recording
from brokerage.tws.framing import frame


@dataclass(frozen=True)
class Tape:
    """`answers[i]` is what a server sent between a client's frame i and i + 1; the offer is 0."""

    answers: tuple[bytes, ...]

    @classmethod
    def of(cls, records: Iterable[Record]) -> Self:
        """The tape of one recorded connection."""
        answers: list[bytearray] = []
        for record in records:
            if record.kind is Kind.TO_GATEWAY:
                answers.append(bytearray())
            elif record.kind is Kind.TO_CLIENT:
                answers[-1] += frame(record.payload)
        return cls(tuple(map(bytes, answers)))

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(map(len, self.answers))


def tapes(path: Path) -> list[Tape]:
    """The tapes of a recording, one for each connection."""
    return [Tape.of(records) for records in Recording.load(path).connections().values()]


def save(path: Path, kept: list[Tape]) -> None:
    """Write tapes where the floor's process finds them."""
    path.write_text(json.dumps([[b64encode(one).decode() for one in t.answers] for t in kept]))


def load(path: Path) -> list[Tape]:
    """Read them again."""
    return [Tape(tuple(map(b64decode, answers))) for answers in json.loads(path.read_text())]
