"""Scenarios of installed packages: what a bot team adds to the catalogue under its own category.

A package names a function in the entry point group `crucible.scenarios`; it is called with the
decorator that registers a scenario. Whatever goes wrong in a package is told, and costs that
package alone: all of its scenarios are added, or none.
"""

import re
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from validation.scenarios.catalogue import Catalogue, Definition

GROUP = "crucible.scenarios"
ID = re.compile(r"[A-Z][A-Z0-9]{1,5}-\d{2}")
OURS = ("BC", "MD", "OE", "RS", "X")
LONGEST = {"slug": 80, "title": 120, "category": 40}


@dataclass(frozen=True)
class Package:
    """An installed package: the scenarios that it added, or the error because of which none."""

    name: str
    version: str
    scenarios: tuple[str, ...] = ()
    error: str = ""


def welcome(
    registry: "Catalogue",
    staging: Callable[[], "Catalogue"],
    ours: Iterable[str],
    found: Iterable[EntryPoint] | None = None,
) -> tuple[Package, ...]:
    """Add the scenarios of each package to the registry; return the packages, the faulty too.

    `staging` makes an empty catalogue, `ours` are the categories that no package may use.
    """
    points = entry_points(group=GROUP) if found is None else found
    taken = tuple(ours)
    return tuple(
        _welcome(registry, staging(), taken, point)
        for point in sorted(points, key=lambda point: (_name(point), point.name))
    )


def _welcome(
    registry: "Catalogue", staged: "Catalogue", ours: tuple[str, ...], point: EntryPoint
) -> Package:
    name, version = _name(point), point.dist.version if point.dist else ""
    before = registry.all()
    try:
        _call(point, registry, staged)
        definitions = staged.all()
        for definition in definitions:
            _check(definition, registry, ours)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a guest must not take the house down
        # Also what it had put past us before it failed.
        registry.keep(before)
        return Package(name, version, error=_explain(error))
    for definition in definitions:
        registry.add(definition)
    return Package(name, version, tuple(definition.id for definition in definitions))


def _call(point: EntryPoint, registry: "Catalogue", staged: "Catalogue") -> None:
    """Let the package register; raise ValueError when it does so past the staging catalogue.

    With the decorator of our own scenarios its own would count as evidence of the core.
    """
    before = registry.all()
    point.load()(staged.scenario)
    if registry.all() != before:
        raise ValueError("a package registers with the decorator that it is called with, no other")


def _name(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.value


def _check(definition: "Definition", registry: "Catalogue", ours: tuple[str, ...]) -> None:
    """Raise ValueError for a scenario that the catalogue cannot take."""
    if not ID.fullmatch(definition.id) or definition.id.split("-")[0] in OURS:
        raise ValueError(
            f"{definition.id}: an id is like ACME-01, and not one of {', '.join(OURS)}"
        )
    category = definition.category.strip().casefold()
    if not category or category in {known.casefold() for known in ours}:
        raise ValueError(f"{definition.id}: a package uses a category of its own")
    for field, longest in LONGEST.items():
        if len(getattr(definition, field)) > longest:
            raise ValueError(f"{definition.id}: the {field} has more than {longest} characters")
    for known in registry.all():
        if known.id == definition.id or known.slug == definition.slug:
            raise ValueError(f"{definition.id} {definition.slug} repeats {known.id}")


def _explain(error: BaseException) -> str:
    """Return what went wrong and where, in one line."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{place}"[:500]
