"""`manage.py serve_gateway`: the simulated IB Gateway on its own."""

import asyncio
import signal
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from brokerage.simulator.server import Gateway

TAKEN = "Port {port} on {host} is taken ({reason}); stop what listens there or choose --port 0."


class Command(BaseCommand):
    """Serves simulated accounts, quotes and fills to any TWS API client until told to stop."""

    help = "Serve the simulated IB Gateway to any TWS API client"
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Address, market and clock."""
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
        parser.add_argument("--port", type=int, default=4002, help="0 takes a free one")
        parser.add_argument("--seed", type=int, default=7, help="another seed, another market")
        parser.add_argument("--speed", type=positive, default=1.0, help="how fast its clock runs")
        parser.add_argument("--hours", action="store_true", help="follow the exchange's hours")
        parser.add_argument(
            "--account", action="append", dest="accounts", help="account id (repeat for several)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until SIGTERM or Ctrl-C; exits with 2 when the port is taken."""
        asyncio.run(self._serve(options))

    async def _serve(self, options: dict[str, Any]) -> None:
        gateway = Gateway(
            seed=options["seed"],
            speed=options["speed"],
            accounts=tuple(options["accounts"] or ("DU1234567",)),
            always_open=not options["hours"],
        )
        host, port = options["host"], options["port"]
        stop = asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
        try:
            await gateway.start(host, port)
        except (OSError, OverflowError) as error:
            text = TAKEN.format(host=host, port=port, reason=error)
            raise CommandError(text, returncode=2) from error
        self.stdout.write(
            f"listening on {host}:{gateway.port} · SIMULATED · seed {options['seed']}"
            f" · speed {options['speed']:g}"
        )
        self.stdout.flush()
        await stop.wait()
        await gateway.stop()


def positive(text: str) -> float:
    """A number of at least 1; raises ValueError, which argparse turns into a message."""
    value = float(text)
    if not 1 <= value <= 1000:
        raise ValueError(text)
    return value
