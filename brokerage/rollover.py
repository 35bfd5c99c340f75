"""Which weekly expiry to trade: computed by rule, then verified in the broker's option chain."""

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from brokerage.calendar import next_weekly_expiry
from brokerage.errors import ContractNotFoundError
from brokerage.terms import Chain

NEAREST_SHOWN = 4
# The monthly options expire in the week of the third Friday, which lies between these days.
THIRD_FRIDAY = range(15, 22)


class Chains(Protocol):
    """What the decision needs of a desk."""

    async def chain(self, symbol: str) -> Chain:
        """Return the option chain of the underlying."""


class Configured(Protocol):
    """What the decision needs of the configured option contract."""

    @property
    def symbol(self) -> str:
        """The underlying's symbol."""

    @property
    def expiry(self) -> str:
        """The configured expiry, YYYYMMDD or empty."""


class ExpiryNotListedError(ContractNotFoundError):
    """The broker's chain lacks the expiry that the rule gives: a person has to look."""


@dataclass(frozen=True)
class Expiry:
    """The expiry to trade, beside the one that is configured now (YYYYMMDD or empty)."""

    day: date
    configured: str
    reason: str

    @property
    def code(self) -> str:
        """The expiry as IBKR writes it, YYYYMMDD."""
        return self.day.strftime("%Y%m%d")

    @property
    def changed(self) -> bool:
        """Whether the configuration has to change."""
        return self.code != self.configured

    @property
    def monthly(self) -> bool:
        """Whether the monthly options expire on the same day (C-96)."""
        return _is_monthly(self.day)


async def propose(desk: Chains, today: date, contract: Configured) -> Expiry:
    """Return the verified weekly expiry for `today`, a date in New York.

    Raises ExpiryNotListedError when the broker does not list it, CalendarNotCoveredError beyond the
    calendar's years, and what `desk.chain` raises.
    """
    return decide(today, contract.expiry, await desk.chain(contract.symbol))


def decide(today: date, configured: str, chain: Chain) -> Expiry:
    """Return the expiry by rule (CF-08, C-95) when the chain lists it; else raise."""
    proposal = Expiry(next_weekly_expiry(today), configured, "")
    if proposal.code not in chain.expirations or not chain.strikes:
        raise _not_listed(proposal, chain)
    return Expiry(proposal.day, configured, _reason(proposal, today))


def _reason(proposal: Expiry, today: date) -> str:
    text = f"On {today:%A %Y-%m-%d} the next weekly expiry is {proposal.day:%A %Y-%m-%d}"
    if proposal.day.weekday() != 4:
        text += ", as the exchange is closed that Friday"
    if proposal.monthly:
        text += "; the monthly options expire the same day"
    return f"{text}. The broker lists it."


def _is_monthly(day: date) -> bool:
    return day.day + (4 - day.weekday()) in THIRD_FRIDAY


def _day(code: str) -> date:
    return date(int(code[:4]), int(code[4:6]), int(code[6:]))


def _not_listed(proposal: Expiry, chain: Chain) -> ExpiryNotListedError:
    nearest = sorted(chain.expirations, key=lambda code: abs(_day(code) - proposal.day))
    listed = ", ".join(sorted(nearest[:NEAREST_SHOWN])) or "none at all"
    return ExpiryNotListedError(
        f"The broker lists no {chain.symbol} options that expire on {proposal.code}.",
        f"By rule {proposal.code} is the next weekly expiry; the nearest that it lists: {listed}.",
        "Compare the exchange's calendar with the broker's chain, and propose a configuration by "
        "hand if the broker is right.",
    )
