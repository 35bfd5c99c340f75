"""What is to be stored, made so that every database takes it as SQLite does."""

from typing import TypeVar

from django.db import models

from validation.scenarios.trial import clean

Row = TypeVar("Row", bound=models.Model)
# What PostgreSQL keeps as an integer.
INTEGERS = range(-(2**31), 2**31)


def storable(row: Row) -> Row:
    """Cut texts to what their columns hold, without what no database keeps; return the same row.

    A number that is none, or too large, is left out where the column may be empty: one row that
    the database refuses would keep all that come after it from being written.
    """
    for field in row._meta.concrete_fields:
        value = getattr(row, field.attname)
        if value is None:
            continue
        if isinstance(field, models.CharField | models.TextField):
            setattr(row, field.attname, clean(str(value))[: field.max_length])
        elif type(field) is models.IntegerField and field.null and value not in INTEGERS:
            setattr(row, field.attname, None)
    return row
