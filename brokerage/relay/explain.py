"""Prints a recording as readable messages, with errors and gaps marked and a summary at the end."""

from collections.abc import Iterator
from pathlib import Path

from brokerage.relay.recording import Kind, Record, opened
from brokerage.relay.summary import Summary
from brokerage.relay.wire import Seen, see, welcome
from brokerage.tws.messages import Error
from brokerage.tws.wording import words

GAP = 5.0  # seconds of silence from the gateway that are worth a line
NOTICES = range(2100, 2200)
MOST = 1000  # characters of a message
MOST_FIELDS = 40  # of a message without a layout; the rest is counted
ARROWS = {Kind.TO_GATEWAY: "-->", Kind.TO_CLIENT: "<--"}


def explain(path: Path, gap: float = GAP) -> Iterator[str]:
    """Lines without ends; `gap` in seconds. Raises OSError, RecordingError."""
    about, records = opened(path)
    redacted = "redacted" if about["redacted"] else "NOT REDACTED"
    yield f"Recorded from {about['started']}, gateway {about['gateway'] or '?'}, {redacted}"
    yield "--> to the gateway, <-- to the client; #connection; seconds since the start"
    explainer = Explainer(gap)
    for record in records:
        yield from explainer.lines(record)
    yield from explainer.summary.lines()


class Explainer:
    """Turns records into lines; remembers versions and the last sign of life."""

    def __init__(self, gap: float) -> None:
        self.summary = Summary()
        self._gap = gap
        self._versions: dict[int, int] = {}
        self._heard: dict[int, float] = {}
        self._greeted: set[int] = set()

    def lines(self, record: Record) -> Iterator[str]:
        """One line for the record, after one for the silence before it."""
        yield from self._silence(record)
        stamp = f"{record.at:12.6f} #{record.connection or '-'}"
        if record.kind in ARROWS:
            yield f"{stamp} {ARROWS[record.kind]} {self._frame(record)}"
        else:
            yield f"{stamp}  *  {_event(record)}"

    def _silence(self, record: Record) -> Iterator[str]:
        number = record.connection
        if record.kind not in {Kind.TO_CLIENT, Kind.CLOSED}:
            return
        since = self._heard.get(number, record.at)
        if record.at - since > self._gap:
            yield f"{'':12} #{number}  ~  silence of {record.at - since:.1f} s from the gateway"
            self.summary.silences.append((number, record.at - since))
        self._heard[number] = record.at

    def _frame(self, record: Record) -> str:
        number, to_gateway = record.connection, record.kind is Kind.TO_GATEWAY
        if to_gateway and number not in self._greeted:
            self._greeted.add(number)
            return f"Offer {record.payload.decode('utf-8', 'replace')}"
        if not to_gateway and number not in self._versions:
            self._versions[number] = welcome(record.payload)
            return f"Welcome version {self._versions[number]}, {_plain(record.payload)[-1]}"
        version = self._versions.get(number, 0)
        seen = see(record.payload, to_gateway, version)
        self.summary.add(record, seen, to_gateway, version)
        return ("!! " if _is_trouble(seen) else "") + _shown(seen, record)


def _is_trouble(seen: Seen) -> bool:
    return isinstance(seen.message, Error) and seen.message.code not in NOTICES


def _shown(seen: Seen, record: Record) -> str:
    """The fields by name; without a layout, by position; protobuf by its length."""
    if seen.message is not None:
        return words(seen.message, MOST)
    name = seen.name or f"message {seen.number}"
    if seen.protobuf:
        return f"{name} (protobuf, {len(record.payload) - 4} bytes)"
    more = len(seen.fields) - 1 - MOST_FIELDS
    shown = " | ".join(seen.fields[1 : MOST_FIELDS + 1])
    return f"{name} {shown}" + (f" | … {more} more" if more > 0 else "")


def _plain(payload: bytes) -> list[str]:
    return payload.decode("utf-8", "replace").rstrip("\0").split("\0")


def _event(record: Record) -> str:
    """What happened besides frames."""
    if record.kind is Kind.GREETING:
        return "API greeting"
    about = record.details
    match record.kind:
        case Kind.OPENED:
            return f"opened: client {about['client']}, gateway {about['gateway'] or 'none'}"
        case Kind.CLOSED:
            return f"closed: {about['how']}"
        case Kind.OPAQUE:
            side = "to the gateway" if about["to_gateway"] else "to the client"
            return f"!! {about['bytes']} bytes {side} that are no frame: {about['why']}"
        case _:
            return f"line: {about['text']}"
