"""Connect once to a gateway and say in three lines what was found."""

from argparse import ArgumentParser
from typing import Any

from asgiref.sync import async_to_sync
from django.core.management import BaseCommand, CommandError

from brokerage.errors import PortError
from brokerage.gateway import PROBE_IDS, Target, connect
from brokerage.models import Endpoint


class Command(BaseCommand):
    """Exit codes: 0 connected and proved to be paper; 1 not."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which gateway, and how often to try."""
        parser.add_argument("--endpoint", help="name; default: the default endpoint")
        parser.add_argument("--attempts", type=int, default=3)

    def handle(self, *args: Any, **options: Any) -> None:
        """Print connection, account and time, or what went wrong and what to do."""
        target = _endpoint(options["endpoint"]).target()
        try:
            lines = async_to_sync(_look)(target, max(options["attempts"], 1))
        except PortError as error:
            raise CommandError(
                "\n".join(filter(None, (error.what, error.why, error.do)))
            ) from error
        self.stdout.write("\n".join(lines))


async def _look(target: Target, attempts: int) -> list[str]:
    async with connect(target, client_ids=PROBE_IDS, attempts=attempts) as desk:
        began = desk.clock.wall_ms()
        told = await desk.server_time()
        round_trip = desk.clock.wall_ms() - began
        return [
            f"Connection: {target.address}, {target.kind}, client id {desk.client_id},"
            f" server version {desk.server_version}, {desk.connect_ms + desk.handshake_ms:.0f} ms",
            f"Account: {', '.join(desk.accounts)}, proved to be paper",
            f"Time: {told:%Y-%m-%d %H:%M:%S} UTC, round trip {round_trip:.0f} ms",
        ]


def _endpoint(name: str | None) -> Endpoint:
    found = Endpoint.objects.filter(name=name) if name else Endpoint.objects.filter(is_default=True)
    endpoint = found.first()
    if endpoint is None:
        raise CommandError(Endpoint.unknown(name) if name else "No endpoint is set up.")
    return endpoint
