"""What happened in one schedule, as plain values: database, ledger, wire, broker and witness."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class SessionRow:
    """A session as it stands at the end; what its state means was asked of the product's models."""

    number: str
    state: str
    token: int
    leased: bool
    cleanup: str
    outcome: str
    in_flight: bool
    stopped: bool
    handed_back: bool = False  # a draft again, because of what its preflight found


@dataclass(frozen=True)
class AttemptRow:
    """An attempt as it stands at the end."""

    pk: int
    scenario: str
    number: int
    state: str
    started: bool
    ended: bool


@dataclass(frozen=True)
class CheckRow:
    """One comparison of an attempt."""

    attempt: int
    position: int
    passed: bool
    required: bool


@dataclass(frozen=True)
class LineRow:
    """Anything an attempt leaves behind with its own instant: a log line, a metric."""

    table: str
    pk: int
    attempt: int | None
    at: str
    text: str


@dataclass(frozen=True)
class OrderRow:
    """An order on record."""

    pk: int
    ref: str
    client_id: int
    order_id: int | None
    state: str
    reason: str
    filled: float
    acknowledged: bool
    purpose: str


@dataclass(frozen=True)
class EventRow:
    """One thing that happened to an order."""

    pk: int
    order: int
    kind: str
    at: str
    detail: str


@dataclass(frozen=True)
class ExecutionRow:
    """A fill, on record or at the broker."""

    exec_id: str
    client_id: int
    order_id: int
    ref: str
    con_id: int
    side: str
    quantity: float

    @property
    def signed(self) -> float:
        """The quantity, negative for a sale."""
        return self.quantity if self.side in {"BUY", "BOT"} else -self.quantity


@dataclass(frozen=True)
class EntryRow:
    """An entry of the ledger."""

    sequence: int
    kind: str
    object_type: str
    object_id: str
    body: str
    digest: str
    details: dict[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Placed:
    """An order that a client sent to the gateway."""

    client_id: int
    order_id: int
    ref: str


@dataclass(frozen=True)
class Broker:
    """What the gateway itself says at the end."""

    placed: tuple[Placed, ...] = ()
    executions: tuple[ExecutionRow, ...] = ()
    working: tuple[str, ...] = ()
    positions: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True)
class Seen:
    """A row that was committed at some moment of the run, and its digest then."""

    table: str
    pk: int
    digest: str


@dataclass(frozen=True)
class Witnessed:
    """What the witness saw while it happened, in the order in which it saw it."""

    rows: frozenset[Seen] = frozenset()
    tokens: tuple[int, ...] = ()
    states: tuple[str, ...] = ()
    results: tuple[tuple[int, str], ...] = ()  # (attempt, last state)
    detection_s: float | None = None


@dataclass(frozen=True)
class History:
    """One schedule's history; `kept` are the rows that stand at the end."""

    session: SessionRow | None
    attempts: tuple[AttemptRow, ...] = ()
    checks: tuple[CheckRow, ...] = ()
    lines: tuple[LineRow, ...] = ()
    orders: tuple[OrderRow, ...] = ()
    events: tuple[EventRow, ...] = ()
    executions: tuple[ExecutionRow, ...] = ()
    entries: tuple[EntryRow, ...] = ()
    broker: Broker = Broker()
    witnessed: Witnessed = Witnessed()
    kept: frozenset[Seen] = frozenset()
    sessions_made: int = 1
    outbox: int = 1

    def entries_of(self, kind: str, object_id: object) -> list[EntryRow]:
        """Return the entries of one kind about one object."""
        wanted = str(object_id)
        return [one for one in self.entries if (one.kind, one.object_id) == (kind, wanted)]


def belongs(ref: str, number: str) -> bool:
    """Say whether an order's reference is the session's."""
    return ref == number or ref.startswith(f"{number}/")


def doubled(values: Iterable[Any]) -> list[Any]:
    """Return what occurs more than once, each once, in order."""
    counts: dict[Any, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return [value for value, count in counts.items() if count > 1]
