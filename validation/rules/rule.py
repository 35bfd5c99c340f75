"""What a rule is, and the register of all rules by name."""

from collections.abc import Callable
from dataclasses import dataclass

from validation.facts import Facts


@dataclass(frozen=True)
class Finding:
    """What the machine saw; `ok` is None when that decides nothing."""

    ok: bool | None
    text: str


Rule = Callable[[Facts, str], Finding]
RULES: dict[str, Rule] = {}


def rule(function: Rule) -> Rule:
    """Register a rule under its function's name."""
    RULES[function.__name__] = function
    return function


def apply(name: str, facts: Facts) -> Finding:
    """Apply the rule `name` or `name:argument`; raises KeyError for one that does not exist."""
    key, _, argument = name.partition(":")
    return RULES[key](facts, argument)
