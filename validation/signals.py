"""Signals of validation."""

from django.dispatch import Signal

# Signed content has changed: sent with `subject` (a session's number) and `actor` (a person, or the
# name of a part of the system), inside the transaction of the change.
changed = Signal()

# An archive asks for what was signed: sent with `subject`; each answer is a mapping of file names
# to texts, empty when nothing was.
signed_files_wanted = Signal()
