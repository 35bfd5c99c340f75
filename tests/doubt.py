"""A commit of which nobody hears: the transaction is through, and the connection breaks."""

from collections.abc import Callable

import pytest
from django.db import OperationalError, connection


def break_next_commit(patch: pytest.MonkeyPatch, *, committed: bool) -> None:
    """Let the next commit fail in this thread, before it or just after it has taken place."""
    real: Callable[[], None] = connection.commit

    def commit() -> None:
        patch.undo()
        if committed:
            real()
        raise OperationalError("server closed the connection unexpectedly")

    patch.setattr(connection, "commit", commit)
