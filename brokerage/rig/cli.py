"""`crucible-gateway`: the simulated gateway, its faults and the flight recorder in a terminal."""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from functools import partial

from brokerage.rig import serving
from brokerage.rig.errors import RefusedError

REFUSED = 2
say = partial(print, flush=True)


def parser() -> ArgumentParser:
    """Every subcommand sets `run`, which takes the options and `say`."""
    root = ArgumentParser(prog="crucible-gateway", description=__doc__)
    commands = root.add_subparsers(metavar="command", required=True)
    serve = commands.add_parser("serve", help="serve a simulated IB Gateway to any TWS client")
    serving.add_arguments(serve)
    serve.set_defaults(run=serving.run)
    return root


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 when all went well, 2 for what cannot be done as it was asked."""
    options = parser().parse_args(arguments)
    try:
        options.run(options, say)
    except RefusedError as error:
        sys.stderr.write(f"crucible-gateway: {error}\n")
        return REFUSED
    return 0
