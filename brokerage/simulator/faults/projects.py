"""The public projects that most incidents come from, as GitHub names them."""

ASYNC = "ib-api-reloaded/ib_async"
INSYNC = "erdewit/ib_insync"
LEAN = "QuantConnect/Lean"
LEAN_IB = "QuantConnect/Lean.Brokerages.InteractiveBrokers"
NAUTILUS = "nautechsystems/nautilus_trader"
