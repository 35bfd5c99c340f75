"""The catalogue: one place for every scenario, without duplicates."""

from typing import Any

import pytest

from validation.scenarios import catalogue
from validation.scenarios.catalogue import MARKET_HOURS, Catalogue, UnknownScenarioError
from validation.scenarios.trial import Trial


async def described(trial: Trial) -> None:
    """Shows something."""


async def undescribed(trial: Trial) -> None:
    return None


def add(box: Catalogue, name: str, function: Any = described, **options: Any) -> None:
    options = {"slug": f"slug-{name}", "severity": "S-MED", "timeout": 5} | options
    options.setdefault("category", "Resilience")
    box.scenario(id=name, title=name, **options)(function)


def test_scenarios_come_in_the_order_of_a_session() -> None:
    box = Catalogue()
    add(box, "RS-01")
    add(box, "BC-02", category="Broker Connectivity")
    add(box, "BC-01", category="Broker Connectivity", needs=[MARKET_HOURS])
    assert [definition.id for definition in box.all()] == ["BC-01", "BC-02", "RS-01"]
    assert box.get("BC-01").wants(MARKET_HOURS)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"name": "RS-01", "slug": "other"}, "repeats"),
        ({"name": "RS-02", "slug": "slug-RS-01"}, "repeats"),
        ({"name": "RS-02", "function": undescribed}, "docstring"),
        ({"name": "RS-02", "severity": "S-HUGE"}, "out of range"),
        ({"name": "RS-02", "timeout": 0}, "out of range"),
        ({"name": "RS-02", "expected": 6}, "out of range"),
    ],
)
def test_a_bad_definition_is_refused(options: dict[str, Any], told: str) -> None:
    box = Catalogue()
    add(box, "RS-01")
    with pytest.raises(ValueError, match=told):
        add(box, **options)


def test_scenarios_are_chosen_by_id_or_slug() -> None:
    box = Catalogue()
    add(box, "RS-02")
    add(box, "RS-01")
    assert [one.id for one in box.select(["slug-RS-02", "RS-01"])] == ["RS-01", "RS-02"]
    assert len(box.select(None)) == 2
    with pytest.raises(UnknownScenarioError, match=r"RS-09.*RS-01, RS-02"):
        box.select(["RS-09"])


def test_a_procedure_runs_only_when_somebody_asks_for_it() -> None:
    box = Catalogue()
    add(box, "X-05", category="Procedures")
    add(box, "RS-01")
    assert [one.id for one in box.all()] == ["RS-01", "X-05"]
    assert [one.id for one in box.core()] == ["RS-01"]
    assert [one.id for one in box.select(None)] == ["RS-01"]
    assert [one.id for one in box.select(["X-05"])] == ["X-05"]


def test_every_scenario_of_the_product_has_a_text_and_a_version() -> None:
    definitions = catalogue.load().all()
    assert all(one.description and len(one.version) == 64 for one in definitions)
    assert not catalogue.load().get("BC-01").waivable
    assert not catalogue.load().get("OE-03").waivable
