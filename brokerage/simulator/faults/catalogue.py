"""Every fault there is by name, and how one is made from a name and parameters."""

import math
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields
from inspect import cleandoc
from typing import Any

from brokerage.simulator.faults import (
    account,
    connection,
    contracts,
    fills,
    history,
    link,
    order_changes,
    order_reports,
    orders,
    quotes,
    restart,
    session,
    streams,
)
from brokerage.simulator.faults.fault import Fault, FaultError
from brokerage.simulator.suggestions import suggestion

MODULES = (
    connection,
    restart,
    link,
    session,
    account,
    orders,
    order_changes,
    order_reports,
    fills,
    quotes,
    streams,
    history,
    contracts,
)


def _classes() -> dict[str, type[Fault]]:
    """The faults of the modules, in the order in which they are written."""
    found: dict[str, type[Fault]] = {}
    for module in MODULES:
        for one in vars(module).values():
            mine = isinstance(one, type) and issubclass(one, Fault)
            if mine and one.__module__ == module.__name__ and one.incidents:
                if one.name in found:
                    raise ValueError(f"two faults are called {one.name}")
                found[one.name] = one
    return found


CATALOGUE: Mapping[str, type[Fault]] = _classes()


def known(name: str) -> type[Fault]:
    """The class of a fault; raises FaultError and suggests a name like it."""
    if name in CATALOGUE:
        return CATALOGUE[name]
    hint = suggestion(name, CATALOGUE, "`crucible-gateway faults` lists them.")
    raise FaultError(f"There is no fault called {name}: {hint}")


def parameters(cls: type[Fault]) -> dict[str, Any]:
    """The parameters of a fault and their defaults."""
    return {
        field.name: field.default if field.default is not MISSING else field.default_factory()
        for field in _fields(cls)
    }


def _fields(cls: type[Any] | Any) -> list[Any]:
    return [field for field in fields(cls) if field.init]


def settings(fault: Fault) -> dict[str, Any]:
    """The parameters that a fault was made with."""
    return {field.name: getattr(fault, field.name) for field in _fields(fault)}


def build(name: str, params: Mapping[str, Any]) -> Fault:
    """A fault from plain values; raises FaultError for a wrong name, parameter or value."""
    cls = known(name)
    defaults = parameters(cls)
    for given in params:
        if given not in defaults:
            has = ", ".join(defaults) or "none"
            raise FaultError(f"{name} has no parameter {given}; it has: {has}.")
    values = {key: _fitting(name, key, value, defaults[key]) for key, value in params.items()}
    for key in values.keys() - cls.signed:
        if isinstance(values[key], (int, float)) and values[key] < 0:
            raise FaultError(f"{name}: {key} must not be below 0.")
    try:
        return cls(**values)
    except (TypeError, ValueError) as error:
        raise FaultError(f"{name}: {error}") from None


def _fitting(name: str, key: str, value: Any, default: Any) -> Any:
    """The value in the type of the default; raises FaultError."""
    if default is None or (value is None and not isinstance(default, (bool, int, float))):
        return value
    if isinstance(default, tuple) and isinstance(value, (list, tuple)):
        return tuple(value)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if isinstance(default, float) and number and math.isfinite(value):
        return float(value)
    if type(value) is type(default) and not isinstance(value, float):
        return value
    want = {float: "a number", int: "a whole number", str: "a text", bool: "true or false"}
    kind = want.get(type(default), "a list")
    raise FaultError(f"{name}: {key} must be {kind}, not {value!r}.")


def describe(cls: type[Fault]) -> dict[str, Any]:
    """A fault in plain values: name, what, signal, parameters, incidents."""
    return {
        "name": cls.name,
        "what": cleandoc(cls.__doc__ or ""),
        "signal": cls.signal,
        "parameters": parameters(cls),
        "incidents": [asdict(incident) | {"url": incident.url} for incident in cls.incidents],
    }
