"""A serving process looks for garbage seldom, and not among what it began with."""

import gc

from brokerage.simulator.collector import SELDOM, relax


def test_what_is_there_is_never_looked_at_again():
    before, frozen = gc.get_threshold(), gc.get_freeze_count()
    try:
        relax()
        assert gc.get_threshold() == SELDOM
        assert gc.get_freeze_count() > frozen
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
