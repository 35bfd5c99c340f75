"""How far a session may go at a gateway: shares of the account, age of a quote, pace, attempts."""

from dataclasses import dataclass

# Shares of the net liquidation value; a long position without a stop risks all of its value.
RISK_PER_TRADE, SINGLE_TRADE, ONE_POSITION, ALL_EXPOSURE = 0.03, 0.05, 0.20, 0.95
QUOTE_LIVES_SECONDS = 5.0
# What IBKR allows in any second.
MESSAGES_IN_A_SECOND = 50
ATTEMPTS, BACKOFF_BASE = 3, 2.0
_CEILINGS = {
    "risk_per_trade": RISK_PER_TRADE,
    "single_trade": SINGLE_TRADE,
    "position": ONE_POSITION,
    "exposure": ALL_EXPOSURE,
    "quote_lives": QUOTE_LIVES_SECONDS,
    "messages_in_a_second": MESSAGES_IN_A_SECOND,
}


@dataclass(frozen=True)
class Bounds:
    """What a configuration says of these; one that is looser than the product's own is not heard.

    `quote_lives` is in session seconds. `attempts` are made to connect, and `backoff_base` to the
    power 0, 1 and 2 are the session seconds between them.
    """

    risk_per_trade: float = RISK_PER_TRADE
    single_trade: float = SINGLE_TRADE
    position: float = ONE_POSITION
    exposure: float = ALL_EXPOSURE
    quote_lives: float = QUOTE_LIVES_SECONDS
    messages_in_a_second: int = MESSAGES_IN_A_SECOND
    attempts: int = ATTEMPTS
    backoff_base: float = BACKOFF_BASE

    def __post_init__(self) -> None:
        for name, most in _CEILINGS.items():
            # Written so that a value which is not a number is no bound at all.
            if not getattr(self, name) <= most:
                object.__setattr__(self, name, most)

    def wait(self, failures: int) -> float:
        """Session seconds to wait after so many failed attempts in a row, one at least."""
        return float(self.backoff_base ** min(failures - 1, ATTEMPTS - 1))


HOUSE = Bounds()
