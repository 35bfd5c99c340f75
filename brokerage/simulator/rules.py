"""The house rules of a simulated gateway: what a broker may set this way or that, with defaults.

Defaults are what was recorded of a real paper gateway, or what IBKR documents.
"""

from dataclasses import dataclass
from datetime import date

PDT_RETIRED = date(2026, 6, 4)  # FINRA Regulatory Notice 26-10: no pattern day traders since


@dataclass(frozen=True)
class Rules:
    """Settings of one gateway that concern orders; they hold for its whole life."""

    duplicates: bool = True  # tells twice what a recorded gateway told twice
    short_sales: bool = True  # False: nothing can be borrowed, sales beyond the position give 201
    foreign_cancels: bool = False  # a client may cancel another's order (documented: it may not)
    master_client: int | None = None  # this client hears of everybody's orders and executions
    price_caps: bool = True  # refuses limits far through the quote
    most_active: int = 20  # working orders per contract, side and account
    pattern_day_trading: bool | None = None  # None: until the rule was retired, by simulated date

    def watches_day_traders(self, today: date) -> bool:
        """Whether accounts below 25,000 USD may day-trade three times in five days only."""
        if self.pattern_day_trading is not None:
            return self.pattern_day_trading
        return today < PDT_RETIRED
