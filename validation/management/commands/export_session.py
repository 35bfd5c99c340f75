"""Write a session's whole archive into a directory: every file, their manifest, and the zip."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from validation import archiving
from validation.artefacts.bundle import zipped
from validation.artefacts.markup import day, when
from validation.management.naming import session_of


class Command(BaseCommand):
    """The files lie in OUT/YYYYMMDD/NUMBER/, the zip beside that directory."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which session, and where to."""
        parser.add_argument("number", help="the session's number")
        parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="written here")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write, and print what was written."""
        session = session_of(options["number"])
        dated: Path = options["out"] / day(session)
        folder = dated / session.number
        try:
            folder.mkdir(parents=True, exist_ok=True)
            files = archiving.archive_files(session)
            for one in files:
                (folder / one.name).write_bytes(one.content)
                self.stdout.write(f"{one.sha256}  {folder / one.name}")
            target = dated / archiving.archive_name(session)
            target.write_bytes(zipped(files, when(session)))
        except OSError as error:
            raise CommandError(f"The archive can't be written: {error}") from error
        self.stdout.write(self.style.SUCCESS(f"{len(files)} files, and {target}"))
