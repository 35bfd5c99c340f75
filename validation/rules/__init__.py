"""The rules that tick checklist items: each looks at a session's facts and says what it found.

A rule that can't know says so (`ok` is None), and the item stays open: it is never ticked by guess.
"""

from validation.rules import gateway, kept, session
from validation.rules.rule import RULES, Finding, apply

__all__ = ["RULES", "Finding", "apply", "gateway", "kept", "session"]
