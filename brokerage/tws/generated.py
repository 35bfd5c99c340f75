"""Python source that is put together and compiled once, as dataclasses do it.

A gateway writes and reads nothing but these messages. Walking a layout for each of an order's 135
fields costs ten times what straight code does.
"""

from collections.abc import Callable
from typing import Any


class Source:
    """A function in the making: its lines, and the objects that it refers to by name."""

    def __init__(self, head: str) -> None:
        self._lines = [head]
        self._names: dict[str, Any] = {}
        self._depth = 1

    def name(self, value: Any) -> str:
        """The name by which the function knows an object."""
        found = next((name for name, known in self._names.items() if known is value), None)
        if found is None:
            found = f"g{len(self._names)}"
            self._names[found] = value
        return found

    def line(self, text: str) -> None:
        """Add a line at the present depth."""
        self._lines.append(f"{'    ' * self._depth}{text}")

    def deeper(self, by: int) -> None:
        """Indent what follows (1), or end an indented block (−1)."""
        self._depth += by

    def compiled(self, title: str) -> Callable[..., Any]:
        """The function `made` that the lines define."""
        code = compile("\n".join(self._lines), f"<{title}>", "exec")
        exec(code, self._names)  # noqa: S102 – built from the layouts in this package alone
        made: Callable[..., Any] = self._names["made"]
        return made
