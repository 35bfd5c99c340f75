"""What a log line is about: one id from the click to its last consequence, and who acts."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

LONGEST = 80
UNPRINTABLE = re.compile(r"[^\w./:@+-]")


@dataclass(frozen=True)
class About:
    """What is under way in this thread or task; what is not known is empty."""

    correlation: str = ""
    actor: str = ""
    session: str = ""
    scenario: str = ""


NOTHING = About()
_about: ContextVar[About] = ContextVar("about", default=NOTHING)


def about() -> About:
    """Return what is under way here."""
    return _about.get()


def correlation() -> str:
    """Return the correlation id of what is under way, or nothing; a default of columns."""
    return _about.get().correlation


def actor() -> str:
    """Return who acts, a person or a part of the system, or nothing; a default of columns."""
    return _about.get().actor


def new_id(kind: str) -> str:
    """Return a fresh correlation id; `kind` says where it began: req, cmd, task."""
    return f"{kind}-{secrets.token_hex(8)}"


def begin(identifier: str, *, actor: str = "") -> None:
    """Say from here on, in this thread or task, what is under way (an id of 80 characters)."""
    _about.set(About(_clean(identifier), _clean(actor)))


def acting(actor: str) -> None:
    """Say who acts, once that is known; the id stays."""
    _about.set(replace(_about.get(), actor=_clean(actor)))


@contextmanager
def correlated(
    identifier: str = "", *, actor: str = "", session: str = "", scenario: str = ""
) -> Iterator[None]:
    """Give everything logged or recorded inside the block the same id, and what is told here.

    What is not told stays as it is around the block.
    """
    told = {"correlation": identifier, "actor": actor, "session": session, "scenario": scenario}
    known = {name: _clean(text) for name, text in told.items() if text}
    token = _about.set(replace(_about.get(), **known))
    try:
        yield
    finally:
        _about.reset(token)


def _clean(text: str) -> str:
    """Keep out what would break a line or a column: ids come over the network, too."""
    return UNPRINTABLE.sub("_", text)[:LONGEST]
