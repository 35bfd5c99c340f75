"""Signals of validation."""

from django.dispatch import Signal

# Signed content has changed: sent with `subject` (a session's number) and `actor` (a person, or the
# name of a part of the system), inside the transaction of the change.
changed = Signal()
