"""Processes that write entries as fast as they can, and roll every fifth transaction back."""

import multiprocessing
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


def main(count: int, names: list[str]) -> int:
    """Let one process for each name write so many entries; return how many of them failed.

    They are forks of this one, so that the product is loaded once and all begin together.
    """
    processes = multiprocessing.get_context("fork")
    writers = [processes.Process(target=write, args=(name, count)) for name in names]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    return sum(writer.exitcode != 0 for writer in writers)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
