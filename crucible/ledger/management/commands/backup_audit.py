"""Back the audit log up, with the database that it stands in."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError

from crucible.ledger import backup
from crucible.ledger.backup import BackupError


class Command(BaseCommand):
    """Exit codes: 0 done; 1 there is no backup."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to."""
        parser.add_argument(
            "--output", type=Path, default=settings.BACKUP_DIR, help="a folder (%(default)s)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it, and print file and digest."""
        try:
            made = backup.make(options["output"], actor="backup_audit")
        except BackupError as error:
            raise CommandError(str(error), returncode=1) from error
        self.stdout.write(f"{made.sha256}  {made.path}")
