"""Write a session's order history: every order with its fields, events and fills (RP-19)."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from validation import archiving
from validation.artefacts.markup import day
from validation.management.naming import session_of


class Command(BaseCommand):
    """The file is OUT/orders_YYYYMMDD.json, as the archive of the session has it."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which session, and where to."""
        parser.add_argument("number", help="the session's number")
        parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="written here")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write, and print digest and file."""
        session = session_of(options["number"])
        found = archiving.file_of(session, f"orders_{day(session)}.json")
        if found is None:
            raise CommandError(f"The files kept of {session.number} have no order history.")
        target = options["out"] / found.name
        try:
            options["out"].mkdir(parents=True, exist_ok=True)
            target.write_bytes(found.content)
        except OSError as error:
            raise CommandError(f"The order history can't be written: {error}") from error
        self.stdout.write(f"{found.sha256}  {target}")
