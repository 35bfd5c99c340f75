"""Create what a new installation starts with; what exists stays as it is."""

from typing import Any

from django.core.management import BaseCommand

from validation.seeds import plant


class Command(BaseCommand):
    """Idempotent: run it as often as you like."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        """Plant and say what was made."""
        made = plant()
        if options["verbosity"]:
            self.stdout.write("\n".join(f"created {what}" for what in made) or "nothing to do")
