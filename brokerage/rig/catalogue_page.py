"""The catalogue of faults for people: as lines of a terminal, and as the page docs/faults.md."""

import inspect
from collections.abc import Iterable, Iterator
from itertools import groupby

from brokerage.simulator.faults.catalogue import CATALOGUE, describe
from brokerage.simulator.faults.fault import Fault

HEAD = """\
# The faults

What real gateways have done to real bots, as the simulated gateway does it on demand:
`tws_gateway.faults.on("name")` in a test, `on: name` in a script, `crucible-gateway faults on name`
while it runs. Seconds are simulated. [gateway.md](gateway.md) says how to use them. This page is
what `crucible-gateway faults list --markdown` prints."""
COLUMNS = ("Fault", "What happened", "How a good client notices", "Parameters", "Incidents")


def table() -> Iterator[str]:
    """Name, what, incident and signal of every fault, for a terminal."""
    width = max(map(len, CATALOGUE))
    for name, cls in CATALOGUE.items():
        about = describe(cls)
        yield f"{name:{width}}  {_first(about['what'])}"
        yield f"{'':{width}}  signal: {_flat(about['signal'])}"
        yield f"{'':{width}}  {', '.join(_where(cls))}"


def one(name: str, cls: type[Fault]) -> Iterator[str]:
    """Everything about a fault."""
    about = describe(cls)
    yield from (name, "", about["what"], "", f"Signal: {_flat(about['signal'])}")
    yield f"Parameters: {', '.join(_parameters(cls)) or 'none'}"
    yield "Incidents:"
    for incident in cls.incidents:
        yield f"  {incident.url}  {incident.note}".rstrip()


def page() -> Iterator[str]:
    """The page, line by line: a table for each subject."""
    yield HEAD
    yield f"\n{len(CATALOGUE)} faults."
    for module, group in groupby(CATALOGUE.values(), key=inspect.getmodule):
        yield f"\n## {_first(inspect.getdoc(module) or '').rstrip('.')}\n"
        yield _row(COLUMNS)
        yield _row("---" for _ in COLUMNS)
        for cls in group:
            yield _row(_cells(cls))


def _cells(cls: type[Fault]) -> Iterator[str]:
    about = describe(cls)
    yield f"`{cls.name}`"
    yield _flat(about["what"])
    yield _flat(about["signal"])
    yield ", ".join(f"`{text}`" for text in _parameters(cls))
    yield ", ".join(f"[{_short(i.project, i.number)}]({i.url})" for i in cls.incidents)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _parameters(cls: type[Fault]) -> list[str]:
    return [f"{key}={value!r}" for key, value in describe(cls)["parameters"].items()]


def _where(cls: type[Fault]) -> list[str]:
    return [_short(incident.project, incident.number) for incident in cls.incidents]


def _short(project: str, number: int) -> str:
    return f"{project}#{number}"


def _flat(text: str) -> str:
    return " ".join(text.split())


def _first(text: str) -> str:
    """The first paragraph in one line."""
    return _flat(text.split("\n\n")[0])
