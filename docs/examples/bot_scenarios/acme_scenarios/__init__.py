"""Scenarios of the ACME bot: what it needs of a gateway beyond what every bot needs."""

from typing import Any

from acme_scenarios.spread import narrow_spread


def register(scenario: Any) -> None:
    """Register each scenario with Crucible's decorator; ids and category are ACME's own."""
    scenario(
        id="ACME-01",
        slug="acme-narrow-spread",
        title="Spread that the bot can trade",
        category="ACME bot",
        timeout=30,
        severity="S-MED",
        needs=["MARKET_HOURS"],
    )(narrow_spread)
