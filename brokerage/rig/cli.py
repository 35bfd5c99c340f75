"""`crucible-gateway`: the simulated gateway, its faults and the flight recorder in a terminal."""

import os
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from functools import partial

from brokerage.rig import faults_command, recorder_commands, serving
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
    relay = commands.add_parser("relay", help="relay and record the connections of any gateway")
    recorder_commands.add_relay(relay)
    replay = commands.add_parser("replay", help="serve a recording to a client again")
    recorder_commands.add_replay(replay)
    explained = commands.add_parser("explain", help="print a recording as readable messages")
    recorder_commands.add_explain(explained)
    faults = commands.add_parser("faults", help="list faults, and switch them in a gateway")
    faults_command.add_arguments(faults)
    return root


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 when all went well, 2 for what cannot be done as it was asked."""
    options = parser().parse_args(arguments)
    try:
        options.run(options, say)
    except RefusedError as error:
        sys.stderr.write(f"crucible-gateway: {error}\n")
        return REFUSED
    except BrokenPipeError:  # whoever read the lines, `head` say, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
