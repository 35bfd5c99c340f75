"""How much memory this process occupies."""

import os
import resource
import sys
from pathlib import Path

STATM = Path("/proc/self/statm")
MEGABYTE = 1024 * 1024


def resident_mb() -> float:
    """Return the resident memory of this process in MB (2^20 bytes).

    Where the system tells no present figure, the highest one so far: that never shrinks, so growth
    measured by it is never too small.
    """
    try:
        pages = int(STATM.read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return _highest_mb()
    return pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE


def _highest_mb() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MEGABYTE
