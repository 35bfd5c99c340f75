"""How a project and a test say which gateway they want: ini options and the marker."""

from argparse import ArgumentTypeError
from collections.abc import Callable, Container
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from brokerage.rig import reading

MARKER = "tws_gateway"


@dataclass(frozen=True)
class Option:
    """One setting of `Gateway`, as text in an ini file and as a value in a marker."""

    name: str
    read: Callable[[str], Any]
    help: str

    @property
    def ini(self) -> str:
        """Its name in pytest's ini file."""
        return f"{MARKER}_{self.name}"

    def value(self, given: Any) -> Any:
        """A text is read, a value taken as it is; raises pytest.UsageError."""
        if not isinstance(given, str):
            return given
        try:
            return self.read(given)
        except ArgumentTypeError as error:
            raise pytest.UsageError(f"{self.ini}: {error}") from None


OPTIONS = (
    Option("seed", reading.seed, "another seed, another market (7)"),
    Option("speed", reading.speed, "how many times faster than the wall its clock runs (1)"),
    Option("start", reading.moment, "time of its clock, 2026-03-03T10:30-05:00, or now (now)"),
    Option("accounts", reading.accounts, "account ids (DU1234567)"),
    Option("cash", reading.dollars, "dollars in each account (100000)"),
    Option("always_open", reading.yes, "trade around the clock, not in exchange hours (yes)"),
    Option("lines", reading.count, "most quotes streamed to one client (100)"),
    Option("reject_over_rate", reading.yes, "error 100 above 50 messages a second, no queue (no)"),
    Option("latency", reading.seconds, "wall seconds before each answer (0)"),
    Option("state_dir", Path, "where ids and orders are kept over restarts (nowhere)"),
)
BY_NAME = {option.name: option for option in OPTIONS}


def settings(node: pytest.Item) -> dict[str, Any]:
    """What `Gateway` is made with: the ini file, then the markers, the closest last."""
    found = {
        option.name: option.value(text)
        for option in OPTIONS
        if (text := node.config.getini(option.ini))
    }
    for mark in reversed(list(node.iter_markers(MARKER))):
        if mark.args:
            raise pytest.UsageError(f"@pytest.mark.{MARKER}: an argument without a name.")
        found |= {name: _value(name, value) for name, value in mark.kwargs.items()}
    return found


def _value(name: str, given: Any) -> Any:
    return BY_NAME[name].value(given) if name in BY_NAME else given


def known(found: dict[str, Any], names: Container[str]) -> dict[str, Any]:
    """The same settings; raises pytest.UsageError for one that is not among `names`."""
    unknown = [name for name in found if name not in names]
    if unknown:
        text = f"{', '.join(unknown)}; there are {', '.join(BY_NAME)} and more in Settings."
        raise pytest.UsageError(f"@pytest.mark.{MARKER}: {text}")
    return found
