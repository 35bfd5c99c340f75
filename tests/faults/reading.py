"""Read a stage's database from outside, over one connection that is made anew when it ends."""

import threading
from typing import Any, Self

import psycopg


class Reader:
    """Each read is a transaction of its own; several threads may read, one after the other."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._turn = threading.Lock()
        self._connection: psycopg.Connection[Any] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return what is found; raises psycopg.Error when the database is away."""
        with self._turn:
            if self._connection is not None:
                try:
                    return self._ask(self._connection, sql, values)
                except psycopg.OperationalError:
                    # A server that was away is asked again; any other complaint is meant.
                    if not self._connection.closed:
                        raise
            self._connection = psycopg.connect(self._url, autocommit=True, connect_timeout=10)
            return self._ask(self._connection, sql, values)

    def _ask(
        self, connection: psycopg.Connection[Any], sql: str, values: tuple[Any, ...]
    ) -> list[tuple[Any, ...]]:
        return connection.execute(sql, values).fetchall()  # type: ignore[call-overload,no-any-return]

    def close(self) -> None:
        """End the connection; the next read makes another."""
        with self._turn:
            if self._connection is not None:
                self._connection.close()
            self._connection = None
