"""Scenarios have contracts, expiries and strikes from the configuration, never of their own."""

import ast
import re
from pathlib import Path

import pytest

from validation import scenarios
from validation.configuration import Config

FILES = sorted(Path(next(iter(scenarios.__path__))).glob("*.py"))
EXPIRY = re.compile(r"20[2-9]\d[01]\d[0-3]\d")
FIXED = ("symbol", "strike", "expiry", "premium_cap")
CONTRACTS = Config().test_contracts
SYMBOLS = {CONTRACTS.spy.symbol, CONTRACTS.spy_weekly_call.symbol, *CONTRACTS.companions}


def literals(source: str) -> list[str]:
    """What a scenario should have had from the configuration."""
    return [ast.unparse(node) for node in ast.walk(ast.parse(source)) if _fixed(node)]


def _fixed(node: ast.AST) -> bool:
    if isinstance(node, ast.keyword) and isinstance(node.value, ast.Constant):
        return node.arg in FIXED and node.value.value not in {"", None}
    text = node.value if isinstance(node, ast.Constant) else None
    return isinstance(text, str) and (text in SYMBOLS or EXPIRY.fullmatch(text) is not None)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_scenario_names_no_contract_of_its_own(file: Path) -> None:
    assert literals(file.read_text()) == []


@pytest.mark.parametrize(
    "source",
    ["find('SPY')", "MORE = ('QQQ',)", "x = '20260220'", "f(strike=600.0)", "f(symbol='AAPL')"],
)
def test_a_literal_is_found(source: str) -> None:
    assert len(literals(source)) == 1


@pytest.mark.parametrize("source", ["f(strike=middle)", "'About SPY.'", "f(symbol='')"])
def test_what_comes_from_the_configuration_is_not_taken_for_a_literal(source: str) -> None:
    assert literals(source) == []
