"""`crucible-gateway faults`: read the catalogue, and switch the faults of a running gateway."""

import json
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from brokerage.rig import catalogue_page, plain_yaml, reading
from brokerage.rig.errors import RefusedError
from brokerage.rig.serving import Say
from brokerage.simulator.control import RemoteError, ask
from brokerage.simulator.faults.catalogue import CATALOGUE, describe, known
from brokerage.simulator.faults.fault import FaultError

CONTROL_PORT = 4005
RESERVED = {"do", "name", "port"}  # no fault may have such parameters
NOTHING: Mapping[str, Any] = MappingProxyType({})


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
    on = actions.add_parser("on", help="switch a fault on in a running gateway")
    _add_switch(on, run_on)
    on.add_argument("params", nargs="*", type=_param, metavar="key=value", default=[])
    off = actions.add_parser("off", help="switch a fault off")
    _add_switch(off, run_off)
    active = actions.add_parser("active", help="what is on")
    _add_control(active, run_active)


def _add_switch(parser: ArgumentParser, run: Callable[[Namespace, Say], None]) -> None:
    parser.add_argument("name")
    _add_control(parser, run)


def _add_control(parser: ArgumentParser, run: Callable[[Namespace, Say], None]) -> None:
    text = f"what `serve --control-port` was given ({CONTROL_PORT})"
    parser.add_argument("--control-port", type=reading.port, default=CONTROL_PORT, help=text)
    parser.set_defaults(run=run)


def _param(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not (key.strip() and equals) or key in RESERVED:
        raise ArgumentTypeError(f"{text!r} is not key=value")
    try:
        return key.strip(), plain_yaml.value(value)
    except RefusedError as error:
        raise ArgumentTypeError(str(error)) from None


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


def run_on(options: Namespace, say: Say) -> None:
    """Switch a fault on in a running gateway; raises RefusedError."""
    switched = _ask(options, "on", options.name, dict(options.params))
    say(_line(switched))


def run_off(options: Namespace, say: Say) -> None:
    """Switch a fault off; raises RefusedError."""
    was_on = _ask(options, "off", options.name)
    say(f"{options.name} is off" if was_on else f"{options.name} was not on")


def run_active(options: Namespace, say: Say) -> None:
    """What is on in a running gateway; raises RefusedError."""
    say("\n".join(map(_line, _ask(options, "active"))) or "no fault is on")


def _line(switched: dict[str, Any]) -> str:
    given = " ".join(f"{key}={json.dumps(value)}" for key, value in switched["with"].items())
    return f"{switched['name']} {given}".rstrip()


def _ask(options: Namespace, do: str, name: str = "", params: Mapping[str, Any] = NOTHING) -> Any:
    try:
        return ask(options.control_port, do, name, **params)
    except RemoteError as error:
        raise RefusedError(str(error)) from None
