"""Read the whole audit log: no number is missing, and every entry is what was written."""

from typing import Any

from django.core.management import BaseCommand, CommandError

from crucible.ledger.verification import verify


class Command(BaseCommand):
    """Exit codes: 0 intact; 1 something is missing or was changed."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        """Print how many entries were read, or what is wrong with them."""
        found = verify()
        if not found.intact:
            raise CommandError(found.text, returncode=1)
        self.stdout.write(found.text)
