"""Take account ids and passwords out of text that is kept for reading."""

import re

from brokerage.relay.redaction import LOOKS_LIKE_ONE

ACCOUNT = "(account)"
LOGIN = re.compile(r"(?<=://)[^/@\s]+(?=@)")


def withheld(text: str) -> str:
    """Return the text without what looks like an account id, or a login in an address."""
    named = LOOKS_LIKE_ONE.sub(ACCOUNT.encode(), text.encode("utf-8", "replace")).decode()
    return LOGIN.sub("(login)", named)
