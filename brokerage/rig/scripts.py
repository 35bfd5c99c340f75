"""Read a script of faults from a YAML file, so that errors say the line."""

import re
from pathlib import Path

from brokerage.rig import plain_yaml
from brokerage.rig.errors import RefusedError
from brokerage.simulator.faults.script import Script, ScriptError

PLACE = re.compile(r"step (?P<number>\d+)(?P<keys>(?:, \w+)*):")


def load(file: Path) -> Script:
    """The script in a file; raises RefusedError that says where it is wrong and what to do."""
    document = plain_yaml.read(file)
    try:
        return Script.parse(document.values)
    except ScriptError as error:
        path = _path(str(error), under_steps=isinstance(document.values, dict))
        raise RefusedError(f"{file}:{document.line(path)}: {error}") from None


def _path(text: str, *, under_steps: bool) -> plain_yaml.Path:
    """Where in the document `step 2, when, where: …` is."""
    place = PLACE.match(text)
    top: plain_yaml.Path = ("steps",) if under_steps else ()
    if place is None:
        return top
    return (*top, int(place["number"]) - 1, *place["keys"].split(", ")[1:])
