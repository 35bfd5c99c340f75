"""What the source itself must keep to: one module places orders, one library has one importer."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APPS = ("approvals", "brokerage", "crucible", "validation")
PLACING = ROOT / "brokerage/broker/trading.py"


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            yield path, ast.parse(path.read_text())


def named(tree: ast.Module, *names: str) -> bool:
    """Whether any of the names is used at all: called, passed on, or spelt for getattr."""
    for node in ast.walk(tree):
        spelt = node.value if isinstance(node, ast.Constant) else ""
        if getattr(node, "attr", getattr(node, "id", spelt)) in names:
            return True
    return False


def imports(tree: ast.Module, library: str) -> bool:
    for node in ast.walk(tree):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        if any(module.split(".")[0] == library for module in modules):
            return True
    return False


def test_one_module_alone_places_orders() -> None:
    verbs = ("placeOrder", "whatIfOrderAsync", "whatIfOrder", "bracketOrder", "exerciseOptions")
    assert [path for path, tree in sources() if named(tree, *verbs)] == [PLACING]


def test_nothing_cancels_orders_of_others() -> None:
    assert not [path for path, tree in sources() if named(tree, "reqGlobalCancel")]


def test_the_library_is_imported_by_the_broker_package_alone() -> None:
    found = {path.parent for path, tree in sources() if imports(tree, "ib_async")}
    assert found == {ROOT / "brokerage/broker"}


def test_data_are_asked_for_in_one_module_alone() -> None:
    """Beside it, one refuses streams, and one looks for those who ask."""
    verbs = ("reqMktData", "reqTickersAsync", "reqTickByTickData", "reqRealTimeBars")
    found = [path for path, tree in sources() if named(tree, *verbs)]
    names = ("brokerage/broker/market.py", "brokerage/broker/policy.py")
    assert found == [*(ROOT / name for name in names), ROOT / "validation/scenarios/source_scan.py"]


def test_every_placing_function_spends_a_permit() -> None:
    tree = ast.parse(PLACING.read_text())
    functions = [n for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    for function in functions:
        module = ast.Module([function], [])
        if named(module, "placeOrder", "whatIfOrderAsync"):
            assert "permit.spend()" in ast.unparse(function)


@pytest.mark.parametrize("word", ["activate", "active"])
def test_the_kill_switch_is_never_called_active(word: str) -> None:
    files = [ROOT / f"brokerage/{name}.py" for name in ("kill", "views", "api", "forms", "urls")]
    files += [ROOT / "brokerage/models/switch.py"]
    files += [ROOT / "brokerage/management/commands/kill_switch.py"]
    files += sorted((ROOT / "templates/brokerage").glob("*.html"))
    assert not [path for path in files if word in path.read_text().replace("is_active", "")]
