"""`manage.py serve_gateway`: what `crucible-gateway serve` is, for who works in Crucible."""

from argparse import ArgumentParser, Namespace
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from brokerage.rig import serving
from brokerage.rig.errors import RefusedError


class Command(BaseCommand):
    """Serves simulated accounts, quotes and fills to any TWS API client until told to stop."""

    help = "Serve the simulated IB Gateway to any TWS API client"
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The same as those of `crucible-gateway serve`."""
        serving.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until SIGTERM or Ctrl-C; exits with 2 when the port is taken."""
        try:
            serving.run(Namespace(**options), self.say)
        except RefusedError as error:
            raise CommandError(str(error), returncode=2) from error

    def say(self, line: str) -> None:
        """Print a line at once."""
        self.stdout.write(line)
        self.stdout.flush()
