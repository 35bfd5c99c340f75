"""The files and listings that a page of the documentation shows."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[3]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"# (\w+\.py)\n")


class Block(NamedTuple):
    """A fenced block; `name` is the file that its first line names, or empty."""

    language: str
    name: str
    text: str


def blocks(page: str) -> list[Block]:
    """The blocks of a page, given as its path from the root."""
    found = []
    for language, text in FENCE.findall((ROOT / page).read_text()):
        named = NAMED.match(text)
        found.append(Block(language, named[1] if named else "", text))
    return found
