"""Takes account ids and account names out of frames before they are written anywhere.

An id becomes a placeholder of the same length and the same leading letters (`DU7654321` becomes
`DU0000001`), the same one throughout a recording, so that paper and live accounts can still be told
apart and every frame keeps its length.

An id is recognised wherever it occurs in a frame, also inside texts, if it looks like one (an
optional D, then U, F or I, perhaps one letter more, and five to nine digits), if it was announced
in managedAccts, if it stood in an account field of any message before (versions up to 178), or if
it was given beforehand. What an account field holds that is no id (a group, an alias) is replaced
in account fields. Values whose key speaks of a name, an alias, an owner or an address, and the
advisor's XML and family codes, are withheld altogether.

Not redacted: prices, sizes, positions, balances, order references, model codes, permanent ids,
execution ids and times, which may tell an insider whose account it is; names in free text; an id
that does not look like one and occurs before any of the above has named it; an id written without
its letters; anything inside protobuf but ids.
"""

import re
from collections.abc import Iterable

from brokerage.relay.wire import body, is_protobuf, number_of, see, table
from brokerage.tws.table import Message

MANAGED_ACCOUNTS = 15
LOOKS_LIKE_ONE = re.compile(rb"(?<![A-Za-z0-9])D?[UFI][A-Z]?[0-9]{5,9}[A-Z]?(?![A-Za-z0-9])")
AN_ID = re.compile(r"[A-Z]{1,4}[0-9]{3,}[A-Z]?")
NOT_NAMES = {"", "All"}
PRIVATE_KEY = re.compile(rb"name|alias|owner|address|e-?mail|phone|title", re.IGNORECASE)
KEYED = {6: 2, 63: 4, 73: 5}  # to the client: number -> position of the key; the value follows
WITHHELD = {True: {19}, False: {16, 78}}  # by direction: the advisor's XML, family codes
WITHHOLD = b"(withheld)"


def _bearers(to_gateway: bool) -> frozenset[int]:
    """Numbers of the messages that have an account field."""
    rows = table(to_gateway).by_class.items()
    return frozenset(row.number for cls, row in rows if accounts_in(cls()))


def accounts_in(message: Message) -> list[str] | None:
    """What stands in a message's account field; None if it has no such field."""
    order = getattr(message, "order", None)
    found = [getattr(part, "account", None) for part in (message, order) if part is not None]
    texts = [text for text in found if text is not None]
    return texts or None


BEARERS = {True: _bearers(True), False: _bearers(False)}


class Redactor:
    """Replaces ids and names, each by the same placeholder for as long as it lives."""

    def __init__(self, accounts: Iterable[str] = ()) -> None:
        """`accounts` are known from the start."""
        self._ids: dict[bytes, bytes] = {}
        self._names: dict[bytes, bytes] = {}
        self._search = LOOKS_LIKE_ONE
        for account in accounts:
            self.learn(account)

    def learn(self, text: str) -> None:
        """Replace this from now on: everywhere if it is an id, in account fields otherwise."""
        known = text.encode()
        if known.upper() in self._ids or known in self._names or text in NOT_NAMES:
            return
        if AN_ID.fullmatch(text):
            self._know(known)
        else:
            self._names[known] = b"(name %d)" % (len(self._names) + 1)

    def _know(self, account: bytes) -> bytes:
        """An id's placeholder; longer ids are searched first, for one may begin another."""
        if account.upper() not in self._ids:
            self._ids[account.upper()] = self._placeholder(account.decode())
            known = sorted(self._ids, key=len, reverse=True)
            exact = b"(?i:" + b"|".join(map(re.escape, known)) + b")"
            self._search = re.compile(exact + b"|" + LOOKS_LIKE_ONE.pattern)
        return self._ids[account.upper()]

    def _placeholder(self, account: str) -> bytes:
        letters = account[: len(account) - len(account.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))]
        number = len(self._ids) + 1
        return f"{letters}{number:0{len(account) - len(letters)}d}".encode()

    def payload(self, payload: bytes, to_gateway: bool, version: int) -> bytes:
        """The frame without ids and names."""
        number = number_of(payload, version)
        head, rest = body(payload, version)
        if is_protobuf(payload, version):
            return head + self.text(rest)
        if number in WITHHELD[to_gateway]:
            return (head or payload.split(b"\0", 1)[0] + b"\0") + WITHHOLD + b"\0"
        bears = number in BEARERS[to_gateway] or (number == MANAGED_ACCOUNTS and not to_gateway)
        if bears:
            self._learn_from(payload, to_gateway, version)
        fields = rest.split(b"\0")
        if not to_gateway and number in KEYED:
            _withhold_value(fields, KEYED[number] - (1 if head else 0))
        return head + b"\0".join(self._field(field, bears) for field in fields)

    def _learn_from(self, payload: bytes, to_gateway: bool, version: int) -> None:
        seen = see(payload, to_gateway, version)
        if seen.number == MANAGED_ACCOUNTS and not to_gateway:
            for account in seen.fields[-1].split(","):
                self.learn(account.strip())
        for text in accounts_in(seen.message) or ():
            self.learn(text)

    def _field(self, field: bytes, bears: bool) -> bytes:
        if bears and field in self._names:
            return self._names[field]
        return self.text(field)

    def text(self, text: bytes) -> bytes:
        """Any bytes without ids."""
        return self._search.sub(lambda match: self._know(match[0]), text)


def _withhold_value(fields: list[bytes], key: int) -> None:
    if len(fields) > key + 1 and PRIVATE_KEY.search(fields[key]):
        fields[key + 1] = WITHHOLD
