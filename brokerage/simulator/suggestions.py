"""Suggest the name that somebody may have meant."""

import difflib
from collections.abc import Iterable


def suggestion(name: object, names: Iterable[str], otherwise: str) -> str:
    """`did you mean …?` with the name most like it; `otherwise` where none is."""
    close = difflib.get_close_matches(str(name), list(names), n=1)
    return f"did you mean {close[0]}?" if close else otherwise
