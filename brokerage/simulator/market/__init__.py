"""A seeded market that moves: quotes, their updates, historical bars and option greeks."""

from brokerage.simulator.market.hours import Phase
from brokerage.simulator.market.market import Market
from brokerage.simulator.market.requests import Request
from brokerage.simulator.market.shapes import Bar, BarRequestError, Greeks, Quote

__all__ = ["Bar", "BarRequestError", "Greeks", "Market", "Phase", "Quote", "Request"]
