"""Which version of the product runs, found once at start-up."""

import functools
import subprocess

from django.conf import settings


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
        return "unknown"
    return done.stdout.strip()
