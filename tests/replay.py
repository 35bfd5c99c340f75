"""Write a fixture's rows again as they were written first, without the work of finding them."""

from collections.abc import Callable, Hashable
from typing import Any

from django.db import connection

Statement = tuple[str, Any]
WRITES = ("INSERT", "UPDATE", "DELETE")


class Recordings:
    """What fixtures have written; each is made once for every stand of the database it begins on.

    That works in a transaction that will be rolled back on SQLite, which gives the numbers of the
    rows back as well. Anywhere else, the rows are made every time.
    """

    def __init__(self) -> None:
        self._kept: dict[Hashable, list[Statement]] = {}

    def write(self, name: Hashable, make: Callable[[], object]) -> None:
        """Call `make`, or repeat what it wrote when the database last stood as it stands now.

        `name` tells what the rows depend on besides. What `make` does to anything but the database
        is not repeated.
        """
        if connection.vendor != "sqlite" or not connection.in_atomic_block:
            make()
            return
        key = (name, _numbers())
        if (statements := self._kept.get(key)) is None:
            self._keep(key, make)
        else:
            with connection.cursor() as cursor:
                for sql, params in statements:
                    cursor.execute(sql, params)

    def _keep(self, key: Hashable, make: Callable[[], object]) -> None:
        statements: list[Statement] = []
        whole = True

        def listen(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            nonlocal whole
            if sql.startswith(WRITES):
                statements.append((sql, params))
            whole = whole and not many and not sql.startswith("ROLLBACK")
            return execute(sql, params, many, context)

        with connection.execute_wrapper(listen):
            make()
        if whole:
            self._kept[key] = statements


def _numbers() -> tuple[tuple[str, int], ...]:
    """The number of the last row ever written to each table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, seq FROM sqlite_sequence ORDER BY name")
        return tuple(cursor.fetchall())
