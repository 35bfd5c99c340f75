"""The preflight: what must be known, and well, before a session may run (HP-01 to HP-33)."""

from validation.preflight.process import prepare

__all__ = ["prepare"]
