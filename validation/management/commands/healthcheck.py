"""Say how the product stands; exit 0 when all is well, 1 when something is not."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError
from django.db import DatabaseError

from validation.preflight.health import Part, parts


class Command(BaseCommand):
    """One line for each part: database, broker, scheduler, gateways, kill switch, orders."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What may be away."""
        parser.add_argument(
            "--without-workers", action="store_true",
            help="do not mind a broker and a scheduler that are away",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the parts and end with the exit code."""
        try:
            found = parts()
        except DatabaseError as error:
            raise CommandError(f"✘ database: {error}") from error
        for part in found:
            self.stdout.write(f"{_mark(part)} {part.name}: {part.text}")
        excused = {"broker", "scheduler"} if options["without_workers"] else set()
        bad = [part.name for part in found if part.ok is False and part.name not in excused]
        if bad:
            raise CommandError(f"Not well: {', '.join(bad)}.")


def _mark(part: Part) -> str:
    return {True: "✔", False: "✘", None: "?"}[part.ok]
