"""What the source itself must keep to: one module places orders, one library has one importer."""

import ast
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
APPS = ("approvals", "brokerage", "crucible", "validation")
PLACING = ROOT / "brokerage/broker/trading.py"


class Source(NamedTuple):
    """A module, every name that it uses, and the libraries that it imports."""

    path: Path
    names: frozenset[str]
    libraries: frozenset[str]


@cache
def sources() -> tuple[Source, ...]:
    """Every module of the product, parsed once for all tests."""
    paths = [path for app in APPS for path in sorted((ROOT / app).rglob("*.py"))]
    trees = ((path, ast.parse(path.read_text())) for path in paths)
    return tuple(Source(path, names(tree), libraries(tree)) for path, tree in trees)


def names(tree: ast.Module) -> frozenset[str]:
    """What is used at all: called, passed on, or spelt for getattr."""
    found = set()
    for node in ast.walk(tree):
        spelt = node.value if isinstance(node, ast.Constant) else ""
        name = getattr(node, "attr", getattr(node, "id", spelt))
        found |= {name} if isinstance(name, str) else set()
    return frozenset(found)


def libraries(tree: ast.Module) -> frozenset[str]:
    found = set()
    for node in ast.walk(tree):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        found |= {module.split(".")[0] for module in modules}
    return frozenset(found)


def naming(*wanted: str) -> list[Path]:
    """The modules that use any of these names."""
    return [one.path for one in sources() if not one.names.isdisjoint(wanted)]


def test_one_module_alone_places_orders() -> None:
    verbs = ("placeOrder", "whatIfOrderAsync", "whatIfOrder", "bracketOrder", "exerciseOptions")
    assert naming(*verbs) == [PLACING]


def test_nothing_cancels_orders_of_others() -> None:
    assert not naming("reqGlobalCancel")


def test_the_library_is_imported_by_the_broker_package_alone() -> None:
    found = {one.path.parent for one in sources() if "ib_async" in one.libraries}
    assert found == {ROOT / "brokerage/broker"}


def test_data_are_asked_for_in_one_module_alone() -> None:
    """Beside it, one refuses streams, and one looks for those who ask."""
    verbs = ("reqMktData", "reqTickersAsync", "reqTickByTickData", "reqRealTimeBars")
    modules = ("broker/market.py", "broker/policy.py")
    asking = [ROOT / "brokerage" / module for module in modules]
    assert naming(*verbs) == [*asking, ROOT / "validation/scenarios/source_scan.py"]


def test_every_placing_function_spends_a_permit() -> None:
    tree = ast.parse(PLACING.read_text())
    functions = [n for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    for function in functions:
        module = ast.Module([function], [])
        if names(module) & {"placeOrder", "whatIfOrderAsync"}:
            assert "permit.spend()" in ast.unparse(function)


@pytest.mark.parametrize("word", ["activate", "active"])
def test_the_kill_switch_is_never_called_active(word: str) -> None:
    files = [ROOT / f"brokerage/{name}.py" for name in ("kill", "views", "api", "forms", "urls")]
    files += [ROOT / "brokerage/models/switch.py"]
    files += [ROOT / "brokerage/management/commands/kill_switch.py"]
    files += sorted((ROOT / "templates/brokerage").glob("*.html"))
    assert not [path for path in files if word in path.read_text().replace("is_active", "")]
