"""Read the settings of a gateway from texts: a terminal's options, a project's ini file."""

import re
from argparse import ArgumentTypeError
from datetime import UTC, datetime

ACCOUNT = re.compile(r"[A-Z]{1,3}[0-9]{3,12}")
NOW = "now"
YES, NO = {"yes", "true", "on", "1"}, {"no", "false", "off", "0"}


def port(text: str) -> int:
    """A TCP port, 0 for any free one; raises ArgumentTypeError."""
    return _whole(text, "a port", 0, 65535)


def count(text: str) -> int:
    """A number from 1 to 100 000; raises ArgumentTypeError."""
    return _whole(text, "a number", 1, 100_000)


def _whole(text: str, what: str, least: int, most: int) -> int:
    if not text.strip().isdecimal() or not least <= int(text) <= most:
        raise ArgumentTypeError(f"{text!r} is not {what} from {least} to {most}")
    return int(text)


def seed(text: str) -> int:
    """A whole number from 0; raises ArgumentTypeError."""
    return _whole(text, "a seed", 0, 2**31 - 1)


def speed(text: str) -> float:
    """How many times faster than the wall a clock runs, 1 to 1000; raises ArgumentTypeError."""
    return _number(text, "a speed", 1.0, 1000.0)


def dollars(text: str) -> float:
    """An amount of at least a dollar; raises ArgumentTypeError."""
    return _number(text, "an amount", 1.0, 1e12)


def _number(text: str, what: str, least: float, most: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise ArgumentTypeError(f"{text!r} is not {what} from {least:g} to {most:g}")
    return value


def moment(text: str) -> datetime | None:
    """`2026-03-03T10:30-05:00`, UTC unless it names an offset; `now` is None.

    Raises ArgumentTypeError.
    """
    if text.strip() == NOW:
        return None
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a time like 2026-03-03T10:30-05:00") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def account(text: str) -> str:
    """An account id in the form `DU1234567`; raises ArgumentTypeError."""
    if not ACCOUNT.fullmatch(text.strip()):
        raise ArgumentTypeError(f"{text!r} is not an account id like DU1234567")
    return text.strip()


def accounts(text: str) -> tuple[str, ...]:
    """Account ids with commas or blanks between them; raises ArgumentTypeError."""
    return tuple(account(name) for name in text.replace(",", " ").split())


def yes(text: str) -> bool:
    """Yes or no; raises ArgumentTypeError."""
    word = text.strip().lower()
    if word not in YES | NO:
        raise ArgumentTypeError(f"{text!r} is neither yes nor no")
    return word in YES


def seconds(text: str) -> float:
    """From nothing to a day; raises ArgumentTypeError."""
    return _number(text, "a number of seconds", 0.0, 86_400.0)


def address(text: str) -> tuple[str, int]:
    """`host:port`; raises ArgumentTypeError."""
    host, colon, number = text.strip().rpartition(":")
    if not (host and colon):
        raise ArgumentTypeError(f"{text!r} is not host:port")
    return host, port(number)
