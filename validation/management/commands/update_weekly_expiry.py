"""Bring the weekly option expiry up to date, verified in the broker's option chain."""

import datetime
from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from brokerage.models import Endpoint
from validation.rolling import roll


class Command(BaseCommand):
    """Idempotent; a revision that changes nothing but the expiry may take effect by itself."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which gateway verifies, and for which day."""
        parser.add_argument("--endpoint", help="name of the endpoint; the default one without")
        parser.add_argument("--date", help="day in New York, YYYY-MM-DD; today without")

    def handle(self, *args: Any, **options: Any) -> None:
        """Roll and print what came of it; CommandError when it could not be verified."""
        rolled = roll(_endpoint(options["endpoint"]), _day(options["date"]))
        if not rolled.ok:
            raise CommandError(rolled.text, returncode=2)
        self.stdout.write(rolled.text)


def _endpoint(name: str | None) -> Endpoint | None:
    if name is None:
        return None
    found = Endpoint.objects.filter(name=name).first()
    if found is None:
        raise CommandError(Endpoint.unknown(name), returncode=2)
    return found


def _day(text: str | None) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text) if text else None
    except ValueError as error:
        raise CommandError(f"--date: {error}", returncode=2) from error
