"""What a recording amounts to: counts, message rate, late and missing answers, errors."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator

from brokerage.relay.part import NO_IDS, id_places
from brokerage.relay.recording import Record
from brokerage.relay.wire import Seen
from brokerage.tws.messages import Cancellation, CancelOrder, Error

LATE = 1.0  # seconds
WINDOW = 1.0  # seconds over which the message rate is counted
ALLOWED = 50  # messages a second that a gateway takes from a client by default
MOST_LISTED = 10


class Summary:
    """Takes messages in their order; at the end it tells what stands out."""

    def __init__(self) -> None:
        self.silences: list[tuple[int, float]] = []  # connection, seconds
        self._counts: Counter[tuple[bool, str]] = Counter()
        self._errors: Counter[int] = Counter()
        self._recent: dict[int, deque[float]] = {}
        self._peak = 0
        self._asked: dict[tuple[int, str], tuple[float, str]] = {}
        self._answers: list[tuple[float, str]] = []  # seconds, which request

    def add(self, record: Record, seen: Seen, to_gateway: bool, version: int) -> None:
        """Count a message of a connection that speaks this version."""
        self._counts[to_gateway, seen.name or f"message {seen.number}"] += 1
        if isinstance(seen.message, Error):
            self._errors[seen.message.code] += 1
        if to_gateway:
            self._rate(record)
        self._answer(record, seen, id_places(to_gateway, seen.number, version), to_gateway)

    def _rate(self, record: Record) -> None:
        recent = self._recent.setdefault(record.connection, deque())
        recent.append(record.at)
        while record.at - recent[0] >= WINDOW:
            recent.popleft()
        self._peak = max(self._peak, len(recent))

    def _answer(self, record: Record, seen: Seen, places: Iterable[int], to_gateway: bool) -> None:
        """Pair a request with the first frame that carries its id."""
        for at in places if seen.message else ():
            text = seen.fields[at] if at < len(seen.fields) else ""
            if text in NO_IDS:
                continue
            key = record.connection, text
            if to_gateway and not isinstance(seen.message, Cancellation | CancelOrder):
                self._asked[key] = record.at, f"#{key[0]} {seen.name} {text}"
            elif not to_gateway and key in self._asked:
                asked, request = self._asked.pop(key)
                self._answers.append((record.at - asked, request))

    def lines(self) -> Iterator[str]:
        """The summary."""
        yield "Summary"
        for to_gateway, side in ((True, "to the gateway"), (False, "to the client")):
            counts = {name: n for (way, name), n in self._counts.items() if way is to_gateway}
            listed = ", ".join(f"{name} {n}" for name, n in counts.items())
            yield f"  {sum(counts.values())} messages {side}: {listed or 'none'}"
        over = f" (more than the {ALLOWED} allowed)" if self._peak > ALLOWED else ""
        yield f"  pacing: at most {self._peak} messages within a second of one client{over}"
        yield from self._waits()
        errors = ", ".join(f"{code} x {n}" for code, n in sorted(self._errors.items()))
        yield f"  errors and notices: {errors or 'none'}"
        longest = max((seconds for _, seconds in self.silences), default=0.0)
        yield f"  silences: {len(self.silences)}, the longest {longest:.1f} s"

    def _waits(self) -> Iterator[str]:
        late = sorted((wait for wait in self._answers if wait[0] > LATE), reverse=True)
        yield f"  answers: {len(self._answers)}, of which {len(late)} after more than {LATE:g} s"
        for seconds, request in late[:MOST_LISTED]:
            yield f"    late: {request} after {seconds:.3f} s"
        for _, request in list(self._asked.values())[:MOST_LISTED]:
            yield f"    unanswered: {request}"
        if len(self._asked) > MOST_LISTED:
            yield f"    … {len(self._asked)} unanswered in all"
