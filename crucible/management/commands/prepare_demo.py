"""Bring the demo's database up to date, load its people once, and queue the first session."""

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import BaseCommand, CommandError, call_command

from brokerage.models import Endpoint
from crucible.people import load_demo_people
from crucible.roles import Role
from validation import sessions
from validation.models import Session


class Command(BaseCommand):
    """Idempotent; prints the demo's people as JSON on its last line."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where the simulated gateway listens and is controlled, and how fast its clock runs."""
        parser.add_argument("--gateway-port", type=int, required=True)
        parser.add_argument("--control-port", type=int)
        parser.add_argument("--speed", type=float, default=settings.DEMO_SPEED)

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate, seed, load people, point the endpoint at the gateway, queue a session."""
        if not settings.DEMO:
            raise CommandError("prepare_demo runs only in demo mode (CRUCIBLE_DEMO=true).")
        call_command("migrate", verbosity=0)
        call_command("seed_crucible", verbosity=0)
        people = load_demo_people()
        endpoint = Endpoint.objects.get(is_default=True)
        endpoint.move(
            port=options["gateway_port"],
            speed=options["speed"],
            control_port=options["control_port"],
        )
        if not Session.objects.exists():
            operator = User.objects.get(username=people[Role.OP][0])
            sessions.start(operator, endpoint=endpoint)
        self.stdout.write(json.dumps({role.value: pair for role, pair in people.items()}))
