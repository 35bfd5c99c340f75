"""Hypothesis strategies that make any message of the protocol from its field types."""

from dataclasses import fields, is_dataclass
from types import UnionType
from typing import Any, get_args, get_origin

from hypothesis import strategies as st

from brokerage.tws.fields import UNSET_DOUBLE, UNSET_INTEGER, Offset, Quantity, Size
from brokerage.tws.messages import Condition
from brokerage.tws.reading import get_hints

TEXT = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=12)
WHOLE = st.integers(-(2**63), 2**63 - 1)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)
PLAIN = {str: TEXT, int: WHOLE, bool: st.booleans(), float: NUMBER}
SIZES = st.floats(-1e12, 1e12)


def of_type(hint: Any) -> st.SearchStrategy[Any]:
    """Values of one field's type."""
    if hint in {Quantity, Size, Offset}:
        return SIZES
    if get_origin(hint) is UnionType:
        plain = of_type(get_args(hint)[0])
        return st.none() | plain.filter(lambda value: value not in {UNSET_DOUBLE, UNSET_INTEGER})
    if get_origin(hint) is tuple:
        return st.lists(of_type(get_args(hint)[0]), max_size=3).map(tuple)
    return instances(hint) if is_dataclass(hint) else PLAIN[hint]


def instances(cls: Any) -> st.SearchStrategy[Any]:
    """Objects of a message class, with nothing left at its default."""
    hints = get_hints(cls)
    parts = {field.name: of_type(hints[field.name]) for field in fields(cls) if field.init}
    if cls is Condition:
        parts["kind"] = st.sampled_from([1, 3, 4, 5, 6, 7])
    return st.builds(cls, **parts)
