"""The spread of what the bot trades: above a few basis points it earns nothing."""

from brokerage.gateway import ContractSpec
from validation.scenarios.trial import Trial

MOST_BP = 5.0


async def narrow_spread(trial: Trial) -> None:
    """The spread of SPY is narrow enough for the bot to trade.

    Takes one snapshot of SPY.

    Passes when

    - bid and ask are there, and the ask is not below the bid;
    - the spread is at most 5 basis points of the mid.
    """
    contract = await trial.desk.qualify(ContractSpec("SPY"))
    quote = await trial.desk.quote(contract)
    whole = 0 < quote.bid <= quote.ask
    trial.check("both sides", "bid and ask", f"{quote.bid:g} and {quote.ask:g}", passed=whole)
    if not whole:
        return
    spread = (quote.ask - quote.bid) / quote.mid * 10_000
    trial.measure("spread_bp", spread, "bp")
    trial.check("spread", f"at most {MOST_BP:g} bp", f"{spread:.2f} bp", passed=spread <= MOST_BP)
