"""`crucible-gateway faults`: read the catalogue, and switch the faults of a running gateway."""

import json
from argparse import ArgumentParser, Namespace

from brokerage.rig import catalogue_page
from brokerage.rig.errors import RefusedError
from brokerage.rig.serving import Say
from brokerage.simulator.faults.catalogue import CATALOGUE, describe, known
from brokerage.simulator.faults.fault import FaultError


def add_arguments(parser: ArgumentParser) -> None:
    """list, show, on, off, active; without one of them: list."""
    parser.set_defaults(run=say_list, as_json=False, markdown=False)
    actions = parser.add_subparsers(metavar="action")
    listed = actions.add_parser("list", help="every fault, what it is and its signal")
    form = listed.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", dest="as_json")
    form.add_argument("--markdown", action="store_true", help="as the page docs/faults.md")
    listed.set_defaults(run=say_list)
    shown = actions.add_parser("show", help="one fault with its incidents and parameters")
    shown.add_argument("name")
    shown.set_defaults(run=say_one)


def say_list(options: Namespace, say: Say) -> None:
    """The catalogue for a person, a program or the documentation."""
    if options.as_json:
        say(json.dumps([describe(cls) for cls in CATALOGUE.values()], indent=2))
        return
    for line in catalogue_page.page() if options.markdown else catalogue_page.table():
        say(line)


def say_one(options: Namespace, say: Say) -> None:
    """All about one fault; raises RefusedError for a name that there is not."""
    try:
        cls = known(options.name)
    except FaultError as error:
        raise RefusedError(str(error)) from None
    for line in catalogue_page.one(options.name, cls):
        say(line)
