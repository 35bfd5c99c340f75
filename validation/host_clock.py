"""Whether this host's clock is kept by a time service (NTP), as its kernel says."""

import ctypes
import ctypes.util

NOT_SYNCHRONISED = 5  # TIME_ERROR of adjtimex
ROOM = 512  # more bytes than the kernel's struct timex has; all zero asks and changes nothing


def synchronised() -> bool | None:
    """Return the kernel's word on it; None where the kernel can't be asked."""
    try:
        ask = ctypes.CDLL(ctypes.util.find_library("c"), use_errno=True).adjtimex
    except (OSError, AttributeError):
        return None
    state = ask(ctypes.create_string_buffer(ROOM))
    return None if state < 0 else state != NOT_SYNCHRONISED
