"""How Python's garbage collector behaves in a process that does nothing but serve."""

import gc

SELDOM = (50_000, 50, 1000)  # instead of (700, 10, 10)


def relax() -> None:
    """Let it look seldom, and never at what is there already.

    A gateway keeps its last hundred thousand messages and makes hardly a circle. Looking through
    them again and again costs each client milliseconds at moments that nobody can foresee.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*SELDOM)
