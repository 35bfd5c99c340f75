"""Which version of the product runs, found once at start-up, and on what."""

import functools
import subprocess
import sys
from importlib.metadata import version
from typing import Any

from django.conf import settings

from brokerage.terms import Target

# Where a session's facts keep what it ran on.
SURROUNDINGS = "surroundings"
UNKNOWN = "unknown"


@functools.cache
def code_version() -> str:
    """Return settings.CODE_VERSION, else the commit of the working copy, else "unknown"."""
    if settings.CODE_VERSION:
        return str(settings.CODE_VERSION)
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"],  # noqa: S607 - wherever git is installed
            cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=5, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return UNKNOWN
    return done.stdout.strip()


def surroundings(target: Target) -> dict[str, Any]:
    """Return what this process runs a session on: its versions, and the gateway as it is set up."""
    return {
        "python": list(sys.version_info[:2]),
        "ib_async": version("ib_async"),
        "port": target.port,
        "always_open": target.always_open,
    }
