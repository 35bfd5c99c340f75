"""Models whose rows are written once; the triggers of their tables see to it in the database."""

from typing import Any, TypeVar

from django.db import models

from crucible.ledger.triggers import triggers

__all__ = ["AppendOnlyError", "AppendOnlyModel", "AppendOnlyQuerySet", "triggers"]


class AppendOnlyError(TypeError):
    """Code tried to change or delete a row of an append-only table."""


Row = TypeVar("Row", bound=models.Model, covariant=True)


class AppendOnlyQuerySet(models.QuerySet[Row]):
    """Refuses, before the database has to, what its triggers refuse."""

    def update(self, **kwargs: Any) -> int:
        """Raise AppendOnlyError."""
        raise AppendOnlyError(f"{self.model.__name__} rows are never changed")

    def delete(self) -> tuple[int, dict[str, int]]:
        """Raise AppendOnlyError."""
        raise AppendOnlyError(f"{self.model.__name__} rows are never deleted")


AppendOnlyManager = models.Manager.from_queryset(AppendOnlyQuerySet)


class AppendOnlyModel(models.Model):
    """A model whose rows are written once; its migration adds `triggers(table)` as well."""

    objects = AppendOnlyManager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert the row; raise AppendOnlyError when it exists already."""
        if not self._state.adding:
            raise AppendOnlyError(f"{type(self).__name__} rows are never changed")
        super().save(*args, **(kwargs | {"force_insert": True}))

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Raise AppendOnlyError."""
        raise AppendOnlyError(f"{type(self).__name__} rows are never deleted")
