"""Check an archive: its files against its manifest and against what was signed; else exit 1."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from validation.artefacts.bundle import problems


class Command(BaseCommand):
    """Needs no database: everything that is compared lies in the archive."""

    help = __doc__
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which archive."""
        parser.add_argument("file", type=Path, help="the zip")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print every problem, or that there is none."""
        try:
            found = problems(options["file"].read_bytes())
        except OSError as error:
            raise CommandError(f"The archive can't be read: {error}", returncode=2) from error
        for problem in found:
            self.stderr.write(problem)
        if found:
            raise CommandError(f"{options['file']} is not sound.")
        self.stdout.write(self.style.SUCCESS(f"{options['file']} is sound."))
