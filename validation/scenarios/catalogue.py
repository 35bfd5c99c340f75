"""The registry of scenarios: a decorator fills it, and it refuses duplicates."""

import hashlib
import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from validation import scenarios
from validation.findings import TWO_HOURS
from validation.guests import Package, welcome
from validation.scenarios.trial import Trial

ScenarioFunction = Callable[[Trial], Awaitable[None]]
SYMBOL = re.compile(r"[A-Z][A-Z0-9. ]{0,11}")
SEVERITIES = ("S-CRIT", "S-HIGH", "S-MED")
# Twice as long is overdue (SC-07): the last third of the time-out is left to tell people of it.
USUAL_SHARE = 1 / 3


class Need(StrEnum):
    """What a scenario can't do without."""

    MARKET_HOURS = "MARKET_HOURS"
    ORDERS = "ORDERS"
    FAULTS = "FAULTS"


MARKET_HOURS, ORDERS, FAULTS = Need.MARKET_HOURS, Need.ORDERS, Need.FAULTS


class Category(StrEnum):
    """The four groups of a full session in the order in which it runs them, then procedures."""

    BC = "Broker Connectivity"
    MD = "Market Data"
    OE = "Order Execution"
    RS = "Resilience"
    X = "Procedures"


CORE = (Category.BC, Category.MD, Category.OE, Category.RS)


class UnknownScenarioError(LookupError):
    """Somebody asked for a scenario that the catalogue does not have."""


@dataclass(frozen=True)
class Definition:
    """A scenario: what it is called, how long it may take (session seconds), and its function.

    It takes `expected` when all is well, and is ended at `timeout`. What it trades beside the
    configured test contract, it says in `trades`, by the symbol of the underlying.
    """

    id: str
    slug: str
    title: str
    category: str
    timeout: float
    expected: float
    severity: str
    needs: frozenset[Need]
    cases: tuple[int, ...]
    waivable: bool
    own_connection: bool
    function: ScenarioFunction
    trades: tuple[str, ...] = ()

    @property
    def description(self) -> str:
        """What the scenario shows, in the words of its docstring."""
        return inspect.getdoc(self.function) or ""

    @property
    def version(self) -> str:
        """SHA-256 of the source of the scenario's file and of the shared steps that it uses."""
        return _digest(self.function.__module__)

    @property
    def order(self) -> tuple[int, str, str]:
        """Where it stands in a session: by category, those of packages last, then by id."""
        known = list(Category)
        place = known.index(Category(self.category)) if self.category in known else len(known)
        return place, self.category, self.id

    @property
    def core(self) -> bool:
        """Whether a full session runs it; a procedure is run when somebody asks for it."""
        return self.category in CORE

    def wants(self, need: Need) -> bool:
        """Say whether the scenario needs this."""
        return need in self.needs


@cache
def _digest(module: str) -> str:
    sources = [inspect.getsource(sys.modules[name]) for name in sorted(used_by(module, set()))]
    return hashlib.sha256("\0".join(sources).encode()).hexdigest()


def used_by(module: str, seen: set[str]) -> set[str]:
    """Add the module and those of its own package that its names come from, however deep."""
    seen.add(module)
    package = module.rpartition(".")[0]
    for value in list(vars(sys.modules[module]).values()):
        name = getattr(value, "__module__", None) or ""
        if name not in seen and name.startswith(f"{package}.") and package:
            used_by(name, seen)
    return seen


class Catalogue:
    """All scenarios by id."""

    def __init__(self) -> None:
        self._by_id: dict[str, Definition] = {}

    def scenario(
        self,
        *,
        id: str,  # noqa: A002 - the scenario's own word
        slug: str,
        title: str,
        category: str,
        timeout: float,
        expected: float | None = None,
        severity: str,
        needs: Iterable[Need] = (),
        cases: tuple[int, ...] = (),
        waivable: bool = True,
        own_connection: bool = False,
        trades: Iterable[str] = (),
    ) -> Callable[[ScenarioFunction], ScenarioFunction]:
        """Register the decorated function; raise ValueError for a duplicate or a missing text.

        With `own_connection` the trial comes without a desk: the scenario is about connecting.
        One that does not say how long it is expected to take is given a third of its time-out.
        """
        if isinstance(trades, str):
            raise ValueError(f"{id}: trades is a list of symbols, such as [{trades!r}]")
        usual = timeout * USUAL_SHARE if expected is None else expected

        def register(function: ScenarioFunction) -> ScenarioFunction:
            self.add(
                Definition(
                    id, slug, title, _known(category), timeout, usual, severity,
                    frozenset(needs), cases, waivable, own_connection, function, tuple(trades),
                )
            )  # fmt: skip
            return function

        return register

    def add(self, definition: Definition) -> None:
        """Add one scenario; raise ValueError for a duplicate, a missing text, a bad severity.

        Its category is one of `Category`, or a package's own.
        """
        for known in self._by_id.values():
            if known.id == definition.id or known.slug == definition.slug:
                raise ValueError(f"{definition.id} {definition.slug} repeats {known.id}")
        if not definition.description:
            raise ValueError(f"{definition.id} says nowhere what it shows: give it a docstring")
        if (
            definition.severity not in SEVERITIES
            or not 0 < definition.expected <= definition.timeout
        ):
            raise ValueError(f"{definition.id}: severity, timeout or expected is out of range")
        if definition.trades and not definition.wants(ORDERS):
            raise ValueError(f"{definition.id} names what it trades, but does not need ORDERS")
        for symbol in definition.trades:
            if not SYMBOL.fullmatch(symbol):
                raise ValueError(f"{definition.id}: {symbol!r} in trades is no symbol")
        self._by_id[definition.id] = definition

    def keep(self, definitions: Iterable[Definition]) -> None:
        """Forget every scenario but these."""
        self._by_id = {definition.id: definition for definition in definitions}

    def all(self) -> list[Definition]:
        """Return every scenario in the order of a session, procedures last."""
        return sorted(self._by_id.values(), key=lambda definition: definition.order)

    def core(self) -> list[Definition]:
        """Return what a full session runs, in its order."""
        return [definition for definition in self.all() if definition.core]

    def get(self, id: str) -> Definition:  # noqa: A002 - the scenario's own word
        """Return one scenario by id or slug; raise UnknownScenarioError."""
        for definition in self._by_id.values():
            if id in {definition.id, definition.slug}:
                return definition
        known = ", ".join(sorted(self._by_id)) or "none"
        raise UnknownScenarioError(f"There is no scenario {id}. Known: {known}.")

    def select(
        self, wanted: Collection[str] | None, *, two_hours: bool = False
    ) -> list[Definition]:
        """Return the wanted scenarios, or a full session's for None, in the order of a session.

        With `two_hours` the procedure that waits for the two hours of the watch comes along.
        """
        chosen = {one.id for one in (self.core() if wanted is None else map(self.get, wanted))}
        chosen |= {TWO_HOURS} if two_hours else set()
        return [definition for definition in self.all() if definition.id in chosen]


def _known(category: str) -> str:
    return Category(category) if category in list(Category) else category


registry = Catalogue()
scenario = registry.scenario


@cache
def packages() -> tuple[Package, ...]:
    """Return the installed packages of scenarios; the first call adds these to the registry."""
    return welcome(registry, Catalogue, [category.value for category in Category])


def load() -> Catalogue:
    """Import every file of scenarios and return the filled registry, packages' included."""
    for module in pkgutil.iter_modules(scenarios.__path__):
        importlib.import_module(f"{scenarios.__name__}.{module.name}")
    packages()
    return registry
