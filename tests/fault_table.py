"""The page docs/scenario_faults.md: each fault of the catalogue, and what catches it.

Its rows are the declarations of the tests that prove them: `CATCHES`, `TOLERATED` and `UNUSED` of
the scenarios' test modules, `CASES` of the session watch's. `make fault-table` runs those tests and
writes the page from pytest's `--junit-xml`; what that run did not show is marked.
"""

import importlib
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Collection, Sequence
from pathlib import Path
from types import ModuleType

from brokerage.simulator.faults.catalogue import CATALOGUE
from tests.validation.scenarios.catches import Catch
from tests.validation.scenarios.tolerances import Tolerated, Unused, Watched

ROOT = Path(__file__).parent
TUPLES = ("CATCHES", "TOLERATED", "UNUSED")
Row = Catch | Tolerated | Unused | Watched

HEAD = """# Which scenario catches which fault

Each row is a test that switches a fault of the simulated gateway on and looks at the checks that
fail. `make fault-table` runs those tests and writes this page; [faults.md](faults.md) tells what
each fault does, and who met it.

- {faults} faults are in the catalogue.
- {caught} are caught: a scenario fails, in the checks that are named, or what runs beside the
  scenarios finds it.
- {tolerated} do no harm to any scenario that meets them. Proved by the gateway's own records: the
  scenario passes, what was traded is what Crucible wrote down, nothing works on, nothing is held.
- {unused} can't be met: Crucible never asks for what they spoil. Proved by the transcripts of all
  scenarios.
- {open} are open.
"""


def declared() -> list[Row]:
    """Return the declarations of all test modules, in a fixed order."""
    rows: list[Row] = []
    for path in sorted(ROOT.glob("validation/scenarios/test_*.py")):
        module = _module(path)
        rows += [row for name in TUPLES for row in getattr(module, name, ())]
    for path in sorted(ROOT.glob("validation/watch/test_*.py")):
        found = getattr(_module(path), "CASES", ())
        rows += [Watched("session watch", case.fault, case.kind, str(case)) for case in found]
    return rows


def _module(path: Path) -> ModuleType:
    return importlib.import_module(".".join(("tests", *path.relative_to(ROOT).parts))[:-3])


def render(rows: Sequence[Row], shown: Collection[str] | None = None) -> str:
    """Return the page; `shown` are the rows whose tests passed, all of them when it is None."""
    by_fault: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_fault[row.name].append(row)
    kinds = [_kind(by_fault[name]) for name in CATALOGUE]
    counts = {kind: kinds.count(kind) for kind in ("caught", "tolerated", "unused", "open")}
    parts = [HEAD.format(faults=len(CATALOGUE), **counts), "## By fault\n"]
    parts.append(_table(("Fault", "Caught by", "Does no harm, or can't be met"), [
        (f"`{name}`", _catches(by_fault[name], shown), _others(by_fault[name], shown))
        for name in CATALOGUE
    ]))  # fmt: skip
    parts += ["## By scenario\n", _table(("Scenario", "Faults that it catches"), _scenarios(rows))]
    return "\n".join(parts)


def _kind(rows: Sequence[Row]) -> str:
    if any(isinstance(row, Catch | Watched) for row in rows):
        return "caught"
    if any(isinstance(row, Tolerated) for row in rows):
        return "tolerated"
    return "unused" if rows else "open"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _catches(rows: Sequence[Row], shown: Collection[str] | None) -> str:
    lines = []
    for row in rows:
        if isinstance(row, Catch):
            lines.append(f"{row.scenario}: {', '.join(sorted(row.checks))}{_mark(row, shown)}")
        elif isinstance(row, Watched):
            lines.append(f"{row.where}: {row.finding}{_mark(row, shown)}")
    return "<br>".join(dict.fromkeys(sorted(lines)))


def _others(rows: Sequence[Row], shown: Collection[str] | None) -> str:
    lines = []
    for row in rows:
        if isinstance(row, Tolerated):
            lines.append(f"{row.catch.scenario} passes: {row.because}{_mark(row, shown)}")
        elif isinstance(row, Unused):
            lines.append(f"{row.because}{_mark(row, shown)}")
    return "<br>".join(dict.fromkeys(lines))


def _mark(row: Row, shown: Collection[str] | None) -> str:
    return "" if shown is None or isinstance(row, Unused) or str(row) in shown else " **not shown**"


def _scenarios(rows: Sequence[Row]) -> list[tuple[str, str]]:
    faults: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if isinstance(row, Catch) and row.name in CATALOGUE:
            faults[row.scenario].add(row.name)
        elif isinstance(row, Watched):
            faults[row.where].add(row.name)
    named = sorted(faults, key=lambda name: (not name[:2].isupper(), name))
    return [(name, ", ".join(f"`{fault}`" for fault in sorted(faults[name]))) for name in named]


def passed(results: Path) -> set[str]:
    """Return the parameters of the tests that passed, from a file of pytest's `--junit-xml`."""
    cases = ET.parse(results).getroot().iter("testcase")
    sound = [case.get("name", "") for case in cases if not list(case)]
    return {name[name.index("[") + 1 : -1] for name in sound if "[" in name}


def _numbered(names: set[str]) -> set[str]:
    """Add names without the number that pytest gives to equal ones."""
    return names | {name.rstrip("0123456789") for name in names}


def write(results: str, page: str) -> None:
    """Write the page of the declared rows after a run; both are paths."""
    Path(page).write_text(render(declared(), _numbered(passed(Path(results)))))
