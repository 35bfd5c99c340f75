"""The catalogue: which scenarios there are, and what the specification says of each."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from validation import checklists, scenarios
from validation.configuration import Config
from validation.hanging import HANG_FACTOR
from validation.scenarios import catalogue
from validation.scenarios.catalogue import MARKET_HOURS, ORDERS, Category

FOLDER = Path(scenarios.__path__[0])
# Counts, percent, milliseconds and units are arithmetic and words, not figures.
UNITS = {"", "USD", 0, 1, 2, 3, 100, 1000}
TRADES = {MARKET_HOURS, ORDERS}
SPECIFIED = {
    "BC-01": ("gateway-authentication", 90, "S-CRIT", set(), (3,), False),
    "BC-02": ("account-info-retrieval", 30, "S-HIGH", set(), (), True),
    "BC-03": ("account-balance-retrieval", 30, "S-HIGH", set(), (), True),
    "BC-04": ("position-retrieval-empty-account", 30, "S-MED", set(), (12,), True),
    "BC-05": ("gateway-reconnection-resilience", 60, "S-HIGH", set(), (1,), True),
    "BC-06": ("gateway-connection-stability", 150, "S-HIGH", set(), (), True),
    "MD-01": ("market-data-subscription-spy", 45, "S-HIGH", {MARKET_HOURS}, (), True),
    "MD-02": ("historical-data-retrieval-spy", 45, "S-HIGH", set(), (6,), True),
    "MD-03": ("market-data-multiple-symbols", 60, "S-MED", {MARKET_HOURS}, (), True),
    "MD-04": ("market-data-stream-quality", 150, "S-MED", {MARKET_HOURS}, (17,), True),
    "MD-05": ("partial-quote-handling", 45, "S-HIGH", set(), (5,), True),
    "MD-06": ("snapshot-policy-guard", 30, "S-CRIT", set(), (17,), False),
    "OE-01": ("limit-order-submission", 75, "S-HIGH", TRADES, (), True),
    "OE-02": ("position-tracking", 75, "S-HIGH", TRADES, (12,), True),
    "OE-03": ("order-cancellation", 45, "S-CRIT", TRADES, (), False),
    "OE-04": ("close-position", 180, "S-HIGH", TRADES, (13,), True),
    "OE-05": ("order-anomaly-handling", 120, "S-HIGH", TRADES, (8, 9, 10, 11), True),
    "RS-01": ("network-timeout-handling", 75, "S-HIGH", set(), (6,), True),
    "RS-02": ("api-rate-limit-handling", 120, "S-MED", set(), (14,), True),
    "RS-03": ("market-data-staleness-detection", 45, "S-HIGH", {MARKET_HOURS}, (4,), True),
    "RS-04": ("gateway-error-recovery", 45, "S-HIGH", {MARKET_HOURS}, (7,), True),
    "RS-05": ("extended-session-stability", 660, "S-HIGH", {MARKET_HOURS}, (16,), True),
    "RS-06": ("mid-session-disconnect-recovery", 120, "S-CRIT", TRADES, (2,), False),
    "RS-07": ("clock-drift-detection", 45, "S-MED", set(), (15,), True),
    "RS-08": ("position-reconciliation", 120, "S-CRIT", TRADES, (12,), False),
}
PROCEDURES = {
    "X-03": ("gateway-kill-drill", 1500, "S-MED", TRADES, (2,), True),
    "X-04": ("bad-login-drill", 1500, "S-MED", set(), (3,), True),
    "X-05": ("after-hours-staleness", 45, "S-MED", set(), (4,), True),
    "X-06": ("tws-manual-order", 1500, "S-MED", set(), (12,), True),
    "X-12": ("latency-benchmark", 540, "S-MED", TRADES, (), True),
}


def test_holds_exactly_these_scenarios_in_the_order_of_a_session() -> None:
    assert [definition.id for definition in catalogue.load().core()] == list(SPECIFIED)


def test_the_specified_number_stands_in_each_group() -> None:
    groups = Counter(definition.category for definition in catalogue.load().core())
    assert groups == {Category.BC: 6, Category.MD: 6, Category.OE: 5, Category.RS: 8}


def test_the_checklist_has_a_place_for_each() -> None:
    assert [definition.id for definition in catalogue.load().core()] == list(checklists.SCENARIOS)


@pytest.mark.parametrize("scenario", [*SPECIFIED, *PROCEDURES])
def test_carries_the_specified_figures(scenario: str) -> None:
    found = catalogue.load().get(scenario)
    figures = (found.slug, found.timeout, found.severity, found.needs, found.cases, found.waivable)
    assert figures == (SPECIFIED | PROCEDURES)[scenario]
    assert found.id.startswith(found.category.name)


def test_a_core_scenario_can_be_seen_to_be_overdue_before_it_is_ended() -> None:
    core = catalogue.load().core()
    assert [one.id for one in core if HANG_FACTOR * one.expected >= one.timeout] == []


@pytest.mark.parametrize(("scenario", "seconds"), [("BC-06", 60), ("MD-04", 60), ("RS-05", 300)])
def test_a_scenario_of_fixed_length_is_expected_to_take_it(scenario: str, seconds: float) -> None:
    assert catalogue.load().get(scenario).expected == seconds


@pytest.mark.parametrize("scenario", [*SPECIFIED, *PROCEDURES])
def test_says_when_it_passes(scenario: str) -> None:
    text = catalogue.load().get(scenario).description
    opening, found, criteria = text.partition("\nPasses when\n")
    assert found
    assert len(opening.split(".")) >= 2
    assert len(re.findall(r"^- ", criteria, re.MULTILINE)) >= 2


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_figures_of_the_configuration_stand_in_no_scenario(path: Path) -> None:
    held = set(leaves(Config().content())) - UNITS
    assert not held & set(constants(ast.parse(path.read_text())))
    assert not re.search(r"\b20\d{6}\b|\bD[A-Z]\d{5,}\b|\b600\b", path.read_text())


def test_a_version_covers_the_shared_steps_that_a_scenario_uses() -> None:
    used = catalogue.used_by("validation.scenarios.orders", set())
    names = {name.rpartition(".")[2] for name in used}
    assert {"orders", "trading", "steps", "strikes", "trial"} <= names
    assert "market_data" not in names


def test_scenarios_of_one_file_share_a_version_and_others_do_not() -> None:
    first, second, other = (
        catalogue.load().get(name).version for name in ("OE-01", "OE-02", "RS-01")
    )
    assert (first, len(first)) == (second, 64)
    assert first != other


def leaves(node: object) -> Iterator[str | int | float]:
    if isinstance(node, dict):
        for value in node.values():
            yield from leaves(value)
    elif isinstance(node, str | int | float):
        yield node


def constants(tree: ast.Module) -> Iterator[object]:
    """What functions are made of, and nothing of their decorators and docstrings."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            body = function.body[1:] if ast.get_docstring(function) else function.body
            for node in (node for statement in body for node in ast.walk(statement)):
                if isinstance(node, ast.Constant):
                    yield node.value
