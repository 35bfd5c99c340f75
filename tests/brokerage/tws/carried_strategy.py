"""Hypothesis strategies for messages with a value wherever the layout of a version has room."""

import math
from typing import Any, get_args

from hypothesis import strategies as st

from brokerage.tws.fields import FRACTIONS_SINCE, Offset, Quantity, Size
from brokerage.tws.layout import Layout, Plain
from brokerage.tws.parts import Conditional, Gated, Part, Path, Repeat, Scalar
from brokerage.tws.reading import get_hints
from tests.brokerage.tws.messages_strategy import SIZES, TEXT, of_type

Values = dict[str, Any]  # of an object, those of its nested objects nested

NUMBERS = st.floats(-1e15, 1e15)
WHOLE_SIZES = st.integers(-(10**12), 10**12).map(float)
TELLING = {  # values that decide on what follows
    "order_type": st.sampled_from(["LMT", "PEG BENCH", "PEG BEST", "PEG MID"]) | TEXT,
    "sec_type": st.sampled_from(["STK", "BAG"]) | TEXT,
    "exchange": st.sampled_from(["SMART", "IBKRATS"]) | TEXT,
}
KINDS = {"TickByTick": st.integers(0, 5), "Condition": st.sampled_from([1, 3, 4, 5, 6, 7])}


@st.composite
def carried(draw: st.DrawFn, layout: Layout, version: int) -> Any:
    """Objects of the layout's class whose every value crosses the wire at this version."""
    if isinstance(layout, Plain):
        return draw(of_type(layout.cls))
    values: Values = {}
    for part in layout.parts:
        _fill(draw, part, layout.cls, version, values)
    return build(layout.cls, values)


def _fill(draw: st.DrawFn, part: Part, cls: Any, version: int, values: Values) -> None:
    if isinstance(part, Gated) and part.applies(version):
        _fill(draw, part.part, cls, version, values)
    elif isinstance(part, Conditional) and part.test(_get(values, part.path)):
        for inner in part.parts:
            _fill(draw, inner, cls, version, values)
    elif isinstance(part, Repeat):
        items = draw(st.lists(carried(part.element, version), max_size=3))
        _set(values, part.path, tuple(items))
    elif isinstance(part, Scalar):
        _set(values, part.path, draw(_value(cls, part.path, version)))


def _get(values: Values, path: Path) -> Any:
    """What has been drawn for a path; None if nothing has."""
    found: Any = values
    for name in path:
        found = found.get(name) if isinstance(found, dict) else getattr(found, name)
    return found


def _set(values: Values, path: Path, value: Any) -> None:
    for name in path[:-1]:
        values = values.setdefault(name, {})
    values[path[-1]] = value


def build(cls: Any, values: Values) -> Any:
    """An object of the class; nested values become its nested objects."""
    hints = get_hints(cls)
    return cls(
        **{
            name: build(hints[name], value) if isinstance(value, dict) else value
            for name, value in values.items()
        }
    )


def _value(cls: Any, path: Path, version: int) -> st.SearchStrategy[Any]:
    hint, owner = cls, cls
    for name in path:
        owner, hint = hint, get_hints(hint)[name]
    if path[-1] == "kind" and owner.__name__ in KINDS:
        return KINDS[owner.__name__]
    if hint is str:
        return TELLING.get(path[-1], TEXT)
    if hint == Quantity:
        return SIZES
    if hint == Size:
        return SIZES if version >= FRACTIONS_SINCE else WHOLE_SIZES
    if hint == Offset:
        return NUMBERS | st.sampled_from([None, math.inf])
    if hint is float or float in get_args(hint):
        return NUMBERS if hint is float else NUMBERS | st.none()
    return of_type(hint)
