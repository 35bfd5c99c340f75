"""Read the whole audit log and say where it is not what was written: gaps, and spoilt entries."""

from collections.abc import Iterator
from dataclasses import dataclass

from crucible.ledger.models import Entry

MOST_TOLD = 20


@dataclass(frozen=True)
class Verified:
    """How many entries were read, and what is wrong with them, a sentence each.

    `problems` holds the first of them; `count` says how many there are.
    """

    entries: int
    problems: tuple[str, ...]
    count: int

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong."""
        return self.count == 0

    @property
    def text(self) -> str:
        """The result in a few sentences."""
        if self.intact:
            return f"{self.entries} entries, numbered without a gap, each as it was written."
        more = self.count - len(self.problems)
        rest = f" And {more} more." if more else ""
        return f"{self.entries} entries. {' '.join(self.problems)}{rest}"


def verify() -> Verified:
    """Read every entry in its order.

    Entries that were cut off at the end leave no gap: a backup's entries tell of those.
    """
    entries, expected = 0, 1
    problems: list[str] = []
    for entry in Entry.objects.order_by("sequence").iterator():
        problems += _wrong(entry, expected)
        entries, expected = entries + 1, entry.sequence + 1
    return Verified(entries, tuple(problems[:MOST_TOLD]), len(problems))


def _wrong(entry: Entry, expected: int) -> Iterator[str]:
    if entry.sequence > expected:
        yield f"#{expected} to #{entry.sequence - 1} are missing."
    if not entry.intact:
        yield f"#{entry.sequence} is not what was written."
