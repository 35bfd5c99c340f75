"""A process that writes entries as fast as it can, and rolls every fifth transaction back."""

import sys

import django

django.setup()

from django.db import transaction  # noqa: E402

from crucible.ledger.record import record  # noqa: E402


def write(name: str, count: int) -> None:
    """Write `count` entries that stay, and a quarter as many that do not."""
    for number in range(count):
        with transaction.atomic():
            record("test.written", "number", number, actor=name)
        if number % 4 == 0:
            with transaction.atomic():
                record("test.rolled_back", "number", number, actor=name)
                transaction.set_rollback(True)


if __name__ == "__main__":
    write(sys.argv[1], int(sys.argv[2]))
