"""IBKR's codes and what they mean for us, and the errors that the port raises."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class ErrorClass(StrEnum):
    """What to do about a broker message."""

    PERMANENT = "PERMANENT"
    TRANSIENT = "TRANSIENT"
    RATE_LIMIT = "RATE_LIMIT"
    INFORMATIONAL = "INFORMATIONAL"


@dataclass(frozen=True)
class Code:
    """One broker code: its class when the text says nothing else, and its meaning in words."""

    cls: ErrorClass
    meaning: str


_PERMANENT = {
    102: "ticker id is in use",
    103: "order id is in use or too low",
    104: "a filled order can't be modified",
    105: "modification does not match the order",
    109: "price is out of range",
    110: "price is off the minimum variation",
    135: "order id is unknown",
    161: "order is not in a cancellable state",
    200: "no such contract, or an ambiguous one",
    201: "order rejected",
    203: "security not allowed for this account",
    320: "request can't be read",
    321: "request failed validation",
    322: "request failed processing",
    354: "no market-data subscription",
    420: "real-time query is invalid",
    434: "order size is zero",
    503: "gateway is too old",
    506: "versions do not match",
    10089: "market data needs a subscription",
    10147: "order to cancel was not found",
    10148: "order is too far along to be cancelled",
    10168: "no subscription, and delayed data is off",
    10186: "no entitlement to this tick data",
    10189: "no entitlement to tick-by-tick data",
    10268: "order attribute is not supported",
    10314: "date format is wrong",
}
_TRANSIENT = {
    162: "historical data service answered with an error",
    317: "market depth was reset",
    326: "client id is in use",
    404: "shares to borrow are being located",
    502: "nothing listens at the gateway's address",
    504: "not connected",
    507: "connection was closed by the gateway",
    1100: "gateway lost its link to the broker",
    1300: "socket port was reset",
    2103: "market-data farm is down",
    2105: "historical-data farm is down",
    2110: "gateway lost its link to the server",
    2157: "security-definition farm is down",
    10182: "live updates were lost",
    10197: "another session holds the market data",
    10225: "bust event: subscription ended",
}
_RATE_LIMIT = {
    100: "too many messages a second",
    101: "too many market-data lines",
    309: "too many market-depth requests",
    10190: "too many tick-by-tick requests",
}
_INFORMATIONAL = {
    165: "historical data service reports",
    202: "order was cancelled",
    300: "ticker id is unknown",
    366: "no such historical query",
    399: "order message",
    1101: "link restored, data lost",
    1102: "link restored, data kept",
    2104: "market-data farm is up",
    2106: "historical-data farm is up",
    2107: "historical-data farm sleeps until it is asked",
    2108: "market-data farm sleeps until it is asked",
    2119: "market-data farm is connecting",
    2158: "security-definition farm is up",
    10090: "part of the market data is not subscribed",
    10167: "delayed data is shown instead",
    10349: "time in force was set by a preset",
}
CODES: dict[int, Code] = {
    number: Code(cls, meaning)
    for cls, table in (
        (ErrorClass.PERMANENT, _PERMANENT),
        (ErrorClass.TRANSIENT, _TRANSIENT),
        (ErrorClass.RATE_LIMIT, _RATE_LIMIT),
        (ErrorClass.INFORMATIONAL, _INFORMATIONAL),
    )
    for number, meaning in table.items()
}
# A 162, 322 or 420 says what it is only in its text; the first phrase that occurs decides.
_BY_TEXT = (
    ("pacing", ErrorClass.RATE_LIMIT),
    ("maximum number of account summary", ErrorClass.RATE_LIMIT),
    ("no data", ErrorClass.PERMANENT),
    ("permission", ErrorClass.PERMANENT),
    ("cancel", ErrorClass.INFORMATIONAL),
    ("different ip address", ErrorClass.TRANSIENT),
)
MAX_RATE, NO_CONTRACT, ORDER_CANCELLED, CLIENT_ID_IN_USE = 100, 200, 202, 326
NOTHING_LISTENS, NOT_CONNECTED, CLOSED_BY_PEER, DATA_LOST = 502, 504, 507, 1101
LINK_LOST = frozenset({1100, 2110, 1300})
LINK_RESTORED = frozenset({1101, 1102})
# What breaks, and the codes that say that it works again.
RECOVERED_BY = {
    1100: frozenset({1101, 1102}),
    1300: frozenset({1101, 1102}),
    2110: frozenset({1101, 1102, 2104}),
    2103: frozenset({2104}),
    2105: frozenset({2106}),
    2157: frozenset({2158}),
}
CANCEL_TOO_LATE = frozenset({161, 10147, 10148})


def classify(code: int, text: str = "", has_order_id: bool = False) -> ErrorClass:
    """Return the class of a broker message by its code, its text and whether it names an order.

    An unknown code is PERMANENT when it names an order, and TRANSIENT otherwise; unknown codes of
    the 2100s are the gateway's own status reports.
    """
    if code in {162, 322, 420}:
        lowered = text.lower()
        for phrase, cls in _BY_TEXT:
            if phrase in lowered:
                return cls
    if code in CODES:
        return CODES[code].cls
    if 2100 <= code < 2200:
        return ErrorClass.INFORMATIONAL
    return ErrorClass.PERMANENT if has_order_id else ErrorClass.TRANSIENT


def unrecovered(codes: Iterable[int]) -> list[int]:
    """Return the codes of links and farms that broke, as long as nothing says that they recovered.

    `codes` are those of the gateway's messages in the order in which they came.
    """
    broken: list[int] = []
    for code in codes:
        broken = [one for one in broken if code not in RECOVERED_BY[one]]
        if code in RECOVERED_BY and code not in broken:
            broken.append(code)
    return broken


def meaning(code: int) -> str:
    """Return what a broker code means, in words."""
    return CODES[code].meaning if code in CODES else f"broker code {code}"


class PortError(Exception):
    """What happened, why (as far as one can tell), and what a person can do about it."""

    def __init__(self, what: str, why: str = "", do: str = "", *, code: int | None = None) -> None:
        super().__init__(" ".join(part for part in (what, why, do) if part))
        self.what, self.why, self.do, self.code = what, why, do, code
        self.attempts = 0
        self.gaps: list[float] = []


class GatewayError(PortError):
    """Something that a gateway or its connection may do any day: one goes on without it."""


class GatewayConnectionError(GatewayError, ConnectionError):
    """Nothing listens at the gateway's address, or the connection was lost."""


class AuthenticationError(GatewayError):
    """Something accepts connections there, but no handshake, accounts or time came in time."""


class ClientIdInUseError(GatewayError):
    """Every client id that we may use is held by another connection."""


class GatewayTimeout(GatewayError, TimeoutError):  # noqa: N818 - the specification's name
    """A request was not answered within its limit."""


class RateLimitError(GatewayError):
    """The gateway refused a request for its rate, also after waiting 2, 4 and 8 s."""


class ContractNotFoundError(GatewayError):
    """The broker knows no such contract, or several."""


class SafetyViolation(PortError):  # noqa: N818 - the specification's name
    """Not provably the paper account, or not the gateway it is set up as: closed at once.

    No GatewayError: whoever goes on after one of those must not go on after this.
    """


class StreamingForbiddenError(GatewayError):
    """Data were to stream outside of the managed subscription; nothing was sent."""


class LinesExhaustedError(GatewayError):
    """More market-data lines were asked for than may be open; nothing was sent."""


class RequestRefusedError(GatewayError):
    """The broker refused a request; `code` tells why."""


class OrderRefused(GatewayError):  # noqa: N818 - the specification's name
    """The door did not let an order out; `reason` is its short code."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text


class OrderUnanswered(GatewayTimeout):
    """An order was sent and the gateway has not said a word about it: its fate is unknown."""
