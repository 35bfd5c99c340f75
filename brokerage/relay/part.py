"""A recorded connection as a part to be played again: which request is which, and what follows.

A client need not choose the ids that the recorded one chose. Whoever sends the same request under
another id gets the answers under that id. Up to version 178 the ids' places are known; above it a
request must be the same to the byte.
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from brokerage.relay.recording import Kind, Record
from brokerage.relay.wire import Seen, see, table, values, welcome
from brokerage.tws.codec import MAX_VERSION
from brokerage.tws.framing import join
from brokerage.tws.messages import NextValidId, ReqUserInfo, UserInfo
from brokerage.tws.table import Message
from brokerage.tws.wording import words

ID_FIELDS = ("req_id", "order_id", "parent_id")
NO_IDS = frozenset({"", "0", "-1"})  # what stands in the place of an id when there is none
SENTINEL = 1_987_654_321  # an id that no layout writes by itself


@dataclass(frozen=True)
class Mismatch:
    """What a client did that the recorded one had not done, or the other way round."""

    expected: str
    came: str

    def __str__(self) -> str:
        """The report, one line."""
        return f"expected {self.expected}; came {self.came}"


@dataclass
class Step:
    """One recorded frame; `at` in seconds of the recording."""

    index: int
    at: float
    payload: bytes
    seen: Seen
    arrived: bool = False  # a request that the client has sent again
    given_up: bool = False


def is_brand(number: int, to_gateway: bool) -> bool:
    """Say whether a message asks for the login's brand or tells it: a recording has none."""
    cls = ReqUserInfo if to_gateway else UserInfo
    return number == table(to_gateway).by_class[cls].number


@cache
def id_places(to_gateway: bool, number: int, version: int) -> dict[int, str]:
    """Where a message's ids stand: position among its fields -> name; empty if not known."""
    row = table(to_gateway).by_number.get(number)
    if row is None or version > MAX_VERSION:
        return {}
    cls = next(cls for cls, other in table(to_gateway).by_class.items() if other is row)
    if cls is NextValidId:  # not the id of an order that there is
        return {}
    places: dict[int, str] = {}
    for name in ID_FIELDS:
        marked = _marked(cls(), name)
        fields = table(to_gateway).fields(marked, version) if marked else []
        places |= {at: name for at, text in enumerate(fields) if text == str(SENTINEL)}
    return places


def _marked(message: Message, name: str) -> Message | None:
    """The message with the sentinel as this id, be it the order's own; None without such an id."""
    if hasattr(message, name):
        return dataclasses.replace(message, **{name: SENTINEL})
    order = getattr(message, "order", None)
    if order is not None and hasattr(order, name):
        changed = dataclasses.replace(order, **{name: SENTINEL})
        return dataclasses.replace(message, order=changed)
    return None


@dataclass
class Ids:
    """Recorded ids and the client's own, one namespace for requests and one for orders."""

    requests: dict[str, str] = field(default_factory=dict)
    orders: dict[str, str] = field(default_factory=dict)
    introduced: set[str] = field(default_factory=set)  # recorded ids that a request brought up

    def space(self, name: str) -> dict[str, str]:
        """The namespace of a field."""
        return self.requests if name == "req_id" else self.orders

    def translated(self, recorded: str, name: str) -> str | None:
        """The client's id, None if the request that brings it up has not come."""
        other = self.orders if name == "req_id" else self.requests
        known = self.space(name).get(recorded) or other.get(recorded)
        if known is None and recorded not in self.introduced:
            return recorded
        return known


class Part:
    """What was recorded of one connection, and how far it has been played."""

    def __init__(self, records: list[Record]) -> None:
        """Raises ValueError for a connection that got no answer to its greeting."""
        frames = [one for one in records if one.kind in {Kind.TO_GATEWAY, Kind.TO_CLIENT}]
        answers = [one for one in frames if one.kind is Kind.TO_CLIENT]
        self.version = welcome(answers[0].payload) if answers else 0
        if not self.version:
            raise ValueError("the recorded connection has no handshake")
        self.welcome = answers[0].payload
        self.started = answers[0].at
        self.ending = next((one for one in records if one.kind is Kind.CLOSED), None)
        self.requests: list[Step] = []
        self.answers: list[Step] = []
        self.ids = Ids()
        for index, record in enumerate(one for one in frames[1:] if one is not answers[0]):
            self._add(index, record)

    def _add(self, index: int, record: Record) -> None:
        to_gateway = record.kind is Kind.TO_GATEWAY
        seen = see(record.payload, to_gateway, self.version)
        if is_brand(seen.number, to_gateway):
            return
        step = Step(index, record.at, record.payload, seen)
        (self.requests if to_gateway else self.answers).append(step)
        if to_gateway:
            self.ids.introduced |= {text for text, _ in self._ids_of(seen)}

    def _ids_of(self, seen: Seen) -> Iterator[tuple[str, str]]:
        for at, name in id_places(True, seen.number, self.version).items():
            if at < len(seen.fields) and seen.fields[at] not in NO_IDS:
                yield seen.fields[at], name

    def take(self, payload: bytes) -> Step | Mismatch:
        """Find the recorded request that this is, and count it as arrived."""
        seen = see(payload, True, self.version)
        rest = [step for step in self.requests if not step.arrived]
        alike = [step for step in rest if step.seen.number == seen.number]
        for exactly in (True, False):
            for step in alike:
                if self._fits(step, payload, seen, exactly):
                    self._accept(step, seen)
                    return step
        return self._mismatch(seen, alike, rest)

    def _fits(self, step: Step, payload: bytes, seen: Seen, exactly: bool) -> bool:
        if seen.message is None or step.seen.message is None:
            return payload == step.payload
        if len(seen.fields) != len(step.seen.fields):
            return False
        places = id_places(True, seen.number, self.version)
        pairs = enumerate(zip(step.seen.fields, seen.fields, strict=True))
        return all(
            self._same_id(old, new, places[at], exactly) if at in places else old == new
            for at, (old, new) in pairs
        )

    def _same_id(self, old: str, new: str, name: str, exactly: bool) -> bool:
        space = self.ids.space(name)
        if old in space:
            return space[old] == new
        if exactly or old in NO_IDS:
            return old == new
        return new not in space.values()

    def _accept(self, step: Step, seen: Seen) -> None:
        step.arrived = True
        for at, name in id_places(True, seen.number, self.version).items():
            if at < len(seen.fields) and step.seen.message is not None:
                self.ids.space(name)[step.seen.fields[at]] = seen.fields[at]

    def _mismatch(self, seen: Seen, alike: list[Step], rest: list[Step]) -> Mismatch:
        came = describe(seen)
        if not alike:
            expected = f"{describe(rest[0].seen)} next" if rest else "nothing more"
            return Mismatch(expected, came)
        old, new = values(alike[0].seen.message), values(seen.message)
        other = {name: old[name] for name in old if old[name] != new.get(name)}
        if not old or not new:
            return Mismatch(describe(alike[0].seen), came)
        wanted = ", ".join(f"{name}={value!r}" for name, value in other.items())
        got = ", ".join(f"{name}={new[name]!r}" for name in other)
        return Mismatch(f"{alike[0].seen.name} with {wanted}", f"it with {got}")

    def id_of(self, payload: bytes) -> int:
        """The id by which a client knows its request; −1 if it has none."""
        seen = see(payload, True, self.version)
        return next((int(text) for text, _ in self._ids_of(seen) if text.isdigit()), -1)

    def answer(self, step: Step) -> bytes | None:
        """The frame as this client has to get it; None when its request never came."""
        fields = list(step.seen.fields)
        places = id_places(False, step.seen.number, self.version)
        if step.seen.message is None or not places:
            return step.payload
        for at, name in places.items():
            if at < len(fields) and fields[at] not in NO_IDS:
                translated = self.ids.translated(fields[at], name)
                if translated is None:
                    return None
                fields[at] = translated
        return step.payload if fields == list(step.seen.fields) else join(fields)


def describe(seen: Seen) -> str:
    """A frame in a few words."""
    if seen.message is not None:
        return words(seen.message)
    return f"{seen.name or 'message'} {seen.number}: {' | '.join(seen.fields[1:])[:300]}"
