"""Bring a stage's database up to date, inside `manage.py shell`: tables, people, gateways."""

import json
import sys

from django.core.management import call_command

from brokerage.models import Endpoint
from crucible.people import load_demo_people
from validation.seeds import plant


def main(gateways: list[tuple[int, int]], speed: float) -> None:
    """Prepare; the last line printed is a JSON object of role → [user name, password]."""
    call_command("migrate", verbosity=0)
    plant()
    people = load_demo_people()
    for number, (port, control_port) in enumerate(gateways, start=1):
        _endpoint(number).move(port=port, speed=speed, control_port=control_port)
    sys.stdout.write(json.dumps({role.value: pair for role, pair in people.items()}) + "\n")


def _endpoint(number: int) -> Endpoint:
    default = Endpoint.objects.get(is_default=True)
    if number == 1:
        return default
    name = f"Gateway {number}"
    return Endpoint.objects.create(name=name, kind=default.kind, always_open=True)
