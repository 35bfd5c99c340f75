"""Follow the account's worth: its highest value, and the loss from it (KS-06, ME-22)."""

from collections.abc import Mapping
from typing import Any

from asgiref.sync import sync_to_async

from brokerage import kill
from brokerage.kill_rules import DRAWDOWN_RULE, WARN_DRAWDOWN, drawdown_problem
from brokerage.terms import PAPER, Target
from validation.models.watching import Severity
from validation.watch.conditions import Condition

DO = "Trade nothing more. Find out which orders lost it, and whether they were this session's."


class Worth:
    """The net liquidation values (USD) of a session so far; None before the first."""

    def __init__(self, target: Target, earlier: Mapping[str, Any]) -> None:
        self._target = target
        self.high: float | None = earlier.get("worth_high")
        self.low: float | None = earlier.get("worth_low")
        self.drawdown = float(earlier.get("drawdown", 0.0))
        self.readings = int(earlier.get("worth_readings", 0))

    async def hear(self, worth: float | None) -> Condition | None:
        """Take a reading in; return what is wrong with the account now.

        A tenth below the highest value trips the switch. A simulated gateway trips nothing: the
        switch is the whole product's.
        """
        if worth is None:
            return None
        self.readings += 1
        self.high = worth if self.high is None else max(self.high, worth)
        self.low = worth if self.low is None else min(self.low, worth)
        share = (self.high - worth) / self.high if self.high > 0 else 0.0
        self.drawdown = max(self.drawdown, share)
        problem = drawdown_problem(share)
        if self._target.kind == PAPER:
            await sync_to_async(kill.judge)(problem, DRAWDOWN_RULE, actor="watch")
        return self._condition(share, worth) if share >= WARN_DRAWDOWN else None

    def _condition(self, share: float, worth: float) -> Condition:
        text = f"The account is worth {worth:,.2f} USD, {share:.1%} below its highest value."
        severity = Severity.CRITICAL if drawdown_problem(share) else Severity.WARNING
        return Condition("drawdown", "account", severity, text, DO)

    def content(self) -> dict[str, Any]:
        """Return the figures as plain values; none where nothing was told."""
        if self.high is None or self.low is None:
            return {}
        return {
            "worth_high": round(self.high, 2),
            "worth_low": round(self.low, 2),
            "worth_readings": self.readings,
            "drawdown": round(self.drawdown, 6),
        }
